#include "program.h"
#include "calls.h"
#include <string.h>

#define HEADER_SIZE (4u * PROGRAM_HEADER_WORDS)
#define RELOCATION_SIZE (4u * PROGRAM_RELOCATION_WORDS)
#define TABLE_SIZE (4u * PROGRAM_TABLE_WORDS)

struct header {
  uint32_t magic, instructions, tables, data;
  uint32_t clone_flags;
  int32_t cgroup, pid_namespace;
  uint32_t parent_files, floor, relocations;
};

struct file_entry {
  uint32_t name, content, size, step;
};

struct table {
  uint32_t pointers, strings, count, reserved;
};

struct relocation {
  uint32_t slot, target;
};

_Static_assert(sizeof(struct relocation) == RELOCATION_SIZE, "as program.ts writes it");
_Static_assert(sizeof(struct header) == HEADER_SIZE, "as program.ts writes it");
_Static_assert(sizeof(struct instruction) == 4 * PROGRAM_INSTRUCTION_WORDS,
               "as program.ts writes it");
_Static_assert(sizeof(struct table) == TABLE_SIZE, "as program.ts writes it");
_Static_assert(sizeof(struct file_entry) == TABLE_SIZE, "as program.ts writes it");

size_t program_allocation(size_t size) {
  return size + PROGRAM_GUARD;
}

/* Whether a slot of 8 bytes lies in the data. */
static int is_slot(uint64_t offset, uint32_t size) {
  return (offset & 7) == 0 && size >= 8 && offset <= size - 8;
}

/* Whether the instruction may put a descriptor at the number of a kept one. */
static int overwrites_kept(const struct instruction *instruction, uint32_t floor) {
  return instruction->number == CALL_NUMBER(dup3) &&
         (INSTRUCTION_KIND(instruction, 1) != KIND_IMMEDIATE || instruction->arguments[1] >= floor);
}

static const char *load_instruction(struct instruction *instruction, uint32_t left,
                                    unsigned char *data, uint32_t size) {
  uint32_t mode = INSTRUCTION_MODE(instruction);
  if (mode >= MODE_COUNT)
    return "an instruction has an unknown mode";
  if (instruction->number >= OWN_CALL_END ||
      (instruction->number < OWN_CALL_CLOSE_ON_EXEC_RANGE && instruction->number > 0xffff))
    return "an instruction has an unknown number";
  if (instruction->mode >> 20 != 0)
    return "an instruction has unknown flags";
  if (mode == MODE_STORE && !is_slot(instruction->skip, size))
    return "an instruction stores outside the data";
  if ((mode == MODE_SKIP_IF || mode == MODE_DEGRADE) && instruction->skip > left)
    return "an instruction skips past the end";
  for (int i = 0; i < 6; i++) {
    uint64_t argument = instruction->arguments[i];
    switch (INSTRUCTION_KIND(instruction, i)) {
    case KIND_IMMEDIATE:
      break;
    case KIND_ADDRESS:
      if (argument >= size)
        return "an argument points outside the data";
      instruction->arguments[i] = (uint64_t)(uintptr_t)(data + argument);
      break;
    case KIND_LOAD:
      if (!is_slot(argument, size))
        return "an argument loads from outside the data";
      instruction->arguments[i] = (uint64_t)(uintptr_t)(data + argument);
      break;
    default:
      return "an argument has an unknown kind";
    }
  }
  return NULL;
}

static const char *load_table(const struct table *table, unsigned char *data, uint32_t size) {
  if ((table->pointers & 7) != 0 || table->pointers > size ||
      ((uint64_t)table->count + 1) * 8 > size - table->pointers)
    return "a table lies outside the data";
  if (table->strings > size)
    return "the strings of a table lie outside the data";
  unsigned char *string = data + table->strings;
  unsigned char *end = data + size;
  unsigned char *slot = data + table->pointers;
  for (uint32_t i = 0; i < table->count; i++, slot += 8) {
    unsigned char *terminator = memchr(string, 0, (size_t)(end - string));
    if (terminator == NULL)
      return "a table has fewer strings than it says";
    uint64_t address = (uint64_t)(uintptr_t)string;
    string = terminator + 1;
    memcpy(slot, &address, 8);
  }
  memset(slot, 0, 8);
  return NULL;
}

static const char *load_parent_file(struct parent_file *file, const struct file_entry *entry,
                                    const struct program *program, uint32_t size) {
  /* The name ends within the data or in the guard behind it, so that it needs no other check. */
  if (entry->name >= size || entry->content > size || entry->size > size - entry->content ||
      entry->step >= program->count)
    return "a parent file lies outside the data";
  file->name = (const char *)program->data + entry->name;
  file->content = program->data + entry->content;
  file->size = entry->size;
  file->step = entry->step;
  return NULL;
}

const char *program_load(struct program *program, unsigned char *bytes, size_t size) {
  const struct header *header = (const void *)bytes;
  if (size < HEADER_SIZE || header->magic != PROGRAM_MAGIC)
    return "it has no header";
  uint32_t data_size = header->data;
  if (header->instructions > PROGRAM_MOST_INSTRUCTIONS || header->tables > PROGRAM_MAX_TABLES ||
      data_size > PROGRAM_MOST_DATA || header->parent_files > MAX_PARENT_FILES ||
      header->relocations > PROGRAM_MOST_RELOCATIONS)
    return "it is too large";
  size_t tables_at = HEADER_SIZE + (size_t)header->instructions * sizeof(struct instruction);
  size_t files_at = tables_at + (size_t)header->tables * TABLE_SIZE;
  size_t relocations_at = files_at + (size_t)header->parent_files * TABLE_SIZE;
  size_t data_at = relocations_at + (size_t)header->relocations * RELOCATION_SIZE;
  if (size != data_at + data_size)
    return "its size is not what its header says";
  memset(bytes + size, 0, PROGRAM_GUARD);

  program->instructions = (void *)(bytes + HEADER_SIZE);
  program->count = header->instructions;
  program->data = bytes + data_at;
  program->clone_flags = header->clone_flags;
  program->cgroup = header->cgroup;
  program->pid_namespace = header->pid_namespace;
  program->parent_file_count = header->parent_files;
  if ((program->clone_flags & ~PROGRAM_CLONE_FLAGS) != 0)
    return "it has clone flags other than namespaces";
  if ((program->clone_flags & PROGRAM_OWN_MEMORY) != 0 && program->parent_file_count > 0)
    return "a child with memory of its own can't wait for the parent's files";
  uint32_t degrading = 0;
  for (uint32_t i = 0; i < program->count; i++) {
    if (header->floor > 0 && overwrites_kept(&program->instructions[i], header->floor))
      return "an instruction may overwrite a kept descriptor";
    const char *wrong = load_instruction(&program->instructions[i], program->count - i - 1,
                                         program->data, data_size);
    if (wrong != NULL)
      return wrong;
    degrading += INSTRUCTION_MODE(&program->instructions[i]) == MODE_DEGRADE;
  }
  if (degrading > PROGRAM_MOST_DEGRADING)
    return "more instructions may degrade than can be reported";
  /* Before the tables, whose strings end where they end then. */
  for (uint32_t i = 0; i < header->relocations; i++) {
    const struct relocation *relocation =
        (const void *)(bytes + relocations_at + (size_t)i * RELOCATION_SIZE);
    if (!is_slot(relocation->slot, data_size) || relocation->target >= data_size)
      return "a relocation lies outside the data";
    uint64_t address = (uint64_t)(uintptr_t)(program->data + relocation->target);
    memcpy(program->data + relocation->slot, &address, 8);
  }
  for (uint32_t i = 0; i < header->tables; i++) {
    const struct table *table = (const void *)(bytes + tables_at + (size_t)i * TABLE_SIZE);
    const char *wrong = load_table(table, program->data, data_size);
    if (wrong != NULL)
      return wrong;
  }
  for (uint32_t i = 0; i < header->parent_files; i++) {
    const struct file_entry *entry = (const void *)(bytes + files_at + (size_t)i * TABLE_SIZE);
    const char *wrong = load_parent_file(&program->parent_files[i], entry, program, data_size);
    if (wrong != NULL)
      return wrong;
  }
  return NULL;
}

uint32_t program_descriptors(const struct instruction *instruction, uint64_t fds[2]) {
  uint32_t count = 0, arguments = 0;
  if (instruction->number == CALL_NUMBER(fcntl) || instruction->number == CALL_NUMBER(ioctl))
    arguments = 1;
  else if (instruction->number == CALL_NUMBER(dup3))
    arguments = 2;
  for (uint32_t i = 0; i < arguments; i++) {
    if (INSTRUCTION_KIND(instruction, i) == KIND_IMMEDIATE)
      fds[count++] = instruction->arguments[i];
  }
  return count;
}

int program_uses(const struct program *program, int fd) {
  for (uint32_t i = 0; i < program->count; i++) {
    uint64_t fds[2];
    for (uint32_t n = program_descriptors(&program->instructions[i], fds); n > 0; n--) {
      if (fds[n - 1] == (uint64_t)fd)
        return 1;
    }
  }
  return 0;
}
