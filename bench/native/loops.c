// Launches of /bin/true without a runtime: loops HOW LOOPS MS. HOW is vfork or posix_spawn; each
// loop is a process of its own, which starts a child and waits for it, again and again. Prints how
// many a second all of them did.
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static char *const arguments[] = {"true", NULL};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void launch(int spawns, int null, posix_spawn_file_actions_t *actions) {
  pid_t pid = 0;
  if (spawns) {
    if (posix_spawn(&pid, "/bin/true", actions, NULL, arguments, environ) != 0)
      exit(1);
  } else if ((pid = vfork()) == 0) {
    for (int fd = 0; fd < 3; fd++)
      dup2(null, fd);
    execve("/bin/true", arguments, environ);
    _exit(127);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0)
    exit(1);
}

int main(int count, char **words) {
  if (count != 4)
    return 2;
  int spawns = strcmp(words[1], "posix_spawn") == 0;
  int loops = atoi(words[2]);
  double limit = atof(words[3]);
  long *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int fd = 0; fd < 3; fd++)
    posix_spawn_file_actions_adddup2(&actions, null, fd);
  double begin = now();
  for (int loop = 0; loop < loops; loop++) {
    if (fork() != 0)
      continue;
    while (now() - begin < limit) {
      launch(spawns, null, &actions);
      counts[loop]++;
    }
    _exit(0);
  }
  long total = 0;
  for (int loop = 0; loop < loops; loop++) {
    int status = 0;
    if (wait(&status) < 0 || status != 0)
      return 1;
  }
  double took = now() - begin;
  for (int loop = 0; loop < loops; loop++)
    total += counts[loop];
  printf("%.1f\n", (double)total / took * 1e3);
  return 0;
}
