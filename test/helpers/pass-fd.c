/*
 * Passes a descriptor over the socket at descriptor 3.
 *
 *   pass-fd send FILE    opens FILE and sends the descriptor
 *   pass-fd receive      receives one and writes what can be read from it to stdout
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET 3

union control {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int))];
};

static int send_descriptor(int fd) {
  char byte = 'x';
  union control control;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control.space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(SOCKET, &message, 0) == 1 ? 0 : 1;
}

static int receive_descriptor(void) {
  char byte, text[256];
  union control control;
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control.space};
  if (recvmsg(SOCKET, &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL)
    return 1;
  int fd;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  ssize_t count = read(fd, text, sizeof text);
  return count > 0 && write(1, text, (size_t)count) == count ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "send") == 0)
    return send_descriptor(open(argv[2], O_RDONLY));
  return argc == 2 ? receive_descriptor() : 2;
}
