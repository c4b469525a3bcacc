// A terminal with a simulated user: types keys, and has the output so far.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, type SpawnOptions, spawn } from '#dist/index.js';
import { call, close } from '#dist/syscall/call.js';
import { O, TIOC } from '#dist/syscall/constants.js';
import { patience } from './patience.js';
import { foregroundOf, readNow, type } from './pty.js';

const PATIENCE_MS = patience(20_000);

/** What a terminal makes signals of. */
export const KEYS = { interrupt: '\x03', quit: '\x1c', suspend: '\x1a', end: '\x04' } as const;

export class Screen {
  readonly #master: number;
  /** The terminal, for those who are to have it as stdin, stdout and stderr. */
  readonly #terminal: number;
  readonly #children: Child[] = [];
  #isOpen = true;
  #text = '';

  constructor() {
    this.#master = openSync('/dev/ptmx', O.O_RDWR | O.O_NOCTTY | O.O_NONBLOCK);
    call('ioctl', this.#master, TIOC.TIOCSPTLCK, Int32Array.of(0));
    const flags = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
    this.#terminal = call('ioctl', this.#master, TIOC.TIOCGPTPEER, flags);
  }

  /** Starts a program as the leader of a new session that has this terminal, at a stream at least. */
  async spawn(file: string, args: readonly string[], options: SpawnOptions = {}): Promise<Child> {
    const fd = this.#terminal;
    const stdio = { stdin: fd, stdout: fd, stderr: fd, ...options };
    const streams = [stdio.stdin, stdio.stdout, stdio.stderr];
    const controllingTerminal = streams.indexOf(fd);
    const terminal = controllingTerminal < 0 ? {} : { controllingTerminal };
    const child = await spawn(file, args, { ...stdio, session: true, ...terminal });
    this.#children.push(child);
    return child;
  }

  type(text: string): void {
    type(this.#master, text);
  }

  resize(columns: number, rows: number): void {
    call('ioctl', this.#master, TIOC.TIOCSWINSZ, Uint16Array.of(rows, columns, 0, 0));
  }

  /** The group in the foreground; 0 without one. */
  get foreground(): number {
    return foregroundOf(this.#master);
  }

  /** All that was written so far, with its line ends as they were written. */
  get text(): string {
    this.#text += readNow(this.#master);
    return this.#text.replaceAll('\r\n', '\n');
  }

  /** Waits for something to be written; returns its match. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(5)) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      assert.ok(Date.now() < deadline, `${pattern} never came after ${JSON.stringify(this.text)}`);
    }
  }

  /** The line is cut. */
  hangUp(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    close(this.#terminal);
    closeSync(this.#master);
  }

  /** What a test that failed has left goes too. */
  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.hangUp();
  }
}
