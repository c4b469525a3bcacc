#ifndef FORKEXEC_IDLE_HANDLER_H
#define FORKEXEC_IDLE_HANDLER_H

/* The address of a signal handler that does nothing. Any thread; does not block. */
double idle_handler(void);

/* The address that sigaction(2) wants beside a handler as its restorer, or 0. As above. */
double idle_restorer(void);

#endif
