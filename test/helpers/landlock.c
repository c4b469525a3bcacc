/*
 * Runs a program in a Landlock domain that may read files and folders everywhere but below a folder
 * of the root: landlock PATH -- PROGRAM [ARGUMENT...], PATH as "/proc".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* linux/landlock.h, which old headers lack. The numbers are the same on all architectures. */
#define NUMBER_create_ruleset 444
#define NUMBER_add_rule 445
#define NUMBER_restrict_self 446
#define READ_FILE 4u
#define READ_DIR 8u
#define RULE_PATH_BENEATH 1

struct path_beneath {
  uint64_t access;
  int32_t parent;
} __attribute__((packed));

__attribute__((noreturn)) static void die(const char *what) {
  fprintf(stderr, "landlock: %s: %s\n", what, strerror(errno));
  exit(125);
}

static void allow(int ruleset, const char *name) {
  char path[512];
  struct stat status;
  snprintf(path, sizeof path, "/%s", name);
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0)
    die(path);
  uint64_t access = S_ISDIR(status.st_mode) ? READ_FILE | READ_DIR : READ_FILE;
  struct path_beneath rule = {access, fd};
  if (syscall(NUMBER_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0)
    die(path);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc < 4 || argv[1][0] != '/' || strcmp(argv[2], "--") != 0)
    die("usage: landlock PATH -- PROGRAM [ARGUMENT...]");
  uint64_t handled = READ_FILE | READ_DIR;
  int ruleset = (int)syscall(NUMBER_create_ruleset, &handled, sizeof handled, 0);
  if (ruleset < 0)
    die("landlock_create_ruleset");
  DIR *root = opendir("/");
  const struct dirent *entry;
  while (root != NULL && (entry = readdir(root)) != NULL) {
    if (entry->d_name[0] != '.' && strcmp(entry->d_name, argv[1] + 1) != 0)
      allow(ruleset, entry->d_name);
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    die("no_new_privs");
  if (syscall(NUMBER_restrict_self, ruleset, 0) != 0)
    die("landlock_restrict_self");
  execvp(argv[3], argv + 3);
  die(argv[3]);
}
