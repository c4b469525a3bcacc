/*
 * Gives program_load mutations of valid programs; built with AddressSanitizer and UBSan.
 *
 *   fuzz_program SEED ITERATIONS
 *
 * Prints a line "COUNT MESSAGE" for each of its answers, "COUNT accepted" among them. What it
 * accepts is checked: every pointer leads into the allocation, and so does what it points at.
 */
#include "program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define CAPACITY 4096u
#define MAX_ANSWERS 64
#define HEADER_WORDS 10u
#define INSTRUCTION_WORDS 16u
#define TABLE_WORDS 4u
#define RELOCATION_WORDS 2u

enum header_word {
  H_MAGIC,
  H_COUNT,
  H_TABLES,
  H_DATA,
  H_FLAGS,
  H_CGROUP,
  H_PIDNS,
  H_FILES,
  H_FLOOR,
  H_RELOCATIONS,
};

/* A program as words, before it is loaded. */
struct sample {
  uint32_t words[CAPACITY / 4];
  size_t size; /* bytes */
};

static uint64_t state;

static uint32_t next_random(void) {
  state ^= state << 13; /* xorshift64* */
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32);
}

static uint32_t below(uint32_t limit) {
  return limit == 0 ? 0 : next_random() % limit;
}

static size_t size_of(const uint32_t *header) {
  return 4 * ((size_t)HEADER_WORDS + (size_t)header[H_COUNT] * INSTRUCTION_WORDS +
              ((size_t)header[H_TABLES] + header[H_FILES]) * TABLE_WORDS +
              (size_t)header[H_RELOCATIONS] * RELOCATION_WORDS) +
         header[H_DATA];
}

/* kinds: two bits for each argument. */
static void instruction(struct sample *sample, uint32_t number, uint32_t mode, uint32_t kinds,
                        int32_t value, uint32_t skip, uint32_t first, uint32_t second) {
  uint32_t *at = sample->words + HEADER_WORDS + sample->words[H_COUNT]++ * INSTRUCTION_WORDS;
  at[0] = number;
  at[1] = mode | kinds << 8;
  at[2] = (uint32_t)value;
  at[3] = skip;
  at[4] = first;
  at[6] = second;
}

/* Of everything one: modes, kinds, two tables, a parent file, a kept descriptor. The data is
 * 104 bytes. */
static void write_rich(struct sample *sample) {
  enum { SLOT = 0, STRINGS = 8, ARGV = 40, ENVP = 72, PATH = 80, POINTER = 96, DATA = 104 };
  memset(sample, 0, sizeof *sample);
  sample->words[H_MAGIC] = PROGRAM_MAGIC;
  sample->words[H_DATA] = DATA;
  sample->words[H_FLAGS] = 0x10000000u; /* CLONE_NEWUSER */
  sample->words[H_CGROUP] = sample->words[H_PIDNS] = UINT32_MAX;
  sample->words[H_FLOOR] = 5;
  instruction(sample, SYS_dup3, MODE_IGNORE, KIND_LOAD, 0, 0, SLOT, 4);
  instruction(sample, 39, MODE_STORE, 0, 0, SLOT, 0, 0);
  instruction(sample, 110, MODE_SKIP_IF, KIND_LOAD, 5, 2, SLOT, 0);
  instruction(sample, 110, MODE_DEGRADE, KIND_IMMEDIATE, 0, 1, 7, 0);
  instruction(sample, 80, MODE_FAIL, KIND_ADDRESS, 0, 0, PATH, 0);
  instruction(sample, OWN_CALL_CLOSE_ON_EXEC_RANGE, MODE_IGNORE, 0, 0, 0, 3, UINT32_MAX);
  instruction(sample, 59, MODE_TRY_NEXT, KIND_ADDRESS | KIND_ADDRESS << 2, 0, 0, PATH, ARGV);
  uint32_t *at = sample->words + HEADER_WORDS + sample->words[H_COUNT] * INSTRUCTION_WORDS;
  const uint32_t tables[] = {ARGV, STRINGS, 3, 0, ENVP, STRINGS, 0, 0};
  const uint32_t relocations[] = {POINTER, PATH, SLOT, POINTER};
  const uint32_t files[] = {STRINGS, STRINGS + 4, 6, 4};
  sample->words[H_TABLES] = 2;
  sample->words[H_FILES] = 1;
  sample->words[H_RELOCATIONS] = 2;
  memcpy(at, tables, sizeof tables);
  memcpy(at + 8, files, sizeof files);
  memcpy(at + 12, relocations, sizeof relocations);
  unsigned char *data = (unsigned char *)(at + 16);
  memcpy(data + STRINGS, "one\0two\0three", 14);
  memcpy(data + PATH, "/bin/true", 10);
  sample->size = size_of(sample->words);
}

/* No instruction, no data. */
static void write_empty(struct sample *sample) {
  memset(sample, 0, sizeof *sample);
  sample->words[H_MAGIC] = PROGRAM_MAGIC;
  sample->size = HEADER_WORDS * 4;
}

/* As many instructions that may degrade as there may be, and two more. */
static void write_degrading(struct sample *sample) {
  memset(sample, 0, sizeof *sample);
  sample->words[H_MAGIC] = PROGRAM_MAGIC;
  for (uint32_t i = 0; i < PROGRAM_MOST_DEGRADING + 2; i++)
    instruction(sample, 39, i < 2 ? MODE_FAIL : MODE_DEGRADE, 0, 0, 0, 0, 0);
  sample->size = size_of(sample->words);
}

/* One table whose last string ends with the data. */
static void write_tight(struct sample *sample) {
  memset(sample, 0, sizeof *sample);
  sample->words[H_MAGIC] = PROGRAM_MAGIC;
  sample->words[H_DATA] = 24;
  sample->words[H_TABLES] = 1;
  uint32_t *at = sample->words + HEADER_WORDS;
  at[0] = 0;
  at[1] = 16;
  at[2] = 1;
  memcpy(at + 7, "1234567", 8);
  sample->size = size_of(sample->words);
}

/* A value that is more often at an edge than not. */
static uint32_t edge(const struct sample *sample) {
  static const uint32_t edges[] = {0,           1,           2,           3,           4,
                                   7,           8,           9,           16,          63,
                                   64,          65,          4096,        65535,       65536,
                                   65537,       1u << 20,    1u << 28,    0x7fffffffu, 0x80000000u,
                                   0x80000001u, 0x80000002u, 0xfffffff8u, UINT32_MAX};
  uint32_t base = edges[below(sizeof edges / sizeof *edges)];
  switch (below(4)) {
  case 0:
    return base;
  case 1:
    return sample->words[H_DATA] + below(17) - 8;
  case 2:
    return below(sample->words[H_DATA] + 8) & ~7u;
  default:
    return next_random();
  }
}

static void mutate(struct sample *sample) {
  unsigned char *bytes = (unsigned char *)sample->words;
  uint32_t words = (uint32_t)sample->size / 4;
  switch (below(8)) {
  case 0: /* cut or made longer */
    sample->size = below(2) ? below(CAPACITY) : sample->size + below(17) - 8;
    if (sample->size > CAPACITY)
      sample->size = 0;
    break;
  case 1: /* another shape, with the size that goes with it */
    sample->words[H_COUNT] = below(12);
    sample->words[H_TABLES] = below(5);
    sample->words[H_FILES] = below(12);
    sample->words[H_DATA] = below(40) * 8;
    sample->words[H_RELOCATIONS] = below(6);
    sample->size = size_of(sample->words);
    break;
  case 2: /* a header that is wrong */
    sample->words[below(HEADER_WORDS)] = edge(sample);
    break;
  case 3:
    sample->words[below(words)] ^= 1u << below(32);
    break;
  case 4:
    bytes[below((uint32_t)sample->size)] = (unsigned char)next_random();
    break;
  default: /* a word behind the header */
    if (words > HEADER_WORDS)
      sample->words[HEADER_WORDS + below(words - HEADER_WORDS)] = edge(sample);
    break;
  }
}

_Noreturn static void broken(const char *what) {
  printf("broken: %s\n", what);
  fflush(stdout);
  abort();
}

/* The allocation that the pointers must lead into. */
static struct { const unsigned char *data, *end; /* with the guard */ } bounds;

static void check_string(const void *pointer) {
  const unsigned char *at = pointer;
  if (at < bounds.data || at >= bounds.end - PROGRAM_GUARD)
    broken("a string begins outside the data");
  if (memchr(at, 0, (size_t)(bounds.end - at)) == NULL)
    broken("a string has no end");
}

static void check_slot(const void *pointer) {
  const unsigned char *at = pointer;
  if (at < bounds.data || at > bounds.end - PROGRAM_GUARD - 8 || (uintptr_t)at % 8 != 0)
    broken("a slot lies outside the data");
  volatile uint64_t value = *(const uint64_t *)pointer;
  (void)value;
}

static void check_instruction(const struct program *program, uint32_t index, uint32_t floor) {
  const struct instruction *one = &program->instructions[index];
  uint32_t mode = INSTRUCTION_MODE(one);
  if (mode >= MODE_COUNT)
    broken("a mode is unknown");
  if (mode == MODE_STORE)
    check_slot(program->data + one->skip);
  if ((mode == MODE_SKIP_IF || mode == MODE_DEGRADE) && one->skip > program->count - index - 1)
    broken("a skip goes past the end");
  if (floor > 0 && one->number == SYS_dup3 &&
      (INSTRUCTION_KIND(one, 1) != KIND_IMMEDIATE || one->arguments[1] >= floor))
    broken("a kept descriptor is overwritten");
  for (int i = 0; i < 6; i++) {
    const void *pointer = (const void *)(uintptr_t)one->arguments[i];
    if (INSTRUCTION_KIND(one, i) == KIND_ADDRESS)
      check_string(pointer);
    else if (INSTRUCTION_KIND(one, i) == KIND_LOAD)
      check_slot(pointer);
    else if (INSTRUCTION_KIND(one, i) != KIND_IMMEDIATE)
      broken("a kind is unknown");
  }
}

/* Of tables that overlap the later has written over the earlier: still pointers, or NULL. */
static void check_table(const struct program *program, const uint32_t *table) {
  for (uint32_t i = 0; i <= table[2]; i++) {
    const unsigned char *slot = program->data + table[0] + (size_t)i * 8;
    check_slot(slot);
    const char *pointer;
    memcpy(&pointer, slot, 8);
    if (pointer != NULL)
      check_string(pointer);
  }
}

/* Whether the pointers of a table lie in a slot: they have written over it. */
static int is_in_table(const uint32_t *header, const uint32_t *tables, uint32_t slot) {
  for (uint32_t i = 0; i < header[H_TABLES]; i++) {
    const uint32_t *table = tables + (size_t)i * TABLE_WORDS;
    if (slot >= table[0] && slot < table[0] + ((uint64_t)table[2] + 1) * 8)
      return 1;
  }
  return 0;
}

/* Of relocations of one slot the last holds. */
static void check_relocations(const struct program *program, const uint32_t *header,
                              const uint32_t *tables, const uint32_t *relocations) {
  for (uint32_t i = 0; i < header[H_RELOCATIONS]; i++) {
    const unsigned char *slot = program->data + relocations[i * 2];
    check_slot(slot);
    const void *pointer;
    memcpy(&pointer, slot, 8);
    if (!is_in_table(header, tables, relocations[i * 2]))
      check_string(pointer);
  }
}

static void check(const struct program *program, const unsigned char *bytes, size_t size) {
  const uint32_t *header = (const void *)bytes;
  bounds.data = program->data;
  bounds.end = bytes + program_allocation(size);
  if (size != size_of(header) || program->data + header[H_DATA] != bytes + size)
    broken("the data is somewhere else");
  if (program->count != header[H_COUNT] ||
      (const void *)program->instructions != bytes + HEADER_WORDS * 4)
    broken("the instructions are somewhere else");
  if ((program->clone_flags & 0x7e020081u) != program->clone_flags)
    broken("there are clone flags other than namespaces");
  uint32_t degrading = 0;
  for (uint32_t i = 0; i < program->count; i++) {
    check_instruction(program, i, header[H_FLOOR]);
    degrading += INSTRUCTION_MODE(&program->instructions[i]) == MODE_DEGRADE;
  }
  if (degrading > PROGRAM_MOST_DEGRADING)
    broken("more degrades than can be reported");
  const uint32_t *tables = header + HEADER_WORDS + (size_t)program->count * INSTRUCTION_WORDS;
  for (uint32_t i = 0; i < header[H_TABLES]; i++)
    check_table(program, tables + (size_t)i * TABLE_WORDS);
  check_relocations(program, header, tables,
                    tables + ((size_t)header[H_TABLES] + header[H_FILES]) * TABLE_WORDS);
  if (program->parent_file_count != header[H_FILES] || header[H_FILES] > MAX_PARENT_FILES)
    broken("there are other parent files");
  for (uint32_t i = 0; i < program->parent_file_count; i++) {
    const struct parent_file *file = &program->parent_files[i];
    check_string(file->name);
    if (file->content < bounds.data || file->content + file->size > bytes + size)
      broken("the content of a parent file lies outside the data");
    if (file->step >= program->count)
      broken("a parent file blames no instruction");
  }
}

static struct answer {
  const char *text;
  unsigned long count;
} answers[MAX_ANSWERS];

static void count_answer(const char *text) {
  for (struct answer *answer = answers; answer < answers + MAX_ANSWERS; answer++) {
    if (answer->text == NULL)
      answer->text = text;
    if (strcmp(answer->text, text) == 0) {
      answer->count++;
      return;
    }
  }
}

int main(int argc, char **argv) {
  static void (*const samples[])(struct sample *) = {write_rich, write_rich, write_tight,
                                                     write_empty, write_degrading};
  const uint32_t count = sizeof samples / sizeof *samples;
  static struct sample sample;
  if (argc != 3)
    return 2;
  state = strtoull(argv[1], NULL, 10) * 2 + 1;
  unsigned long iterations = strtoul(argv[2], NULL, 10);
  for (unsigned long i = 0; i < iterations; i++) {
    samples[i < count ? i : below(count)](&sample);
    /* The first of each are unchanged: they must be accepted. */
    for (uint32_t left = i < count ? 0 : 1 + below(4); left > 0 && sample.size >= 4; left--)
      mutate(&sample);
    unsigned char *bytes = malloc(program_allocation(sample.size));
    struct program program;
    memset(&program, 0xaa, sizeof program);
    memcpy(bytes, sample.words, sample.size);
    const char *wrong = program_load(&program, bytes, sample.size);
    if (wrong == NULL)
      check(&program, bytes, sample.size);
    else if (i < count)
      broken(wrong);
    count_answer(wrong == NULL ? "accepted" : wrong);
    free(bytes);
  }
  for (struct answer *answer = answers; answer < answers + MAX_ANSWERS && answer->text; answer++)
    printf("%lu %s\n", answer->count, answer->text);
  return 0;
}
