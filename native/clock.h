/* The clock of all times in this directory. */
#ifndef FORKEXEC_CLOCK_H
#define FORKEXEC_CLOCK_H

/* CLOCK_MONOTONIC in microseconds. Any thread; does not block; async-signal-safe. */
double monotonic_microseconds(void);

#endif
