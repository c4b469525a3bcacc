/* The data of one JavaScript thread. */
#ifndef FORKEXEC_INSTANCE_H
#define FORKEXEC_INSTANCE_H

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <node_api.h>

#include "environment.h"

#include <stdint.h>

/* What JavaScript has a number for: a channel or a fork lock. */
struct handle {
  char letter;         /* as in js.h, or 0 */
  uint32_t generation; /* so that a number is not given twice */
  uint32_t next_free;
  void *object;
  void (*end)(void *object); /* called when the thread ends */
};

struct instance {
  struct environment *environment; /* NULL before `initialize` and once the thread is ending */
  napi_threadsafe_function wake;
  napi_ref callback; /* (rows: number) => void */
  napi_ref mailbox;  /* Float64Array that the rows are written to */
  struct handle *handles;
  uint32_t handle_count, first_free; /* there is none: handle_count */
  uint32_t locks;                    /* fork locks that it holds or waits for */
  uint64_t blocked; /* signals that this thread was made to block, whatever other code does */
};

/* The functions: the JavaScript thread; none blocks. */

struct instance *instance_of(napi_env env);
/* The number for an object; or -ENOMEM, and the object was ended. */
double handle_add(struct instance *instance, char letter, void *object, void (*end)(void *));
/* NULL where it is not the number of such an object. */
void *handle_find(const struct instance *instance, char letter, double number);
void handle_remove(struct instance *instance, double number);
/* Ends all objects. */
void handles_end(struct instance *instance);

#endif
