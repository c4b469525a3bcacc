// What the kernel itself takes for a sandbox: /bin/true launched with vfork(2) and nothing else,
// with the rules of Landlock, with the filter of seccomp, and with both. No launch in any language
// is cheaper.
//
//   sandbox_floor LAUNCHES FILTER NUMBER-OF-READ-PATHS PATH...
//
// FILTER is a file of struct sock_filter; paths after those to be read may be written too. Prints a
// line for each way: its name and the median in microseconds.

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

// Up to ABI 3: execute, write, read, list, remove, make, refer, truncate.
#define ALL_RIGHTS 0x7fffULL
#define READ_RIGHTS 0xdULL

static struct sock_fprog filter;
static char **paths;
static int path_count, read_count;

// Runs in the child of vfork: system calls alone.
static void restrict_files(void) {
  uint64_t handled = ALL_RIGHTS;
  long ruleset = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  for (int index = 0; index < path_count; index++) {
    struct landlock_path_beneath_attr rule = {
        .allowed_access = index < read_count ? READ_RIGHTS : ALL_RIGHTS,
        .parent_fd = open(paths[index], O_PATH | O_CLOEXEC),
    };
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
      _exit(9);
    close(rule.parent_fd);
  }
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
    _exit(9);
}

static double launch(int with_files, int with_filter) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  pid_t pid = vfork();
  if (pid == 0) {
    if (with_files || with_filter)
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (with_files)
      restrict_files();
    if (with_filter && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0)
      _exit(9);
    execve("/bin/true", (char *[]){"true", NULL}, (char *[]){NULL});
    _exit(9);
  }
  int status;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
    exit(1);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  static struct sock_filter code[4096];
  if (argc < 5)
    return 2;
  int launches = atoi(argv[1]);
  FILE *file = fopen(argv[2], "rb");
  if (launches < 1 || file == NULL)
    return 2;
  filter.len = (unsigned short)fread(code, sizeof *code, 4096, file);
  filter.filter = code;
  fclose(file);
  read_count = atoi(argv[3]);
  paths = argv + 4;
  path_count = argc - 4;
  static const char *names[] = {"nothing", "landlock", "seccomp", "both"};
  double *times = malloc(sizeof *times * (size_t)launches * 4);
  if (times == NULL)
    return 1;
  for (int turn = 0; turn < launches; turn++) {
    for (int way = 0; way < 4; way++)
      times[way * launches + turn] = launch(way & 1, way & 2);
  }
  for (int way = 0; way < 4; way++) {
    qsort(times + way * launches, (size_t)launches, sizeof *times, compare);
    printf("%s %.0f\n", names[way], times[way * launches + launches / 2]);
  }
  free(times);
  return 0;
}
