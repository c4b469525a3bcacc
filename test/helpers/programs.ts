// Launch programs: taking them apart as native/program.h describes them, and running them.

import { completions, native } from '#dist/native.js';
import { Handle } from '#dist/process/handle.js';
import { reap } from '#dist/process/reap.js';
import type { ExitStatus } from '#dist/process/status.js';
import { LAUNCHED, WATCH } from '#dist/protocol.js';

export const HEADER_SIZE = 40;
export const INSTRUCTION_SIZE = 64;
export const TABLE_SIZE = 16;
const RELOCATION_SIZE = 8;

/** The words of the header. */
export const HEADER = {
  magic: 0,
  instructions: 1,
  tables: 2,
  data: 3,
  cloneFlags: 4,
  parentFiles: 7,
  floor: 8,
  relocations: 9,
} as const;

export interface Instruction {
  number: number;
  mode: number;
  value: number;
  skip: number;
  arguments: { kind: number; value: bigint }[];
}

export interface Table {
  pointers: number;
  strings: number;
  count: number;
}

export interface Program {
  instructions: Instruction[];
  tables: Table[];
  relocations: { slot: number; target: number }[];
  data: Buffer;
}

/** What the bytes say; nothing is checked. */
export function decode(bytes: Uint8Array): Program {
  const view = Buffer.from(bytes);
  const word = (at: number): number => view.readUInt32LE(at);
  const count = word(HEADER.instructions * 4);
  const tables = word(HEADER.tables * 4);
  const tablesAt = HEADER_SIZE + count * INSTRUCTION_SIZE;
  const relocationsAt = tablesAt + (tables + word(HEADER.parentFiles * 4)) * TABLE_SIZE;
  const relocations = word(HEADER.relocations * 4);
  const dataAt = relocationsAt + relocations * RELOCATION_SIZE;
  return {
    instructions: Array.from({ length: count }, (_, index) => {
      const at = HEADER_SIZE + index * INSTRUCTION_SIZE;
      return {
        number: word(at),
        mode: word(at + 4) & 0xff,
        value: view.readInt32LE(at + 8),
        skip: word(at + 12),
        arguments: Array.from({ length: 6 }, (_, argument) => ({
          kind: (word(at + 4) >>> (8 + 2 * argument)) & 3,
          value: view.readBigUInt64LE(at + 16 + argument * 8),
        })),
      };
    }),
    tables: Array.from({ length: tables }, (_, index) => {
      const at = tablesAt + index * TABLE_SIZE;
      return { pointers: word(at), strings: word(at + 4), count: word(at + 8) };
    }),
    relocations: Array.from({ length: relocations }, (_, index) => {
      const at = relocationsAt + index * RELOCATION_SIZE;
      return { slot: word(at), target: word(at + 4) };
    }),
    data: view.subarray(dataAt, dataAt + word(HEADER.data * 4)),
  };
}

/** How a program failed: at which instruction, with which errno; or how its process ended. */
export type ProgramEnd = { step: number; errno: number } | ExitStatus;

/** Runs a program in a new process to its end. Throws what the addon throws. */
export function runProgram(bytes: Uint8Array, size: number = bytes.length): ProgramEnd {
  const { mailbox } = completions;
  const token = completions.register(() => {});
  try {
    const errno = native.launchHere(bytes, size, token, undefined, WATCH.own);
    if (errno !== 0) throw new Error(`launchHere returned ${errno}`);
  } finally {
    completions.forget(token);
  }
  const [step, error, pid, pidfd, , parentPeak, started] = mailbox.subarray(2, 9);
  if (step !== -1) return { step: step as number, errno: error as number };
  const handle = new Handle(pid as number, pidfd as number, 'here');
  const launch = { options: {} }; // nothing is known of it
  return reap({ token, handle, parentPeak, started, launch } as Parameters<typeof reap>[0]);
}

/** What the last program that ran left out. */
export function lastSkipped(): { step: number; errno: number }[] {
  const { mailbox } = completions;
  const first = LAUNCHED.firstSkipped;
  return Array.from(
    mailbox.subarray(first, first + (mailbox[LAUNCHED.skipped] as number)),
    (entry) => ({
      step: Math.floor(entry / 4096),
      errno: entry % 4096,
    }),
  );
}
