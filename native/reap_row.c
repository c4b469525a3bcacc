/* The end of a child as JavaScript gets it. */
#include "children.h"
#include "protocol.h"

#include <math.h>

static double microseconds(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

void exited_write(struct completion *completion, double *row, void *reader) {
  (void)reader;
  const struct child *child = OWNER(struct child, exited, completion);
  const struct rusage *usage = &child->usage;
  row[ROW_TOKEN] = child->token;
  row[EXITED_CODE] = child->code;
  row[EXITED_STATUS] = child->status;
  row[EXITED_WALL_TIME] = child->wall_time;
  for (int column = EXITED_USER_TIME; column <= EXITED_INVOLUNTARY_SWITCHES; column++)
    row[column] = NAN;
  if (!child->usage_is_known)
    return;
  row[EXITED_USER_TIME] = microseconds(usage->ru_utime);
  row[EXITED_SYSTEM_TIME] = microseconds(usage->ru_stime);
  row[EXITED_MAX_RSS] = (double)usage->ru_maxrss;
  row[EXITED_MINOR_FAULTS] = (double)usage->ru_minflt;
  row[EXITED_MAJOR_FAULTS] = (double)usage->ru_majflt;
  row[EXITED_BLOCK_INPUT] = (double)usage->ru_inblock;
  row[EXITED_BLOCK_OUTPUT] = (double)usage->ru_oublock;
  row[EXITED_VOLUNTARY_SWITCHES] = (double)usage->ru_nvcsw;
  row[EXITED_INVOLUNTARY_SWITCHES] = (double)usage->ru_nivcsw;
}
