/*
 * Makes system calls and prints their results as a JSON array, a negative errno for a failure.
 *
 *   calls NUMBER [ARGUMENT...] [, NUMBER [ARGUMENT...]]...
 *
 * An argument is a number, s:TEXT (its address), h:HEX (the address of these bytes), b:SIZE (the
 * address of so many zero bytes) or $N, the result of the call N, from 0 on.
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

static long value_of(char *text) {
  if (strncmp(text, "s:", 2) == 0)
    return (long)(uintptr_t)(text + 2);
  if (strncmp(text, "h:", 2) == 0)
    return bytes_of(text + 2);
  if (strncmp(text, "b:", 2) == 0)
    return (long)(uintptr_t)calloc(1, strtoul(text + 2, NULL, 0));
  if (text[0] == '$')
    return results[strtoul(text + 1, NULL, 0)];
  return text[0] == '-' ? strtol(text, NULL, 0) : (long)strtoul(text, NULL, 0);
}

int main(int argc, char **argv) {
  for (int at = 1; at < argc && count < MOST_CALLS; at++) {
    long number = value_of(argv[at]), arguments[6] = {0};
    int given = 0;
    for (at++; at < argc && strcmp(argv[at], ",") != 0; at++) {
      if (given < 6)
        arguments[given++] = value_of(argv[at]);
    }
    long result = syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                          arguments[4], arguments[5]);
    results[count++] = result == -1 ? -errno : result;
  }
  putchar('[');
  for (int i = 0; i < count; i++)
    printf(i == 0 ? "%ld" : ",%ld", results[i]);
  puts("]");
}
