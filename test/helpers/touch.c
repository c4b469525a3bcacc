/*
 * Uses memory: writes to every page of as many MiB as asked for.
 *
 *   touch MIB
 */
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  size_t size = argc < 2 ? 0 : (size_t)atol(argv[1]) << 20;
  volatile char *memory = malloc(size);
  if (memory == NULL)
    return 1;
  for (size_t at = 0; at < size; at += 4096)
    memory[at] = 1;
  return 0;
}
