/*
 * Writes what is true of itself as JSON, for tests to compare with what was asked for.
 *
 *   state FILE [anything...]     FILE is opened only after everything was looked at
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void put_string(FILE *out, const char *text) {
  fputc('"', out);
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at == '"' || *at == '\\')
      fprintf(out, "\\%c", *at);
    else if (*at < 0x20)
      fprintf(out, "\\u%04x", *at);
    else
      fputc(*at, out);
  }
  fputc('"', out);
}

static void put_strings(FILE *out, const char *name, char **list) {
  fprintf(out, "\"%s\":[", name);
  for (char **at = list; *at; at++) {
    if (at != list)
      fputc(',', out);
    put_string(out, *at);
  }
  fputs("],", out);
}

static void put_link(FILE *out, const char *name, const char *path) {
  char target[4096];
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (name)
    fprintf(out, "\"%s\":", name);
  target[length < 0 ? 0 : length] = 0;
  put_string(out, target);
}

/* {"0":{"target":"/dev/null","flags":0,"cloexec":false},…} of all open descriptors */
static void put_descriptors(FILE *out) {
  DIR *directory = opendir("/proc/self/fd");
  fputs("\"fds\":{", out);
  int first = 1;
  for (struct dirent *entry; directory && (entry = readdir(directory));) {
    char *end;
    int fd = (int)strtol(entry->d_name, &end, 10);
    if (*end || end == entry->d_name || fd == dirfd(directory))
      continue;
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fprintf(out, "%s\"%d\":{", first ? "" : ",", fd);
    first = 0;
    put_link(out, "target", path);
    fprintf(out, ",\"flags\":%d,\"cloexec\":%s}", fcntl(fd, F_GETFL),
            fcntl(fd, F_GETFD) & FD_CLOEXEC ? "true" : "false");
  }
  if (directory)
    closedir(directory);
  fputs("},", out);
}

/* The lines of /proc/self/status as strings: SigIgn, CapEff, Umask, NoNewPrivs, … */
static void put_status(FILE *out) {
  FILE *status = fopen("/proc/self/status", "re");
  char line[4096];
  int first = 1;
  fputs("\"status\":{", out);
  while (status && fgets(line, sizeof line, status)) {
    char *colon = strchr(line, ':');
    if (!colon)
      continue;
    *colon = 0;
    char *value = colon + 1 + strspn(colon + 1, " \t");
    value[strcspn(value, "\n")] = 0;
    fprintf(out, "%s", first ? "" : ",");
    first = 0;
    put_string(out, line);
    fputc(':', out);
    put_string(out, value);
  }
  if (status)
    fclose(status);
  fputs("},", out);
}

static void put_file(FILE *out, const char *name, const char *path) {
  char text[65536];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  size_t length = 0;
  /* One read gives a page at the most. */
  for (ssize_t count; fd >= 0 && length < sizeof text - 1; length += (size_t)count)
    if ((count = read(fd, text + length, sizeof text - 1 - length)) <= 0)
      break;
  if (fd >= 0)
    close(fd);
  text[length] = 0;
  fprintf(out, "\"%s\":", name);
  put_string(out, text);
  fputc(',', out);
}

static void put_limits(FILE *out) {
  fputs("\"rlimits\":[", out);
  for (int resource = 0; resource < 16; resource++) {
    struct rlimit limit = {0, 0};
    getrlimit(resource, &limit);
    /* RLIM_INFINITY does not fit a double: -1 stands for it */
    fprintf(out, "%s[%lld,%lld]", resource ? "," : "",
            limit.rlim_cur == RLIM_INFINITY ? -1LL : (long long)limit.rlim_cur,
            limit.rlim_max == RLIM_INFINITY ? -1LL : (long long)limit.rlim_max);
  }
  fputs("],", out);
}

static void put_scheduling(FILE *out) {
  struct {
    unsigned size, policy;
    unsigned long long flags;
    int nice;
    unsigned priority;
    unsigned long long runtime, deadline, period;
  } attributes = {.size = sizeof attributes};
  syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0);
  fprintf(out,
          "\"scheduler\":{\"policy\":%u,\"flags\":%llu,\"nice\":%d,\"priority\":%u,"
          "\"runtime\":%llu,\"deadline\":%llu,\"period\":%llu},",
          attributes.policy, attributes.flags, attributes.nice, attributes.priority,
          attributes.runtime, attributes.deadline, attributes.period);
  fprintf(out, "\"ioPriority\":%ld,", syscall(SYS_ioprio_get, 1, 0));
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  fputs("\"cpus\":[", out);
  int first = 1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &set))
      continue;
    fprintf(out, "%s%d", first ? "" : ",", cpu);
    first = 0;
  }
  fputs("],", out);
}

static void put_identity(FILE *out) {
  uid_t r, e, s;
  gid_t groups[65536];
  getresuid(&r, &e, &s);
  fprintf(out, "\"uids\":[%u,%u,%u],", r, e, s);
  getresgid(&r, &e, &s);
  fprintf(out, "\"gids\":[%u,%u,%u],\"groups\":[", r, e, s);
  int count = getgroups(65536, groups);
  for (int i = 0; i < count; i++)
    fprintf(out, "%s%u", i ? "," : "", groups[i]);
  fputs("],", out);
}

static void put_namespaces(FILE *out) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  fputs("\"namespaces\":{", out);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    fputs(i ? "," : "", out);
    put_link(out, names[i], path);
  }
  fputs("},", out);
}

/* Which signals have a handler, are ignored (1) or default (0), as sigaction says */
static void put_dispositions(FILE *out) {
  fputs("\"dispositions\":{", out);
  for (int number = 1, first = 1; number <= 64; number++) {
    unsigned long action[4] = {0};
    if (syscall(SYS_rt_sigaction, number, NULL, action, 8) != 0 || action[0] == 0)
      continue;
    fprintf(out, "%s\"%d\":%lu", first ? "" : ",", number, action[0]);
    first = 0;
  }
  fputs("},", out);
}

/* The network devices of its namespace */
static void put_devices(FILE *out) {
  FILE *devices = fopen("/proc/self/net/dev", "re");
  char line[512];
  fputs("\"netDevices\":[", out);
  for (int number = 0, first = 1; devices && fgets(line, sizeof line, devices); number++) {
    char *colon = strchr(line, ':');
    if (number < 2 || !colon) /* two lines of heading */
      continue;
    *colon = 0;
    fputs(first ? "" : ",", out);
    first = 0;
    put_string(out, line + strspn(line, " "));
  }
  if (devices)
    fclose(devices);
  fputs("],", out);
}

/* Whether any mount would pass on what is mounted below it */
static void put_mounts(FILE *out) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char line[4096];
  int shared = 0, count = 0;
  for (; mounts && fgets(line, sizeof line, mounts); count++)
    shared += strstr(line, " shared:") != NULL;
  if (mounts)
    fclose(mounts);
  fprintf(out, "\"mounts\":%d,\"sharedMounts\":%d,", count, shared);
}

/* What a time namespace may set off */
static void put_clock(FILE *out) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_BOOTTIME, &now);
  fprintf(out, "\"bootTime\":%lld,", (long long)now.tv_sec);
}

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  int death = 0, subreaper = 0;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size); /* no descriptor of its own */
  prctl(PR_GET_PDEATHSIG, &death);
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  mode_t mask = umask(0);
  umask(mask);
  int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  pid_t foreground = tty < 0 ? -1 : tcgetpgrp(tty);
  if (tty >= 0)
    close(tty);
  fputc('{', out);
  put_strings(out, "argv", argv);
  put_strings(out, "env", environ);
  put_link(out, "cwd", "/proc/self/cwd");
  fputc(',', out);
  put_link(out, "root", "/proc/self/root");
  fputc(',', out);
  put_link(out, "exe", "/proc/self/exe");
  fputc(',', out);
  put_descriptors(out);
  put_status(out);
  put_limits(out);
  put_scheduling(out);
  put_identity(out);
  put_namespaces(out);
  put_dispositions(out);
  put_file(out, "cgroup", "/proc/self/cgroup");
  put_file(out, "oomScoreAdj", "/proc/self/oom_score_adj");
  put_file(out, "uidMap", "/proc/self/uid_map");
  put_file(out, "gidMap", "/proc/self/gid_map");
  put_file(out, "setgroups", "/proc/self/setgroups");
  put_devices(out);
  put_mounts(out);
  put_clock(out);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  fputs("\"hostname\":", out);
  put_string(out, host);
  fputc(',', out);
  fprintf(out,
          "\"pid\":%d,\"ppid\":%d,\"pgid\":%d,\"sid\":%d,\"umask\":%u,\"parentDeathSignal\":%d,"
          "\"subreaper\":%d,\"securebits\":%d,\"hasTerminal\":%s,\"foregroundGroup\":%d}\n",
          getpid(), getppid(), getpgrp(), getsid(0), mask, death, subreaper,
          prctl(PR_GET_SECUREBITS), tty < 0 ? "false" : "true", foreground);
  fclose(out);
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (size_t written = 0; fd >= 0 && written < size;) {
    ssize_t count = write(fd, text + written, size - written);
    if (count < 0)
      return 3;
    written += (size_t)count;
  }
  return fd < 0 ? 4 : 0;
}
