/**
 * `forkexec run --terminal`: a terminal of the program's own, joined to the descriptors of forkexec.
 *
 * @module
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { notify, type SignalStream } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { E, LAYOUT, SYS, TIOC } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { syscallLater } from '../syscall/raw.js';
import { changeModes, modesOf, RAW, type Termios } from '../terminal/modes.js';
import { openTerminal } from '../terminal/open.js';
import type { Terminal } from '../terminal/terminal.js';
import { now, timeOrigin } from '../time.js';
import { type CastHeader, CastWriter } from './asciicast.js';
import { Failure } from './exit.js';

const DEFAULT_SIZE = { columns: 80, rows: 24 } as const;

interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The size of a terminal; undefined where the descriptor is not of one, or the size is not known. */
function sizeOf(fd: number): Size | undefined {
  const bytes = new Uint8Array(LAYOUT.winsize.size);
  if (attempt('ioctl', fd, TIOC.TIOCGWINSZ, bytes) < 0) return undefined;
  const { col: columns, row: rows } = readStruct(LAYOUT.winsize, bytes);
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

/** The modes of the terminal at stdin; undefined where stdin is not a terminal. */
function modesOfStdin(): Termios | undefined {
  try {
    return modesOf(0);
  } catch {
    return undefined;
  }
}

/** Writes all of it off the event loop: whoever reads may take their time. False once no one does. */
async function writeAll(fd: number, bytes: Uint8Array): Promise<boolean> {
  for (let left = bytes; left.length > 0; ) {
    const { r1, errno } = await syscallLater(SYS.write, fd, left, left.length);
    if (errno === 0) left = left.subarray(Number(r1));
    else if (errno === E.EAGAIN) await syscallLater(SYS.poll ?? -1, pollFor(fd), 1, -1);
    else if (errno !== E.EINTR) return false;
  }
  return true;
}

/** A struct pollfd that waits for room. */
function pollFor(fd: number): Uint8Array {
  return new Uint8Array(Int32Array.of(fd, 4).buffer); // POLLOUT
}

/** The recording of a run, if one is wanted. */
class Recording {
  readonly #fd: number;
  readonly writer: CastWriter;

  constructor(file: string, header: CastHeader) {
    try {
      this.#fd = openSync(file, 'w');
    } catch (error) {
      throw new Failure(`--record ${file}: ${(error as Error).message}`);
    }
    this.writer = new CastWriter(header, (line) => writeSync(this.#fd, line), now());
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** What `--terminal` is given. */
export interface AttachOptions {
  /** The file that is recorded to. */
  readonly record?: string | undefined;
  /** The program and its arguments, as the recording names them. */
  readonly command: string;
}

/** A terminal for the program, between it and the descriptors 0 and 1 of forkexec. */
export class Attached {
  readonly terminal: Terminal;
  readonly #modes: Termios | undefined = modesOfStdin();
  readonly #recording: Recording | undefined;
  readonly #resizes: SignalStream;
  #size: Size;
  #printing: Promise<void> = Promise.resolve();

  constructor({ record, command }: AttachOptions) {
    this.#size = this.#outerSize() ?? DEFAULT_SIZE;
    const { TERM, SHELL } = process.env;
    if (record !== undefined) {
      this.#recording = new Recording(record, {
        version: 3,
        term: {
          cols: this.#size.columns,
          rows: this.#size.rows,
          ...(TERM === undefined ? {} : { type: TERM }),
        },
        timestamp: Math.floor((timeOrigin + now()) / 1000),
        command,
        ...(SHELL === undefined ? {} : { env: { SHELL } }),
      });
    }
    this.terminal = openTerminal({ ...this.#size, modes: this.#modes ?? {} });
    this.#resizes = notify('SIGWINCH').on('signal', () => this.#resize());
  }

  /** Joins the descriptors, once the program runs. */
  begin(): void {
    // Now: a launch that fails has changed nothing.
    if (this.#modes !== undefined) changeModes(0, RAW);
    this.#resize();
    void this.#type();
    this.#printing = this.#print();
  }

  /** Waits until all that was printed is written, and restores what was changed. */
  async end(code: number): Promise<void> {
    await this.terminal.close();
    await this.#printing;
    this.restore();
    this.#recording?.writer.exit(code, now());
    this.#recording?.close();
  }

  /** The modes of the terminal of forkexec are as before. */
  restore(): void {
    this.#resizes.stop();
    if (this.#modes === undefined) return;
    try {
      changeModes(0, this.#modes);
    } catch {
      // hung up: nothing is left to restore
    }
  }

  #outerSize(): Size | undefined {
    return [0, 1, 2].map(sizeOf).find((size) => size !== undefined);
  }

  #resize(): void {
    const size = this.#outerSize();
    if (size === undefined) return;
    if (size.columns === this.#size.columns && size.rows === this.#size.rows) return;
    this.#size = size;
    this.terminal.resize(size.columns, size.rows);
    this.#recording?.writer.resize(size.columns, size.rows, now());
  }

  async #print(): Promise<void> {
    let isRead = true;
    for await (const chunk of this.terminal.output) {
      const bytes = chunk as Uint8Array;
      this.#recording?.writer.output(bytes, now());
      // Whoever read stdout is gone: the program goes on, and a recording too.
      if (isRead) isRead = await writeAll(1, bytes);
    }
  }

  /** Types what comes at stdin, until its end. */
  async #type(): Promise<void> {
    const bytes = new Uint8Array(4096);
    let last: number | undefined;
    for (;;) {
      // Off the event loop, since the flags of a descriptor that others share are theirs.
      const { r1, errno } = await syscallLater(SYS.read, 0, bytes, bytes.length);
      const count = Number(r1);
      if (errno === E.EINTR) continue;
      if (errno !== 0 || count === 0) break;
      last = bytes[count - 1];
      const { input } = this.terminal;
      if (!input.write(bytes.slice(0, count))) {
        await new Promise((resolve) => input.once('drain', resolve).once('close', resolve));
      }
    }
    if (this.#modes !== undefined || this.terminal.input.destroyed) return;
    // The end of a file is one at the terminal: typed behind half a line, it ends the line first.
    const { icanon, eof } = this.terminal.attributes();
    const isInLine = last !== undefined && last !== 0x0a;
    if (icanon) this.terminal.input.write(Buffer.from(isInLine ? [eof, eof] : [eof]));
  }
}
