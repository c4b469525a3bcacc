/* The program that `forkexec init` runs. */
#ifndef FORKEXEC_INIT_PROGRAM_H
#define FORKEXEC_INIT_PROGRAM_H

#include "system.h"

/* What the program is to find as this process found it. */
struct found {
  uint64_t blocked;
  int child_ignored; /* SIGCHLD was ignored */
};

/*
 * Starts the program in a process group of its own, in the foreground of `terminal` unless that is
 * negative. Returns its number.
 */
int start_program(char **words, char **environment, int terminal, const struct found *found);

/* Makes a process group the foreground of a terminal. */
void set_foreground(int terminal, int group);

#endif
