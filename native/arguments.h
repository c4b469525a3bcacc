/* JavaScript's values as the arguments of a system call. */
#ifndef FORKEXEC_ARGUMENTS_H
#define FORKEXEC_ARGUMENTS_H

#include "js.h"

#define CALL_ARGUMENTS 6

struct call_arguments {
  long number;
  long values[CALL_ARGUMENTS];
  struct {
    void *bytes;   /* ours; NULL where there is nothing to free */
    size_t length; /* of the view that is copied back */
    napi_ref view; /* NULL unless it is */
  } copies[CALL_ARGUMENTS];
};

/*
 * Reads the arguments (number, ...arguments) of `call` from index `first` on: an integer, a bigint,
 * a string (its UTF-8 bytes and a NUL), an array of strings and nulls (char **, ended by NULL), an
 * ArrayBufferView, null or undefined (0).
 *
 * With `copy` the bytes of a view are copied, and copied back by arguments_return: a call on
 * another thread may outlive the view's memory, when it is transferred or its JavaScript thread
 * ends.
 *
 * Returns 0 with a TypeError pending, and nothing to free. The JavaScript thread.
 */
int arguments_read(struct js_call *call, size_t first, int copy, struct call_arguments *arguments);
/* Copies back into the views, which are then let go. The JavaScript thread. */
void arguments_return(napi_env env, struct call_arguments *arguments);
/* Any thread. */
void arguments_free(struct call_arguments *arguments);

#endif
