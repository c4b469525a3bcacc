/**
 * Pieces of launch programs that are written once and copied into others.
 *
 * @module
 */
import { MODE, PROGRAM } from '../protocol.js';

const { instructionWords: INSTRUCTION_WORDS } = PROGRAM;

/** What an instruction is called in an error. */
export interface StepInfo<Name extends string = string> {
  readonly name: Name;
  /** What it was applied to: `'/no/dir'`. */
  readonly argument?: string | undefined;
}

/** A part of a program that is the same wherever it stands. */
export interface Part {
  readonly code: Int32Array;
  readonly steps: readonly StepInfo[];
  readonly data: Uint8Array;
  /** Where the data began, and where the slot is that it returned. */
  readonly from: number;
  readonly result: number;
  /** The words of the code that are offsets into the data. */
  readonly offsets: readonly number[];
}

/** How a program begins. */
export interface Opening {
  readonly code: Int32Array;
  readonly steps: readonly StepInfo[];
  readonly data: Uint8Array;
  readonly tables: readonly number[];
  readonly relocations: readonly number[];
}

/** The words of a code that are offsets into the data: arguments, and the slots of `MODE.store`. */
export function offsetsIn(code: Int32Array): number[] {
  const offsets: number[] = [];
  for (let at = 0; at < code.length; at += INSTRUCTION_WORDS) {
    const word = code[at + 1] as number;
    if ((word & 0xff) === MODE.store) offsets.push(at + 3);
    for (let index = 0; index < 6; index++) {
      if ((word >> (8 + index * 2)) & 3) offsets.push(at + 4 + index * 2);
    }
  }
  return offsets;
}

/** The words of a code that are arguments with a value from `first` to `last`, which take 31 bits. */
export function valuesIn(code: Int32Array, first: number, last: number): number[] {
  const words: number[] = [];
  for (let at = 0; at < code.length; at += INSTRUCTION_WORDS) {
    const kinds = (code[at + 1] as number) >> 8;
    for (let index = 0; index < 6; index++) {
      const word = at + 4 + index * 2;
      const value = code[word] as number;
      const isValue = ((kinds >> (index * 2)) & 3) === 0 && code[word + 1] === 0;
      if (isValue && value >= first && value <= last) words.push(word);
    }
  }
  return words;
}
