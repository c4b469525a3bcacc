/* A descriptor that any thread, and any signal handler, can make readable. */
#ifndef FORKEXEC_WAKEUP_H
#define FORKEXEC_WAKEUP_H

struct wakeup {
  int fd;     /* to be watched */
  int raised; /* what is written to: on Linux the same */
};

/* Close-on-exec, above stdio. Returns 0 or a positive errno. Any thread. */
int wakeup_open(struct wakeup *wakeup);
void wakeup_close(struct wakeup *wakeup);
/* Any thread; does not block; async-signal-safe. */
void wakeup_raise(const struct wakeup *wakeup);
/* Until it is raised again. The thread that watches it; does not block. */
void wakeup_clear(const struct wakeup *wakeup);

#endif
