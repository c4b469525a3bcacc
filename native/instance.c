#include "instance.h"
#include "protocol.h"

#include <errno.h>
#include <stdlib.h>

/* A number is generation * HANDLE_LIMIT + index; generations begin with 1. */
#define HANDLE_LIMIT ((uint32_t)HANDLE_LEAST)

struct instance *instance_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

double handle_add(struct instance *instance, char letter, void *object, void (*end)(void *)) {
  uint32_t index = instance->first_free;
  if (index == instance->handle_count) {
    uint32_t count = index == 0 ? 16 : index * 2;
    struct handle *larger =
        count > HANDLE_LIMIT ? NULL : realloc(instance->handles, (size_t)count * sizeof *larger);
    if (larger == NULL) {
      end(object);
      return -ENOMEM;
    }
    for (uint32_t i = index; i < count; i++)
      larger[i] = (struct handle){.generation = 1, .next_free = i + 1};
    instance->handles = larger;
    instance->handle_count = count;
  }
  struct handle *handle = &instance->handles[index];
  instance->first_free = handle->next_free;
  handle->letter = letter;
  handle->object = object;
  handle->end = end;
  return (double)handle->generation * HANDLE_LIMIT + index;
}

static struct handle *handle_at(const struct instance *instance, double number) {
  uint64_t integer = (uint64_t)number;
  uint64_t index = integer % HANDLE_LIMIT;
  if (index >= instance->handle_count ||
      instance->handles[index].generation != integer / HANDLE_LIMIT)
    return NULL;
  return &instance->handles[index];
}

void *handle_find(const struct instance *instance, char letter, double number) {
  const struct handle *handle = handle_at(instance, number);
  return handle != NULL && handle->letter == letter ? handle->object : NULL;
}

void handle_remove(struct instance *instance, double number) {
  struct handle *handle = handle_at(instance, number);
  if (handle == NULL)
    return;
  handle->letter = 0;
  handle->generation++;
  handle->next_free = instance->first_free;
  instance->first_free = (uint32_t)(handle - instance->handles);
}

void handles_end(struct instance *instance) {
  for (uint32_t i = 0; i < instance->handle_count; i++) {
    if (instance->handles[i].letter != 0)
      instance->handles[i].end(instance->handles[i].object);
  }
  free(instance->handles);
  instance->handles = NULL;
  instance->handle_count = instance->first_free = 0;
}
