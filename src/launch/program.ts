/**
 * Writes launch programs: system calls in order, as bytes for the interpreter in native/launch.c.
 *
 * native/program.h has the layout. Everything is written into scratch memory that is used again for
 * the next program: the addon copies what it is given.
 *
 * @module
 */
import { native } from '../native.js';
import { KIND, MODE, OWN_CALL, PROGRAM } from '../protocol.js';
import { unavailable } from '../syscall/check.js';
import { F, SYS } from '../syscall/constants.js';
import type { SilentStepName, StepName } from './step-names.js';

/** What an instruction is called in an error. */
export interface StepInfo {
  readonly name: StepName;
  /** What it was applied to: `'/no/dir'`. */
  readonly argument?: string | undefined;
}

/** The same for what no error can be about. */
export interface SilentStep {
  readonly name: StepName | SilentStepName;
  readonly argument?: string | undefined;
}

/** Where something lies in the program's data. */
export class Address {
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
}

/** 64 bits in the data that one instruction writes and a later one reads. */
export class Slot extends Address {}

/** A Slot stands for its value when the instruction runs, an Address for the pointer. */
export type Argument = number | Address | Slot;

const { headerWords: HEADER_WORDS, instructionWords: INSTRUCTION_WORDS } = PROGRAM;
const { tableWords: TABLE_WORDS } = PROGRAM;

let instructions = new Int32Array(64 * INSTRUCTION_WORDS);
let data = Buffer.alloc(32 * 1024);
const copied = new Int32Array(2);
let output = new Uint8Array(64 * 1024);

/** Programs are complete before the next begins: they share the scratch memory. */
export class ProgramBuilder {
  readonly steps: StepInfo[] = [];
  /** CLONE_NEW… flags: namespaces that the process is born into; and PROGRAM.ownMemory. */
  cloneFlags = 0;
  /** A descriptor of the cgroup directory that it is born in, or -1. */
  cgroup = -1;
  /** Where the control group of `cgroup` or of a step is. */
  cgroupPath: string | undefined;
  /** A descriptor of the pid namespace that it is born in, or -1. */
  pidNamespace = -1;
  /** What it is born into, for the error of clone: `'net'`, `'pid'`. */
  readonly bornInto: string[] = [];
  /** Descriptors that are closed once the launch is over. */
  readonly closeAfter: number[] = [];
  readonly #tables: number[] = [];
  readonly #parentFiles: number[] = [];
  readonly #kept = new Map<number, Slot>();
  #keptAt = 0;
  #floor = 3;
  #dataSize = 0;

  /** A call whose failure ends the launch. */
  must(step: StepInfo, number: number, ...args: readonly Argument[]): void {
    this.#add(step, number, MODE.fail, 0, 0, args);
  }

  /** A call whose result does not matter. */
  ignore(step: SilentStep, number: number, ...args: readonly Argument[]): void {
    this.#add(step, number, MODE.ignore, 0, 0, args);
  }

  /** As `must`, and the result is kept. */
  store(step: StepInfo, slot: Slot, number: number, ...args: readonly Argument[]): void {
    this.#add(step, number, MODE.store, 0, slot.offset, args);
  }

  /** If the result is `value` (-errno for a failure) the next `count` instructions are left out. */
  skipIf(
    value: number,
    count: number,
    step: SilentStep,
    number: number,
    ...args: readonly Argument[]
  ): void {
    this.#add(step, number, MODE.skipIf, value, count, args);
  }

  /** One of several calls of which the first to succeed does: execve along PATH. */
  candidate(step: StepInfo, number: number, ...args: readonly Argument[]): void {
    this.#add(step, number, MODE.tryNext, 0, 0, args);
  }

  /**
   * Keeps a descriptor of this process for a later step of the child, and returns the slot with its
   * number there. The descriptors that the child is to have do not overwrite it; execve closes it.
   * May be called before or after `keepFrom`.
   */
  keep(fd: number): Slot {
    const slot = this.#kept.get(fd) ?? this.slot();
    this.#kept.set(fd, slot);
    return slot;
  }

  /** Kept descriptors are moved here, to `floor` or above; no dup3 may go there. */
  keepFrom(floor: number): void {
    this.#keptAt = this.steps.length;
    this.#floor = floor;
  }

  /** The child waits here until the parent has written the `parentFile`s. */
  waitForParent(step: StepInfo): void {
    this.must(step, OWN_CALL.waitForParent);
  }

  /** A file below /proc/PID that the parent writes, for the instruction that is added next. */
  parentFile(name: string, content: string): void {
    const nameAt = this.string(name).offset;
    const contentAt = this.string(content).offset;
    const size = Buffer.byteLength(content);
    this.#parentFiles.push(nameAt, contentAt, size, this.steps.length);
  }

  /** A string with its NUL. */
  string(text: string): Address {
    // Three bytes are the most that UTF-8 takes for one UTF-16 unit.
    const at = this.#reserve(text.length * 3 + 1, 1);
    const length = data.write(text, at);
    data[at + length] = 0;
    this.#dataSize = at + length + 1;
    return new Address(at);
  }

  /** `char *[]`, ended by NULL. The strings hold no NUL. */
  strings(list: readonly string[]): Address {
    const joined = list.length === 0 ? '' : `${list.join('\0')}\0`;
    const at = this.#reserve(joined.length * 3, 1);
    this.#dataSize = at + data.write(joined, at);
    return this.#table(at, list.length);
  }

  /** `char *[]` of this process' environment as it is. The main thread of Node only. */
  inheritedEnvironment(): Address {
    let at = this.#reserve(4096, 1);
    while (!native.copyEnvironment(data, at, copied)) at = this.#reserve(copied[0] as number, 1);
    this.#dataSize = at + (copied[0] as number);
    return this.#table(at, copied[1] as number);
  }

  /** 64-bit words: structs and sets as the kernel takes them. */
  words(values: readonly bigint[]): Address {
    const at = this.#reserve(values.length * 8, 8);
    for (const [index, value] of values.entries()) {
      data.writeBigUInt64LE(BigInt.asUintN(64, value), at + index * 8);
    }
    this.#dataSize = at + values.length * 8;
    return new Address(at);
  }

  slot(): Slot {
    return new Slot(this.words([0n]).offset);
  }

  /** The program's bytes, valid until the next program is finished. */
  finish(): Uint8Array {
    this.#moveKept();
    const count = this.steps.length;
    const tables = this.#tables.length / TABLE_WORDS;
    const instructionBytes = count * INSTRUCTION_WORDS * 4;
    const tablesAt = HEADER_WORDS * 4 + instructionBytes;
    const files = this.#parentFiles.length / TABLE_WORDS;
    const filesAt = tablesAt + tables * TABLE_WORDS * 4;
    const dataAt = filesAt + files * TABLE_WORDS * 4;
    const dataSize = (this.#dataSize + 7) & ~7;
    data.fill(0, this.#dataSize, dataSize);
    const size = dataAt + dataSize;
    if (output.length < size) output = new Uint8Array(size * 2);
    const header = new Int32Array(output.buffer, 0, HEADER_WORDS);
    const { cloneFlags, cgroup, pidNamespace } = this;
    const floor = this.#kept.size > 0 ? this.#floor : 0;
    header.set([
      PROGRAM.magic,
      count,
      tables,
      dataSize,
      cloneFlags,
      cgroup,
      pidNamespace,
      files,
      floor,
      0,
    ]);
    output.set(new Uint8Array(instructions.buffer, 0, instructionBytes), HEADER_WORDS * 4);
    new Int32Array(output.buffer, tablesAt, this.#tables.length).set(this.#tables);
    new Int32Array(output.buffer, filesAt, this.#parentFiles.length).set(this.#parentFiles);
    output.set(data.subarray(0, dataSize), dataAt);
    return output.subarray(0, size);
  }

  /** Puts the instructions that move the kept descriptors where `keepFrom` says. */
  #moveKept(): void {
    const { steps } = this;
    const count = steps.length;
    for (const [fd, slot] of this.#kept) {
      const step = { name: 'fcntl', argument: String(fd) } as const;
      this.store(step, slot, SYS.fcntl, fd, F.F_DUPFD_CLOEXEC, this.#floor);
    }
    steps.splice(this.#keptAt, 0, ...steps.splice(count));
    const at = this.#keptAt * INSTRUCTION_WORDS;
    const end = count * INSTRUCTION_WORDS;
    const moves = instructions.slice(end, steps.length * INSTRUCTION_WORDS);
    instructions.copyWithin(at + moves.length, at, end);
    instructions.set(moves, at);
    for (let file = 3; file < this.#parentFiles.length; file += TABLE_WORDS) {
      const blamed = this.#parentFiles[file] as number;
      if (blamed >= this.#keptAt) this.#parentFiles[file] = blamed + steps.length - count;
    }
  }

  /** The pointers to `count` strings that lie from `at` on. */
  #table(at: number, count: number): Address {
    const size = (count + 1) * 8;
    const pointers = this.#reserve(size, 8);
    this.#dataSize = pointers + size;
    this.#tables.push(pointers, at, count, 0);
    return new Address(pointers);
  }

  /** Room for `size` bytes at a multiple of `alignment`; returns where. */
  #reserve(size: number, alignment: number): number {
    const at = (this.#dataSize + alignment - 1) & ~(alignment - 1);
    if (at + size + 8 > data.length) {
      const larger = Buffer.alloc((at + size + 8) * 2);
      data.copy(larger, 0, 0, this.#dataSize);
      data = larger;
    }
    if (at > this.#dataSize) data.fill(0, this.#dataSize, at);
    return at;
  }

  #add(
    step: SilentStep,
    number: number,
    mode: number,
    value: number,
    skip: number,
    args: readonly Argument[],
  ): void {
    // A table of a system without this call: nothing may come to be but what was asked for.
    if (number === undefined) throw unavailable(step.name);
    const at = this.steps.length * INSTRUCTION_WORDS;
    if (at + INSTRUCTION_WORDS > instructions.length) {
      const larger = new Int32Array(instructions.length * 2);
      larger.set(instructions);
      instructions = larger;
    }
    instructions.fill(0, at + 4, at + INSTRUCTION_WORDS);
    let kinds = 0;
    for (let index = 0; index < args.length; index++) {
      const argument = args[index] as Argument;
      const word = at + 4 + index * 2;
      if (typeof argument === 'number') {
        instructions[word] = argument;
        instructions[word + 1] = Math.floor(argument / 2 ** 32);
      } else if (argument === undefined) {
        throw unavailable(step.name);
      } else {
        const kind = argument instanceof Slot ? KIND.load : KIND.address;
        kinds |= kind << (index * 2);
        instructions[word] = argument.offset;
      }
    }
    instructions[at] = number;
    instructions[at + 1] = mode | (kinds << 8);
    instructions[at + 2] = value;
    instructions[at + 3] = skip;
    this.steps.push(step as StepInfo);
  }
}
