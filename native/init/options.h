/* The words of `forkexec init`. */
#ifndef FORKEXEC_INIT_OPTIONS_H
#define FORKEXEC_INIT_OPTIONS_H

#include "system.h"

#define FAILED 125

struct options {
  int group;                      /* signals go to the program's process group */
  int parent_death;               /* the signal for the program when the parent ends, or 0 */
  long grace;                     /* milliseconds that what is left has to end */
  unsigned char give[S_LAST + 1]; /* which signal the program gets for one; 0: none */
  unsigned char fine[256];        /* exit codes that become 0 */
  char **program;                 /* the program and its arguments, up to NULL */
};

/* Reads the words behind `forkexec init`. Says what is wrong with them and ends with 125. */
void read_options(struct options *options, char **words);

#endif
