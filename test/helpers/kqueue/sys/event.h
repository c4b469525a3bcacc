/* What native/events_posix.c uses of kqueue(2), for its tests on Linux; kqueue.c has the functions.
 */
#ifndef FORKEXEC_TEST_EVENT_H
#define FORKEXEC_TEST_EVENT_H

#include <stdint.h>
#include <time.h>

/* Names, values and layout are FreeBSD's. */
#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_PROC (-5)
#define EVFILT_USER (-11)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_EXIT 0x80000000u
#define NOTE_TRIGGER 0x01000000u

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  int64_t data;
  void *udata;
};

#define EV_SET(event, ident, filter, flags, fflags, data, udata)                                   \
  (*(event) = (struct kevent){ident, filter, flags, fflags, data, udata})

int kqueue(void);
int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout);

#endif
