/* One system call with JavaScript's values as its arguments. */
#ifndef FORKEXEC_RAW_SYSCALL_H
#define FORKEXEC_RAW_SYSCALL_H

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <node_api.h>

/*
 * rawSyscall(number, ...arguments): number | bigint. A failed call gives -errno, nothing is thrown
 * for it; a result that no double holds exactly is a bigint. Arguments: an integer, a bigint, a
 * string (its UTF-8 bytes and a NUL), an ArrayBufferView (its address), null or undefined (0).
 * The JavaScript thread; blocks as long as the call does.
 */
napi_value raw_syscall(napi_env env, napi_callback_info info);

#endif
