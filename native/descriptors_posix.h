/* Descriptors of this process, on systems where no call lists or marks them all. */
#ifndef FORKEXEC_DESCRIPTORS_POSIX_H
#define FORKEXEC_DESCRIPTORS_POSIX_H

#include "launch.h"

/*
 * The highest descriptor that is open, or more. What another thread opens at this moment may be
 * above it by as many as it opens: some room for that is included. Any thread; does not block.
 */
int highest_descriptor(void);

/*
 * Writes to `closed` those of the descriptors which the program names that are not open, and
 * returns how many they are; there is room for two of each instruction. Any thread.
 */
uint32_t closed_descriptors(const struct program *program, int *closed);

#endif
