#define _GNU_SOURCE
#include "restore_linux.h"
#include "calls_linux.h"
#include "launch.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

/* The calls after which commit_creds of the kernel may clear the flag. */
static const uint32_t changes[] = {
    SYS_setuid,   SYS_setgid,   SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid,
    SYS_setfsuid, SYS_setfsgid, SYS_capset,   SYS_unshare,  SYS_setns,
};

int clears_dumpable(const struct program *program) {
  for (uint32_t i = 0; i < program->count; i++) {
    for (size_t at = 0; at < sizeof changes / sizeof *changes; at++) {
      if (program->instructions[i].number == changes[at])
        return 1;
    }
  }
  return 0;
}

/* What the flag was before the first of the launches that may clear it now. */
static struct {
  pthread_mutex_t lock;
  int launches;
  long flag;
} dumpable = {.lock = PTHREAD_MUTEX_INITIALIZER};

void dumpable_keep(void) {
  pthread_mutex_lock(&dumpable.lock);
  if (dumpable.launches++ == 0)
    dumpable.flag = CALL(SYS_prctl, PR_GET_DUMPABLE);
  pthread_mutex_unlock(&dumpable.lock);
}

void dumpable_restore(void) {
  pthread_mutex_lock(&dumpable.lock);
  if (--dumpable.launches == 0 && CALL(SYS_prctl, PR_GET_DUMPABLE) != dumpable.flag)
    CALL(SYS_prctl, PR_SET_DUMPABLE, dumpable.flag);
  pthread_mutex_unlock(&dumpable.lock);
}
