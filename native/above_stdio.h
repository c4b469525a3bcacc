/* Descriptors of this library: close-on-exec, and at 3 or above, where nothing takes them for
 * stdio.
 */
#ifndef FORKEXEC_ABOVE_STDIO_H
#define FORKEXEC_ABOVE_STDIO_H

/* Any thread; neither of these two blocks. */

/*
 * Moves a descriptor below 3 to another number, and returns the number. -1 if no other number is
 * free: the descriptor is closed then, since a child would inherit it as stdio. A negative one is
 * returned as it is. errno says why.
 */
int fd_above_stdio(int fd);
/* Opens a pipe. Returns 0 or a positive errno. */
int pipe_above_stdio(int fds[2]);

/* Whether descriptors 0 to 2 are all open: no new descriptor takes their numbers then. Any thread;
   does not block. */
int stdio_is_open(void);
/*
 * Which of them are open, as bits, but for a descriptor that a launch has at such a number for a
 * moment. Any thread; waits for that moment where one of them is closed, which is rare.
 */
int stdio_open(void);
/* Around the moment in which a launch has something at such a number. Any thread; as above. */
int stdio_hold(void);
void stdio_release(int held);

#endif
