/* From the bytes that src/launch/program.ts writes to a program that can run. */
#ifndef FORKEXEC_PROGRAM_H
#define FORKEXEC_PROGRAM_H

#include "launch.h"
#include <stddef.h>

/*
 * Layout of the bytes, all numbers little-endian as both architectures have them:
 *   header        10 words of 32 bits: magic, number of instructions, of tables, size of the data,
 *                 clone flags, cgroup, pid namespace, number of parent files, floor, number of
 *                 relocations
 *   instructions  64 bytes each, as struct instruction has them
 *   tables        4 words each: where the pointers go, where the strings begin, how many, reserved
 *   parent files  4 words each: name, content, size of the content, instruction to blame
 *   relocations   2 words each: a slot of the data, and what in the data it is to point at
 *   data          strings, slots, structs; offsets count from here
 * A table is an argv or an envp: the strings lie one after another, each ended by a NUL.
 * The floor: descriptors from this number on are kept for later instructions, and no instruction
 * puts another there; 0 where none is kept.
 */
#define PROGRAM_MAX_TABLES 64u

/* CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET */
#define PROGRAM_CLONE_FLAGS (PROGRAM_OWN_MEMORY | 0x80u | 0x20000u | 0x7e000000u)

/* Zero bytes behind the data, so that the kernel never reads a string past the allocation. */
#define PROGRAM_GUARD 8u

/* How many bytes an allocation for a program of `size` bytes takes. */
size_t program_allocation(size_t size);

/*
 * Checks and relocates the program that lies in the first `size` of `bytes`, in place; `bytes` is
 * aligned to 8, program_allocation(size) long and outlives the program. Returns NULL, or what is
 * wrong with it. Any thread; does not block.
 */
const char *program_load(struct program *program, unsigned char *bytes, size_t size);

/*
 * The descriptors that an instruction names, to put something there or to look at it: two at the
 * most. Returns how many. Any thread.
 */
uint32_t program_descriptors(const struct instruction *instruction, uint64_t fds[2]);
/* Whether an instruction of the program names the descriptor `fd`. Any thread. */
int program_uses(const struct program *program, int fd);

#endif
