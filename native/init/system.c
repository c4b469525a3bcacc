#include "system.h"

#include <stdarg.h>

/* What compilers call for copies and zeroed structs, also where nobody wrote it. */
void *memset(void *at, int byte, size_t count);
void *memcpy(void *to, const void *from, size_t count);

void *memset(void *at, int byte, size_t count) {
  for (size_t i = 0; i < count; i++)
    ((volatile unsigned char *)at)[i] = (unsigned char)byte;
  return at;
}

void *memcpy(void *to, const void *from, size_t count) {
  for (size_t i = 0; i < count; i++)
    ((volatile unsigned char *)to)[i] = ((const unsigned char *)from)[i];
  return to;
}

uint64_t set_blocked(uint64_t set) {
  uint64_t old = 0;
  const long how_set = 2; /* SIG_SETMASK */
  CALL(SYS_rt_sigprocmask, how_set, (long)&set, (long)&old, sizeof set);
  return old;
}

int set_ignored(int number, int ignored) {
  struct kernel_action action = {.handler = ignored ? ACTION_IGNORE : 0}, old = {0};
  CALL(SYS_rt_sigaction, number, (long)&action, (long)&old, sizeof action.mask);
  return old.handler == ACTION_IGNORE;
}

int text_equals(const char *one, const char *other) {
  for (; *one == *other; one++, other++) {
    if (*one == '\0')
      return 1;
  }
  return 0;
}

size_t text_length(const char *text) {
  size_t length = 0;
  while (text[length] != '\0')
    length++;
  return length;
}

const char *text_after(const char *text, const char *prefix) {
  for (; *prefix != '\0'; prefix++, text++) {
    if (*text != *prefix)
      return NULL;
  }
  return text;
}

long text_number(const char *text, const char **end) {
  long number = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9' && at - text < 9; at++)
    number = number * 10 + (*at - '0');
  *end = at;
  return at == text ? -1 : number;
}

void say(const char *first, ...) {
  char line[1024];
  size_t length = 0;
  va_list rest;
  va_start(rest, first);
  /* One write, so that lines of others do not come between. */
  for (const char *text = first; text != NULL; text = va_arg(rest, const char *)) {
    for (; *text != '\0' && length < sizeof line; text++)
      line[length++] = *text;
  }
  va_end(rest);
  CALL(SYS_write, OUTPUT_ERROR, (long)line, (long)length);
}

const char *decimal(long number) {
  static char digits[24];
  char *at = digits + sizeof digits - 1;
  unsigned long left = number < 0 ? -(unsigned long)number : (unsigned long)number;
  do {
    *--at = (char)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (number < 0)
    *--at = '-';
  return at;
}

_Noreturn void leave(int code) {
  for (;;)
    CALL(SYS_exit_group, code);
}
