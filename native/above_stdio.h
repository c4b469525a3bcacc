/* Descriptors of this library: close-on-exec, and at 3 or above, where nothing takes them for
 * stdio.
 */
#ifndef FORKEXEC_ABOVE_STDIO_H
#define FORKEXEC_ABOVE_STDIO_H

/* Both: any thread; neither blocks. */

/*
 * Moves a descriptor below 3 to another number, and returns the number. -1 if no other number is
 * free: the descriptor is closed then, since a child would inherit it as stdio. A negative one is
 * returned as it is. errno says why.
 */
int fd_above_stdio(int fd);
/* Opens a pipe. Returns 0 or a positive errno. */
int pipe_above_stdio(int fds[2]);

#endif
