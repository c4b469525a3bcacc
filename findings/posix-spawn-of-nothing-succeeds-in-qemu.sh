#!/bin/sh
# In QEMU's user mode, where `docker build --platform` runs foreign architectures, posix_spawn(3) of a program
# that does not exist returns 0 and a pid. glibc's child reports its errno in memory that CLONE_VM and
# CLONE_VFORK let it share with the parent; the emulator makes both a fork, as it does vfork(2), and the
# report is lost. Python's os.posix_spawn, and every caller that checks the return value, sees a success; the
# child ends with exit status 127. Valgrind 3.19 and QEMU 10.0 do the same.
#
# forkexec finds out before its first launch and reports through memory that both have mapped: the error is
# execve("/no/such"): ENOENT there too.
set -eu

version=1:7.2+dfsg-7+deb12u18+b3
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get -o APT::Sandbox::User=root -qq download "qemu-user=$version"
dpkg -x qemu-user_*.deb .
cat >spawn.c <<'C'
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int main(void) {
  char *argv[] = {"program", NULL}, *envp[] = {NULL};
  pid_t pid;
  int error = posix_spawn(&pid, "/no/such", NULL, NULL, argv, envp), status = 0;
  printf("posix_spawn: %s", strerror(error));
  if (error == 0 && waitpid(pid, &status, 0) == pid)
    printf(", exit status %d", WEXITSTATUS(status));
  return putchar('\n') != '\n';
}
C
cc spawn.c -o spawn
./usr/bin/qemu-x86_64 --version | head -n 1
plain=$(./spawn)
emulated=$(./usr/bin/qemu-x86_64 ./spawn)
echo "Linux: $plain"
echo "QEMU: $emulated"
[ "$plain" = 'posix_spawn: No such file or directory' ] && [ "$emulated" = 'posix_spawn: Success, exit status 127' ]
