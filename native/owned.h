/*
 * The descriptors that JavaScript has as bare numbers and that belong to this library.
 *
 * A Worker may be terminated between the call that makes a descriptor and the one that hands it to
 * a child, a channel or `close`. What is in the set at the end of its thread is closed then. So
 * whatever takes a descriptor over, or closes it, takes it out of the set first: its number may be
 * another descriptor's a moment later.
 */
#ifndef FORKEXEC_OWNED_H
#define FORKEXEC_OWNED_H

#include <stdint.h>

/* One bit for each number, of one JavaScript thread; zeroed: empty. */
struct owned {
  uint64_t *words;
  uint32_t count; /* of words */
};

/* The functions: the JavaScript thread; none blocks. */

/* Returns 0; or ENOMEM, and the descriptor was closed. */
int owned_add(struct owned *owned, int fd);
/* Returns whether it was in the set. */
int owned_remove(struct owned *owned, int fd);
/* Closes all of them, and frees the memory of the set. */
void owned_close(struct owned *owned);

#endif
