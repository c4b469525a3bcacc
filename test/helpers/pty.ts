// A pseudo-terminal of a test's own, since the tests may run without a terminal.

import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { attempt, call } from '#dist/syscall/call.js';
import { E, O, TIOC } from '#dist/syscall/constants.js';
import { patience } from './patience.js';

export interface Pty {
  /** What a person at the terminal types into and reads from. */
  readonly master: number;
  /** What programs have open. */
  readonly terminal: number;
  readonly path: string;
}

/** Calls `use` with a terminal that no session has yet. */
export async function withPty<T>(use: (pty: Pty) => T | Promise<T>): Promise<T> {
  const master = openSync('/dev/ptmx', O.O_RDWR | O.O_NOCTTY | O.O_NONBLOCK);
  let terminal = -1;
  try {
    call('ioctl', master, TIOC.TIOCSPTLCK, new Int32Array([0]));
    const number = new Int32Array(1);
    call('ioctl', master, TIOC.TIOCGPTN, number);
    const path = `/dev/pts/${number[0]}`;
    terminal = openSync(path, O.O_RDWR | O.O_NOCTTY);
    return await use({ master, terminal, path });
  } finally {
    if (terminal >= 0) closeSync(terminal);
    closeSync(master);
  }
}

/** What programs wrote to the terminal and the test has not read yet. */
export function readNow(master: number): string {
  const bytes = Buffer.alloc(65536);
  let text = '';
  for (;;) {
    const count = attempt('read', master, bytes, bytes.length);
    // EIO: no process has it open any more.
    if (count === -E.EAGAIN || count === -E.EIO || count === 0) return text;
    if (count < 0) throw new Error(`read: errno ${-count}`);
    text += bytes.toString('latin1', 0, count);
  }
}

/** Reads until `pattern` was written, and returns all of it. */
export async function readUntil(master: number, pattern: RegExp): Promise<string> {
  const deadline = Date.now() + patience(20_000);
  let text = '';
  while (!pattern.test(text)) {
    if (Date.now() > deadline) throw new Error(`no ${pattern} in ${JSON.stringify(text)}`);
    await sleep(5);
    text += readNow(master);
  }
  return text;
}

/** Types. */
export function type(master: number, text: string): void {
  const bytes = Buffer.from(text, 'latin1');
  call('write', master, bytes, bytes.length);
}

/** The process group that the terminal's keyboard signals, as a program on it sees it. */
export function foregroundOf(terminal: number): number {
  const group = new Int32Array(1);
  call('ioctl', terminal, TIOC.TIOCGPGRP, group);
  return group[0] as number;
}
