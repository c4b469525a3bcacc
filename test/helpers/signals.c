/*
 * Signals, for tests.
 *
 *   signals table                      the signals of this system's headers, as JSON
 *   signals queue PID NUMBER COUNT     sends COUNT of them with the values 0, 1, …; sends again
 * what the kernel's queue has no room for, and prints how often
 *   signals storm NUMBER               sends them to its own process group until it is ended
 *   signals listen NUMBER…             prints "ready", and then number, code and sender of each
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *name;
  int number;
} names[] = {
    {"SIGHUP", SIGHUP},   {"SIGINT", SIGINT},       {"SIGQUIT", SIGQUIT}, {"SIGILL", SIGILL},
    {"SIGTRAP", SIGTRAP}, {"SIGABRT", SIGABRT},     {"SIGBUS", SIGBUS},   {"SIGFPE", SIGFPE},
    {"SIGKILL", SIGKILL}, {"SIGUSR1", SIGUSR1},     {"SIGSEGV", SIGSEGV}, {"SIGUSR2", SIGUSR2},
    {"SIGPIPE", SIGPIPE}, {"SIGALRM", SIGALRM},     {"SIGTERM", SIGTERM}, {"SIGSTKFLT", SIGSTKFLT},
    {"SIGCHLD", SIGCHLD}, {"SIGCONT", SIGCONT},     {"SIGSTOP", SIGSTOP}, {"SIGTSTP", SIGTSTP},
    {"SIGTTIN", SIGTTIN}, {"SIGTTOU", SIGTTOU},     {"SIGURG", SIGURG},   {"SIGXCPU", SIGXCPU},
    {"SIGXFSZ", SIGXFSZ}, {"SIGVTALRM", SIGVTALRM}, {"SIGPROF", SIGPROF}, {"SIGWINCH", SIGWINCH},
    {"SIGIO", SIGIO},     {"SIGPWR", SIGPWR},       {"SIGSYS", SIGSYS},
};

static int print_table(void) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    printf("%c{\"name\":\"%s\",\"number\":%d,\"description\":\"%s\"}", i == 0 ? '[' : ',',
           names[i].name, names[i].number, strsignal(names[i].number));
  for (int number = SIGRTMIN; number <= SIGRTMAX; number++) {
    char suffix[16] = "";
    if (number > SIGRTMIN)
      snprintf(suffix, sizeof suffix, "+%d", number - SIGRTMIN);
    printf(",{\"name\":\"SIGRTMIN%s\",\"number\":%d,\"description\":\"%s\"}", suffix, number,
           strsignal(number));
  }
  puts("]");
  return 0;
}

static int queue(pid_t pid, int number, int count) {
  long again = 0;
  for (int i = 0; i < count; i++) {
    while (sigqueue(pid, number, (union sigval){.sival_int = i}) != 0) {
      if (errno != EAGAIN)
        return 1;
      again++;
      sched_yield();
    }
  }
  printf("%ld\n", again);
  return 0;
}

static int storm(int number) {
  signal(number, SIG_IGN);
  while (kill(0, number) == 0)
    usleep(20);
  return 1;
}

_Noreturn static void listen(int count, char **numbers) {
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  for (int i = 0; i < count; i++)
    sigaddset(&set, atoi(numbers[i]));
  sigprocmask(SIG_BLOCK, &set, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready %d\n", getpid());
  for (;;) {
    if (sigwaitinfo(&set, &info) > 0)
      printf("%d %d %d\n", info.si_signo, info.si_code, info.si_pid);
  }
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "table") == 0)
    return print_table();
  if (argc == 5 && strcmp(argv[1], "queue") == 0)
    return queue(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
  if (argc == 3 && strcmp(argv[1], "storm") == 0)
    return storm(atoi(argv[2]));
  if (argc > 2 && strcmp(argv[1], "listen") == 0)
    listen(argc - 2, argv + 2);
  return 2;
}
