/**
 * Writes launch programs: system calls in order, as bytes for the interpreter in native/launch.c.
 *
 * native/program.h has the layout. Everything is written into scratch memory that is used again for
 * the next program: the addon copies what it is given.
 *
 * @module
 */
import { KIND, MODE, OWN_CALL, PROGRAM } from '../protocol.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { unavailable } from '../syscall/check.js';
import { F, SYS } from '../syscall/constants.js';
import { Address, checkSize, ProgramData, Slot } from './program-data.js';
import { type Opening, offsetsIn, type Part, type StepInfo } from './program-part.js';

export type { StepInfo } from './program-part.js';
export { Address, Slot };

/** A Slot stands for its value when the instruction runs, an Address for the pointer. */
export type Argument = number | Address | Slot;

const { instructionWords: INSTRUCTION_WORDS, tableWords: TABLE_WORDS } = PROGRAM;
const { headerWords: HEADER_WORDS } = PROGRAM;

let instructions = new Int32Array(64 * INSTRUCTION_WORDS);
let output = new Uint8Array(64 * 1024);
let outputWords = new Int32Array(output.buffer);

/** An instruction as it is added. */
interface NewInstruction {
  readonly step: StepInfo;
  /** Of the system call. */
  readonly number: number;
  readonly args: readonly Argument[];
  /** One of `MODE`. */
  readonly mode: number;
  /** What `MODE.skipIf` compares with. */
  readonly value?: number;
  /** How many instructions are left out, or the slot of `MODE.store`. */
  readonly skip?: number;
}

function growTo(words: number): void {
  if (words <= instructions.length) return;
  const larger = new Int32Array(words * 2);
  larger.set(instructions);
  instructions = larger;
}

/**
 * Programs are complete before the next begins: they share the scratch memory. `Name` is what may
 * fail; a step whose result does not matter can have any name, for no error has it.
 */
export class ProgramBuilder<Name extends string = string> extends ProgramData {
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
  /** What restricts the process, for whoever asks what is enforced. */
  readonly layers: SandboxLayer[] = [];
  readonly #parentFiles: number[] = [];
  readonly #kept = new Map<number, Slot>();
  #keptAt = 0;
  #floor = 3;

  /** A call whose failure ends the launch. */
  must(step: StepInfo<Name>, number: number, ...args: readonly Argument[]): void {
    this.#add({ step, number, args, mode: MODE.fail });
  }

  /** A call whose result does not matter. */
  ignore(step: StepInfo, number: number, ...args: readonly Argument[]): void {
    this.#add({ step, number, args, mode: MODE.ignore });
  }

  /** As `must`, and the result is kept. */
  store(step: StepInfo<Name>, slot: Slot, number: number, ...args: readonly Argument[]): void {
    this.#add({ step, number, args, mode: MODE.store, skip: slot.offset });
  }

  /** If the result is `value` (-errno for a failure) the next `count` instructions are left out. */
  skipIf(
    value: number,
    count: number,
    step: StepInfo,
    number: number,
    ...args: readonly Argument[]
  ): void {
    this.#add({ step, number, args, mode: MODE.skipIf, value, skip: count });
  }

  /**
   * As `must`, but after a failure the launch goes on without the next `count` instructions, and its
   * result reports the step as skipped. For options that say `bestEffort`; a program has at most
   * `PROGRAM.mostDegrading` of them.
   */
  degrade(count: number, step: StepInfo, number: number, ...args: readonly Argument[]): void {
    this.#add({ step, number, args, mode: MODE.degrade, skip: count });
  }

  /** One of several calls of which the first to succeed does: execve along PATH. */
  candidate(step: StepInfo<Name>, number: number, ...args: readonly Argument[]): void {
    this.#add({ step, number, args, mode: MODE.tryNext });
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

  /**
   * What `write` adds, which depends on `key` alone: written once, and copied into every other program.
   * It holds no pointers.
   */
  part(parts: WeakMap<object, Part>, key: object, write: () => Slot): Slot {
    const known = parts.get(key);
    if (known !== undefined) return this.#copy(known);
    const { pointers } = this;
    const from = this.alignedEnd();
    const first = this.steps.length;
    const { offset: result } = write();
    if (this.pointers !== pointers) throw new Error('a part of a program holds no pointers');
    const code = instructions.slice(
      first * INSTRUCTION_WORDS,
      this.steps.length * INSTRUCTION_WORDS,
    );
    const steps = this.steps.slice(first);
    parts.set(key, {
      code,
      steps,
      data: this.dataFrom(from),
      from,
      result,
      offsets: offsetsIn(code),
    });
    return new Slot(result);
  }

  #copy({ code, steps, data, from, result, offsets }: Part): Slot {
    const { offset } = this.bytes(data);
    const at = this.steps.length * INSTRUCTION_WORDS;
    growTo(at + code.length);
    instructions.set(code, at);
    for (const word of offsets) (instructions[at + word] as number) += offset - from;
    this.steps.push(...steps);
    return new Slot(result + offset - from);
  }

  /** Begins as another program did, before anything else is written. */
  begin({ code, steps, data, tables, relocations }: Opening): void {
    growTo(code.length);
    instructions.set(code);
    for (const step of steps) this.steps.push(step);
    this.beginData(data, tables, relocations);
  }

  /** What was written so far; undefined where that is not all there is to it. */
  opening(): Opening | undefined {
    const [kept, files] = [this.#kept.size, this.#parentFiles.length];
    const { closeAfter, layers, bornInto, cloneFlags, cgroup, cgroupPath, pidNamespace } = this;
    const isAll = kept + files + closeAfter.length + layers.length + bornInto.length === 0;
    const isUsual = cloneFlags === 0 && cgroup < 0 && pidNamespace < 0 && cgroupPath === undefined;
    if (!isAll || !isUsual) return undefined;
    const code = instructions.slice(0, this.steps.length * INSTRUCTION_WORDS);
    const [tables, relocations] = [[...this.tables], [...this.relocations]];
    return { code, steps: [...this.steps], data: this.dataFrom(0), tables, relocations };
  }

  /** The child waits here until the parent has written the `parentFile`s. */
  waitForParent(step: StepInfo<Name>): void {
    this.must(step, OWN_CALL.waitForParent);
  }

  /** A file below /proc/PID that the parent writes, for the instruction that is added next. */
  parentFile(name: string, content: string): void {
    const nameAt = this.string(name).offset;
    const contentAt = this.string(content).offset;
    const size = Buffer.byteLength(content);
    this.#parentFiles.push(nameAt, contentAt, size, this.steps.length);
  }

  /**
   * The program's bytes, valid until the next program is finished.
   *
   * @throws RangeError for one that the interpreter would refuse: options asked for too much.
   */
  finish(): Uint8Array {
    this.#moveKept();
    const { steps, tables, relocations, cloneFlags, cgroup, pidNamespace } = this;
    const bytes = this.finishData();
    checkSize('system calls', steps.length, PROGRAM.mostInstructions);
    checkSize('pointers', relocations.length / PROGRAM.relocationWords, PROGRAM.mostRelocations);
    const code = steps.length * INSTRUCTION_WORDS;
    const parentFiles = this.#parentFiles;
    const words = HEADER_WORDS + code + tables.length + parentFiles.length + relocations.length;
    const size = words * 4 + bytes.length;
    if (output.length < size) {
      output = new Uint8Array(size * 2);
      outputWords = new Int32Array(output.buffer);
    }
    outputWords[0] = PROGRAM.magic;
    outputWords[1] = steps.length;
    outputWords[2] = tables.length / TABLE_WORDS;
    outputWords[3] = bytes.length;
    outputWords[4] = cloneFlags;
    outputWords[5] = cgroup;
    outputWords[6] = pidNamespace;
    outputWords[7] = parentFiles.length / TABLE_WORDS;
    outputWords[8] = this.#kept.size > 0 ? this.#floor : 0;
    outputWords[9] = relocations.length / PROGRAM.relocationWords;
    outputWords.set(instructions.subarray(0, code), HEADER_WORDS);
    let at = HEADER_WORDS + code;
    for (const section of [tables, parentFiles, relocations]) {
      for (const word of section) outputWords[at++] = word;
    }
    output.set(bytes, at * 4);
    return output.subarray(0, size);
  }

  /** Puts the instructions that move the kept descriptors where `keepFrom` says. */
  #moveKept(): void {
    if (this.#kept.size === 0) return;
    const { steps } = this;
    const count = steps.length;
    for (const [fd, slot] of this.#kept) {
      const step = { name: 'fcntl', argument: String(fd) };
      const args = [fd, F.F_DUPFD_CLOEXEC, this.#floor];
      this.#add({ step, number: SYS.fcntl, args, mode: MODE.store, skip: slot.offset });
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

  #add({ step, number, args, mode, value = 0, skip = 0 }: NewInstruction): void {
    // A table of a system without this call: nothing may come to be but what was asked for.
    if (number === undefined) throw unavailable(step.name);
    const at = this.steps.length * INSTRUCTION_WORDS;
    growTo(at + INSTRUCTION_WORDS);
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
    this.steps.push(step);
  }
}
