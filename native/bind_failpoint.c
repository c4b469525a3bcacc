/* Failures at will, for tests: see failpoint.h. */
#include "addon.h"
#include "failpoint.h"

#ifdef FORKEXEC_FAILPOINTS

/* failAt(point, errno, skip, milliseconds): number, how often the last one fired. */
static double fail_at(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return failpoint_plan(a[0].integer, a[1].integer, a[2].integer, a[3].integer);
}

const struct js_export bind_failpoint_exports[] = {{"failAt", "iiii", 'n', fail_at},
                                                   {NULL, NULL, 0, NULL}};

#endif
