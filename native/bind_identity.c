/*
 * Users and groups, by way of the C library: the kernel has them by thread, the C library sets them
 * for all threads, by a signal that each has to answer.
 */
#define _GNU_SOURCE
#include "addon.h"
#include "protocol.h"

#include <errno.h>
#include <grp.h>
#include <unistd.h>

_Static_assert(sizeof(uid_t) == 4 && sizeof(gid_t) == 4, "an id is an element of the array");

/* Waits for all threads. */
static int set(int32_t what, const uint32_t *ids, size_t count) {
  if (what == SETTER_SETGROUPS) {
#ifdef __linux__
    return setgroups(count, ids);
#else
    return setgroups((int)count, ids);
#endif
  }
  if (count == 1) {
    switch (what) {
    case SETTER_SETUID:
      return setuid(ids[0]);
    case SETTER_SETEUID:
      return seteuid(ids[0]);
    case SETTER_SETGID:
      return setgid(ids[0]);
    case SETTER_SETEGID:
      return setegid(ids[0]);
    }
  }
  errno = EINVAL;
  return -1;
}

/* setIdentity(what: number, ids: Uint32Array): number, 0 or the errno */
napi_value set_identity(napi_env env, napi_callback_info info) {
  size_t count = 2, length;
  napi_value arguments[2];
  int32_t what = -1;
  napi_typedarray_type type;
  void *ids;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_int32(env, arguments[0], &what);
  if (napi_get_typedarray_info(env, arguments[1], &type, &length, &ids, NULL, NULL) != napi_ok ||
      type != napi_uint32_array)
    return throw_type(env, "ids have to be a Uint32Array");
  return number(env, set(what, ids, length) == 0 ? 0 : errno);
}
