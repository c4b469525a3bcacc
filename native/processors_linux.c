#define _GNU_SOURCE
#include "processors.h"
#include "calls_linux.h"
#include "small_file_linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 1024 /* bits of the set that is asked for: more threads would serve no one */

/* The processors of sched_getaffinity(2). */
static int allowed_processors(void) {
  unsigned long set[MOST / (8 * sizeof(unsigned long))] = {0};
  long size = CALL(SYS_sched_getaffinity, 0, sizeof set, (long)set);
  int count = 0;
  for (size_t i = 0; size > 0 && i < sizeof set / sizeof *set; i++)
    count += __builtin_popcountl(set[i]);
  return size > 0 ? count : (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* What cpu.max of one group allows, rounded up: "max 100000", "150000 100000". */
static int quota_of(const char *group, int otherwise) {
  char path[4200], text[64];
  snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
  if (!read_small_file(path, text, sizeof text))
    return otherwise;
  char *end;
  long long quota = strtoll(text, &end, 10), period = strtoll(end, NULL, 10);
  if (quota <= 0 || period <= 0)
    return otherwise;
  long long processors = (quota + period - 1) / period;
  return processors < otherwise ? (int)processors : otherwise;
}

/* The least of the group's limit and of those above it: cgroups(7), version 2. */
static int limit_of_cgroup(int otherwise) {
  char text[4096];
  if (!read_small_file("/proc/self/cgroup", text, sizeof text))
    return otherwise;
  char *group = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
  if (group == NULL)
    return otherwise;
  group += *group == '\n' ? 4 : 3;
  group[strcspn(group, "\n")] = '\0';
  for (;;) {
    otherwise = quota_of(group, otherwise);
    char *slash = strrchr(group, '/');
    if (slash == NULL)
      return otherwise;
    *slash = '\0';
  }
}

int processors_to_use(void) {
  int count = limit_of_cgroup(allowed_processors());
  return count < 1 ? 1 : count;
}
