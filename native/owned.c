#include "owned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BITS 64

int owned_add(struct owned *owned, int fd) {
  uint32_t word = (uint32_t)fd / BITS;
  if (word >= owned->count) {
    uint32_t count = word + 16;
    uint64_t *larger = realloc(owned->words, count * sizeof *larger);
    if (larger == NULL) {
      close(fd);
      return ENOMEM;
    }
    memset(larger + owned->count, 0, (count - owned->count) * sizeof *larger);
    owned->words = larger;
    owned->count = count;
  }
  owned->words[word] |= (uint64_t)1 << fd % BITS;
  return 0;
}

int owned_remove(struct owned *owned, int fd) {
  uint32_t word = (uint32_t)fd / BITS;
  if (fd < 0 || word >= owned->count)
    return 0;
  uint64_t bit = (uint64_t)1 << fd % BITS;
  int was_there = (owned->words[word] & bit) != 0;
  owned->words[word] &= ~bit;
  return was_there;
}

void owned_close(struct owned *owned) {
  for (uint32_t word = 0; word < owned->count; word++) {
    for (int bit = 0; bit < BITS; bit++) {
      if ((owned->words[word] >> bit & 1) != 0)
        close((int)word * BITS + bit);
    }
  }
  free(owned->words);
  *owned = (struct owned){0};
}
