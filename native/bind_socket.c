/*
 * Messages with descriptors: their headers hold addresses, which JavaScript has not, and the size
 * of a control message is a matter of the C library's macros.
 *
 * The functions run on a JavaScript thread, and block where the socket does.
 */
#define _GNU_SOURCE
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 253 /* SCM_MAX_FD of Linux */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif

union control {
  struct cmsghdr header; /* for its alignment */
  char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
};

/*
 * sendMessage(fd, bytes: Uint8Array, fds: Int32Array | undefined, flags): number, how many bytes
 * were taken, or -errno: sendmsg(2). The descriptors go with the first byte that is taken.
 */
static double send_message(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  union control control;
  struct iovec bytes = {a[1].data, a[1].length};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  size_t size = a[2].length * sizeof(int);
  if (a[2].length > MOST_DESCRIPTORS)
    return -EINVAL;
  if (size > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.bytes;
    message.msg_controllen = (socklen_t)CMSG_SPACE(size);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = (socklen_t)CMSG_LEN(size);
    memcpy(CMSG_DATA(header), a[2].data, size);
  }
  ssize_t sent;
  do
    sent = sendmsg(a[0].integer, &message, a[3].integer | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : (double)sent;
}

/* musl's macro compares a length with a difference of pointers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
/* The next control message, or NULL. Any thread; does not block; async-signal-safe. */
static struct cmsghdr *next_header(struct msghdr *message, struct cmsghdr *header) {
  return CMSG_NXTHDR(message, header);
}
#pragma GCC diagnostic pop

/*
 * receiveMessage(fd, bytes: Uint8Array, result: Int32Array, flags): number, how many bytes were
 * there, or -errno: recvmsg(2). result[0] is how many descriptors came, all close-on-exec,
 * result[1] the flags of the message, and the descriptors follow. One that `result` has no room for
 * is closed, and MSG_CTRUNC is among the flags.
 */
static double receive_message(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  union control control;
  struct iovec bytes = {a[1].data, a[1].length};
  int32_t *result = a[2].data;
  if (a[2].length < 2)
    return js_throw_range(call, "room for two numbers is expected");
  size_t room = a[2].length - 2 > MOST_DESCRIPTORS ? MOST_DESCRIPTORS : a[2].length - 2;
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  ssize_t received;
  do {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    received = recvmsg(a[0].integer, &message, a[3].integer | MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0)
    return -errno;
  int32_t count = 0, flags = message.msg_flags & ~MSG_CMSG_CLOEXEC;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
       header = next_header(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
      continue;
    size_t descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < descriptors; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
      if (MSG_CMSG_CLOEXEC == 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
      if ((size_t)count < room) {
        result[2 + count++] = fd;
      } else {
        close(fd);
        flags |= MSG_CTRUNC;
      }
    }
  }
  result[0] = count;
  result[1] = flags;
  return (double)received;
}

/* setSocketBuffers(fd, send, receive): number, 0 or an errno: SO_SNDBUF and SO_RCVBUF of socket(7)
 */
static double set_buffers(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  const int names[] = {SO_SNDBUF, SO_RCVBUF};
  for (int i = 0; i < 2; i++) {
    int size = a[1 + i].integer;
    if (setsockopt(a[0].integer, SOL_SOCKET, names[i], &size, sizeof size) != 0)
      return errno;
  }
  return 0;
}

const struct js_export bind_socket_exports[] = {
    {"sendMessage", "iuoi", 'n', send_message},
    {"receiveMessage", "iuai", 'n', receive_message},
    {"setSocketBuffers", "iii", 'n', set_buffers},
    {NULL, NULL, 0, NULL},
};
