/**
 * Classic BPF, as seccomp(2) runs it: decisions by number, by architecture and by arguments.
 *
 * Code is written from its end to its beginning, so that every jump knows how far its target is.
 *
 * @module
 */

/** Where the kernel has the parts of a call: struct seccomp_data. */
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ARGUMENTS_AT = 16;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
const JUMP = 0x05; // BPF_JMP | BPF_JA
const IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const IF_GREATER = 0x25; // BPF_JMP | BPF_JGT | BPF_K
const IF_AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

/** The most instructions that the kernel takes. */
export const MOST_INSTRUCTIONS = 4096;

/** How an argument is compared; both sides are unsigned. */
export type Comparison = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge';

/** What has to be true of an argument. */
export interface Condition {
  /** 0 to 5. */
  readonly index: number;
  readonly op: Comparison;
  readonly value: bigint;
  /** The bits of the argument that are compared. */
  readonly mask: bigint;
  /** Whether only the low half counts, as for arguments that are `int`. */
  readonly isHalf: boolean;
}

/** What is decided for a call: an action, or the first action whose conditions all hold. */
export type Decision = number | readonly Choice[];
interface Choice {
  readonly conditions: readonly Condition[];
  readonly action: number;
}

/** From this number on, up to the next entry, a decision holds. */
export type Entry = readonly [from: number, decision: Decision];

/** An instruction that was written: the number of those behind it. */
type Label = number;

const LOW = 0xffff_ffffn;

/** A jump reaches 255 instructions; the rest is left to what is written before the jump itself. */
const REACH = 200;

/** One filter as it is written. */
export class Code {
  /** The last first. */
  readonly #instructions: (readonly [code: number, k: number, yes: number, no: number])[] = [];
  /** Where each action was last written: the kernel takes half a microsecond for each instruction. */
  readonly #ends = new Map<number, Label>();

  /** The number of instructions. */
  get size(): number {
    return this.#instructions.length;
  }

  /** As the kernel takes them: struct sock_filter. */
  bytes(): Uint8Array {
    const bytes = Buffer.alloc(this.size * 8);
    for (const [index, [code, k, yes, no]] of this.#instructions.toReversed().entries()) {
      bytes.writeUInt16LE(code, index * 8);
      bytes.writeUInt8(yes, index * 8 + 2);
      bytes.writeUInt8(no, index * 8 + 3);
      bytes.writeUInt32LE(k >>> 0, index * 8 + 4);
    }
    return bytes;
  }

  #add(code: number, k: number, yes = 0, no = 0): Label {
    this.#instructions.push([code, k, yes, no]);
    return this.size;
  }

  /** Ends with an action. */
  end(action: number): Label {
    const known = this.#ends.get(action);
    if (known !== undefined && this.size - known < REACH) return known;
    const label = this.#add(RETURN, action);
    this.#ends.set(action, label);
    return label;
  }

  #load(offset: number): Label {
    return this.#add(LOAD, offset);
  }

  /** A label that a jump of eight bits reaches from `reserve` instructions further on. */
  #near(target: Label, reserve: number): Label {
    if (this.size + reserve - target <= 255) return target;
    const [code, k] = this.#instructions[target - 1] as readonly [number, number, number, number];
    // An action is as short as the way to it.
    return code === RETURN ? this.end(k) : this.#add(JUMP, this.size - target);
  }

  /** Compares with what was loaded, and goes on at one of two labels. */
  #branch(code: number, k: number, yes: Label, no: Label): Label {
    const nearYes = this.#near(yes, 2);
    const nearNo = yes === no ? nearYes : this.#near(no, 1);
    return this.#add(code, k, this.size - nearYes, this.size - nearNo);
  }

  /** Compares half of an argument. */
  #half({ index, mask }: Condition, isHigh: boolean, test: () => Label): Label {
    const bits = Number((isHigh ? mask >> 32n : mask) & LOW);
    test();
    if (bits !== 0xffff_ffff) this.#add(AND, bits);
    return this.#load(ARGUMENTS_AT + index * 8 + (isHigh ? 4 : 0));
  }

  /** Goes on at one of two labels, as the condition holds or not. */
  condition(condition: Condition, yes: Label, no: Label): Label {
    const { op } = condition;
    if (op === 'ne') return this.condition({ ...condition, op: 'eq' }, no, yes);
    if (op === 'lt') return this.condition({ ...condition, op: 'ge' }, no, yes);
    if (op === 'le') return this.condition({ ...condition, op: 'gt' }, no, yes);
    const low = Number(condition.value & LOW);
    const high = Number(condition.value >> 32n);
    const code = { eq: IF_EQUAL, ge: IF_AT_LEAST, gt: IF_GREATER }[op];
    const lower = this.#half(condition, false, () => this.#branch(code, low, yes, no));
    if (condition.isHalf) return lower;
    return this.#half(condition, true, () => {
      const equal = this.#branch(IF_EQUAL, high, lower, no);
      // What is greater in the high half is greater, whatever the low half is.
      return op === 'eq' ? equal : this.#branch(IF_GREATER, high, yes, equal);
    });
  }

  /** The first action whose conditions hold. */
  decide(decision: Decision): Label {
    if (typeof decision === 'number') return this.end(decision);
    let next: Label | undefined;
    for (const { conditions, action } of decision.toReversed()) {
      const otherwise: Label | undefined = next;
      next = this.end(action);
      for (const condition of conditions.toReversed()) {
        if (otherwise === undefined) throw new Error('the last choice has conditions');
        next = this.condition(condition, next, otherwise);
      }
    }
    return next as Label;
  }

  /** A balanced tree over the numbers: every call takes as many comparisons as every other. */
  tree(entries: readonly Entry[]): Label {
    const [first, ...others] = entries;
    if (first === undefined) throw new Error('a tree has at least one entry');
    if (others.length === 0) return this.decide(first[1]);
    const middle = Math.ceil(entries.length / 2);
    const right = this.tree(entries.slice(middle));
    const left = this.tree(entries.slice(0, middle));
    return this.#branch(IF_AT_LEAST, (entries[middle] as Entry)[0], right, left);
  }

  /** Loads the number of the call, for the tree that was written. */
  number(): Label {
    return this.#load(NUMBER_AT);
  }

  /** Goes on at a label if the call is of this architecture, else at the other. */
  architecture(audit: number, yes: Label, no: Label): Label {
    this.#branch(IF_EQUAL, audit, yes, no);
    return this.#load(ARCHITECTURE_AT);
  }

  /** Goes on at `yes` if the number is this one, or with `orAbove` a greater one. */
  isNumber(number: number, yes: Label, no: Label, orAbove = false): Label {
    return this.#branch(orAbove ? IF_AT_LEAST : IF_EQUAL, number, yes, no);
  }
}
