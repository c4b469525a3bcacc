#include "program.h"

#define PATH_LENGTH 4096
#define TERMINAL_SET_GROUP 0x5410 /* TIOCSPGRP */
#define NOT_RUNNABLE 126
#define NOT_FOUND 127

/* SIGTTOU is blocked: it would stop a process that is in the background. */
void set_foreground(int terminal, int group) {
  CALL(SYS_ioctl, terminal, TERMINAL_SET_GROUP, (long)&group);
}

static const char *path_in(char **environment) {
  for (; *environment != NULL; environment++) {
    const char *value = text_after(*environment, "PATH=");
    if (value != NULL)
      return value;
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

/* The length of DIRECTORY/NAME, which is put together in `path`; 0 where it is too long. */
static size_t join(char *path, const char *directory, size_t length, const char *name) {
  size_t at = 0, rest = text_length(name);
  if (length + rest + 2 > PATH_LENGTH)
    return 0;
  for (; at < length; at++)
    path[at] = directory[at];
  if (length > 0)
    path[at++] = '/';
  for (size_t i = 0; i <= rest; i++)
    path[at + i] = name[i];
  return at + rest;
}

/* execve, with a search as execvp(3) makes it. Returns the errno that says most. */
static int replace(char **words, char **environment) {
  const char *name = words[0];
  for (const char *at = name; *at != '\0'; at++) {
    if (*at == '/')
      return (int)-CALL(SYS_execve, (long)name, (long)words, (long)environment);
  }
  char path[PATH_LENGTH];
  int worst = E_NOENT;
  for (const char *at = path_in(environment);;) {
    size_t length = 0;
    while (at[length] != '\0' && at[length] != ':')
      length++;
    if (join(path, at, length, name) > 0) {
      int error = (int)-CALL(SYS_execve, (long)path, (long)words, (long)environment);
      if (error != E_NOENT && error != E_NOTDIR)
        worst = error;
    }
    if (at[length] == '\0')
      return worst;
    at += length + 1;
  }
}

static const char *reason_of(int error) {
  switch (error) {
  case E_NOENT:
    return "ENOENT: no such file or directory";
  case E_ACCES:
    return "EACCES: permission denied";
  case E_NOEXEC:
    return "ENOEXEC: not a program for this system";
  default:
    return decimal(error); /* errno(3) */
  }
}

/* In the new process. */
static _Noreturn void become(char **words, char **environment, int terminal,
                             const struct found *found) {
  CALL(SYS_setpgid, 0, 0);
  if (terminal >= 0)
    set_foreground(terminal, (int)CALL(SYS_getpid));
  set_ignored(S_CHLD, found->child_ignored);
  set_blocked(found->blocked);
  int error = replace(words, environment);
  say("forkexec init: execve(\"", words[0], "\"): ", reason_of(error), "\n", NULL);
  leave(error == E_NOENT ? NOT_FOUND : NOT_RUNNABLE);
}

int start_program(char **words, char **environment, int terminal, const struct found *found) {
  long pid = CALL(SYS_clone, S_CHLD);
  if (pid == 0)
    become(words, environment, terminal, found);
  if (pid > 0)
    CALL(SYS_setpgid, pid, pid); /* whoever is first: a signal for the group may come at once */
  return (int)pid;
}
