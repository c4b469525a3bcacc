/*
 * Makes system calls and prints their results as a JSON array, a negative errno for a failure.
 *
 *   calls NUMBER [ARGUMENT...] [, NUMBER [ARGUMENT...]]...
 *
 * An argument is a number, s:TEXT (its address), h:HEX (the address of these bytes), b:SIZE (the
 * address of so many zero bytes), f:HEX (the address of a struct sock_fprog of these instructions)
 * or $N, the result of the call N, from 0 on.
 *
 * After the first call it makes none of its own but write and exit_group.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_CALLS 2048

static long results[MOST_CALLS];
static int count;

static int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

static long bytes_of(const char *hex) {
  size_t size = strlen(hex) / 2;
  unsigned char *bytes = malloc(size + 1);
  for (size_t i = 0; i < size; i++)
    bytes[i] = (unsigned char)(hex_digit(hex[2 * i]) * 16 + hex_digit(hex[2 * i + 1]));
  return (long)(uintptr_t)bytes;
}

/* struct sock_fprog. */
static long filter_of(const char *hex) {
  struct program {
    unsigned short length;
    void *instructions;
  } *program = calloc(1, sizeof *program);
  program->length = (unsigned short)(strlen(hex) / 16);
  program->instructions = (void *)(uintptr_t)bytes_of(hex);
  return (long)(uintptr_t)program;
}

static long value_of(char *text) {
  if (strncmp(text, "s:", 2) == 0)
    return (long)(uintptr_t)(text + 2);
  if (strncmp(text, "h:", 2) == 0)
    return bytes_of(text + 2);
  if (strncmp(text, "b:", 2) == 0)
    return (long)(uintptr_t)calloc(1, strtoul(text + 2, NULL, 0));
  if (strncmp(text, "f:", 2) == 0)
    return filter_of(text + 2);
  return text[0] == '-' ? strtol(text, NULL, 0) : (long)strtoul(text, NULL, 0);
}

struct made {
  long number, arguments[6];
  /* Which arguments are results of earlier calls. */
  int earlier[6];
};

static struct made calls[MOST_CALLS];
static char output[MOST_CALLS * 21 + 8];

int main(int argc, char **argv) {
  for (int at = 1; at < argc && count < MOST_CALLS; at++) {
    struct made *made = &calls[count++];
    made->number = value_of(argv[at]);
    int given = 0;
    for (at++; at < argc && strcmp(argv[at], ",") != 0; at++) {
      if (given == 6)
        continue;
      made->earlier[given] = argv[at][0] == '$';
      made->arguments[given++] =
          argv[at][0] == '$' ? strtol(argv[at] + 1, NULL, 0) : value_of(argv[at]);
    }
  }
  for (int i = 0; i < count; i++) {
    struct made *made = &calls[i];
    long *a = made->arguments;
    for (int j = 0; j < 6; j++)
      a[j] = made->earlier[j] ? results[a[j]] : a[j];
    long result = syscall(made->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    results[i] = result == -1 ? -errno : result;
  }
  size_t size = 0;
  output[size++] = '[';
  for (int i = 0; i < count; i++)
    size += (size_t)sprintf(output + size, i == 0 ? "%ld" : ",%ld", results[i]);
  size += (size_t)sprintf(output + size, "]\n");
  if (write(1, output, size) != (ssize_t)size)
    _exit(1);
  _exit(0);
}
