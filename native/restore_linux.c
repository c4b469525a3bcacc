#define _GNU_SOURCE
#include "restore_linux.h"
#include "calls_linux.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>

/*
 * What set*id in a child clears of the memory it shares with us. Launches of several threads
 * overlap: one that begins while the flag is down must not take that for what it was.
 */
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
  if (CALL(SYS_prctl, PR_GET_DUMPABLE) != dumpable.flag)
    CALL(SYS_prctl, PR_SET_DUMPABLE, dumpable.flag);
  dumpable.launches--;
  pthread_mutex_unlock(&dumpable.lock);
}

struct oom_score oom_score_read(void) {
  struct oom_score score = {{0}, 0};
  long fd = CALL(SYS_openat, AT_FDCWD, (long)"/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
  score.length = fd < 0 ? fd : CALL(SYS_read, fd, (long)score.text, sizeof score.text);
  if (fd >= 0)
    CALL(SYS_close, fd);
  return score;
}

/*
 * The kernel takes a child that shares the memory of its parent, outside of vfork, for a part of
 * the parent: the score that the child gives itself becomes the parent's. Once the child has memory
 * of its own, the score of the parent is put back.
 */
void oom_score_restore(const struct oom_score *before) {
  struct oom_score now = oom_score_read();
  if (before->length <= 0 || memcmp(now.text, before->text, sizeof now.text) == 0)
    return;
  long fd = CALL(SYS_openat, AT_FDCWD, (long)"/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  CALL(SYS_write, fd, (long)before->text, before->length);
  CALL(SYS_close, fd);
}
