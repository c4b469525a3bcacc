// A Terminal of @forkexec/core/terminal with somebody at it, who reads all the time.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import headless from '@xterm/headless';
import { type Child, type SpawnOptions, spawn } from '#dist/index.js';
import { openTerminal, type Terminal, type TerminalOptions } from '#dist/terminal/index.js';
import { nameOf } from './other.js';
import { patience } from './patience.js';
import { processState, until } from './streams.js';

export class Desk implements AsyncDisposable {
  readonly terminal: Terminal;
  readonly #children: Child[] = [];
  readonly #chunks: Buffer[] = [];
  readonly #screen: headless.Terminal;

  constructor(options: TerminalOptions = {}) {
    this.terminal = openTerminal(options);
    const { columns: cols, rows } = this.terminal.size;
    this.#screen = new headless.Terminal({ cols, rows, allowProposedApi: true });
    // What a terminal answers when a program asks it where the cursor is, and the like.
    this.#screen.onData((text) => this.type(text));
    this.terminal.output.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#screen.write(chunk);
    });
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.terminal.resize(columns, rows);
  }

  /** The lines that a person sees now, without empty ones at the end. */
  async screen(): Promise<string> {
    await new Promise<void>((resolve) => this.#screen.write('', resolve));
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: this.#screen.rows }, (_, row) =>
      active.getLine(active.baseY + row)?.translateToString(true),
    );
    return lines.join('\n').trimEnd();
  }

  /** Waits until the screen shows something. */
  async shows(pattern: RegExp): Promise<string> {
    for (const deadline = Date.now() + patience(20_000); ; await sleep(10)) {
      const screen = await this.screen();
      if (pattern.test(screen)) return screen;
      assert.ok(Date.now() < deadline, `${pattern} is not on the screen:\n${screen}`);
    }
  }

  async spawn(file: string, args: readonly string[] = [], options: SpawnOptions = {}) {
    const child = await spawn(file, args, { ...options, terminal: this.terminal });
    this.#children.push(child);
    return child;
  }

  /** Runs shell code on the terminal. */
  sh(script: string, options: SpawnOptions = {}): Promise<Child> {
    return this.spawn('sh', ['-c', script], options);
  }

  type(text: string | Uint8Array): void {
    this.terminal.input.write(text);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** All that was printed so far, with its line ends as they came. */
  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** Waits for something to be printed from the text's index `from` on. */
  async until(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    for (const deadline = Date.now() + patience(20_000); ; await sleep(5)) {
      const match = pattern.exec(this.text.slice(from));
      if (match !== null) return match;
      assert.ok(Date.now() < deadline, `${pattern} never came after ${JSON.stringify(this.text)}`);
    }
  }

  /** Waits until a program of this name leads the foreground group, and is not stopped. */
  async runs(name: string): Promise<void> {
    const { terminal } = this;
    await until(`${name} is in the foreground`, () => {
      const leader = terminal.foregroundGroup;
      return nameOf(leader) === name && processState(leader) !== 'T';
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#children.map((child) => child.closed));
    await this.terminal[Symbol.asyncDispose]();
    this.#screen.dispose();
  }
}
