/**
 * The joblog: one line for each job that has ended, in the format of GNU parallel.
 *
 * A line is written with one call right when its job has ended, before another takes its place. A
 * job that we have ended ourselves has a line that begins with a blank: a reader takes it for a line, and
 * `--resume`, ours and that of GNU parallel, runs the job again.
 *
 * @module
 */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { attempt } from '../../syscall/call.js';
import { E } from '../../syscall/constants.js';
import { encodeText } from '../../syscall/text.js';
import { Failure } from '../exit.js';

const HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n';

/** Of flock(2). */
const LOCK_EX = 2;
const LOCK_NB = 4;

/** One line. */
export interface Entry {
  readonly seq: number;
  readonly host: string;
  /** Seconds since 1970. */
  readonly started: number;
  /** Seconds. */
  readonly runtime: number;
  /** Bytes of input and of stdout. */
  readonly sent: number;
  readonly received: number;
  readonly exitval: number;
  readonly signal: number;
  readonly command: string;
  /** We have ended it, or lost its output, so that it is to run again. */
  readonly wasKilled: boolean;
}

function lineOf(entry: Entry): string {
  const { seq, host, started, runtime, sent, received, exitval, signal, command } = entry;
  const fields = [
    `${entry.wasKilled ? ' ' : ''}${seq}`,
    host,
    started.toFixed(3),
    runtime.toFixed(3).padStart(10),
    sent,
    received,
    exitval,
    signal,
    // As GNU parallel writes it.
    command.replaceAll('\n', '\0'),
  ];
  return `${fields.join('\t')}\n`;
}

/** Which jobs a resumed run leaves out. */
export type Resume = 'all' | 'succeeded' | undefined;

/** A whole line of a job that has ended. */
const ENDED = /^(\d+)\t[^\t]+\t *[-\d.]+\t *[-\d.]+\t\d+\t\d+\t(-?\d+)\t(\d+)\t/;

/** Numbers from 1 on, in a bit each. */
class Numbers {
  #bits = new Uint8Array(128);

  add(number: number): void {
    const at = number >> 3;
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    (this.#bits[at] as number) |= 1 << (number & 7);
  }

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }
}

export class Joblog {
  readonly #fd: number;
  readonly #file: string;
  readonly #ended = new Numbers();
  #size = 0;

  /** Opens or makes the file; another run that has it open is waited for. */
  constructor(file: string, resume: Resume) {
    this.#file = file;
    try {
      this.#fd = openSync(file, 'a+');
    } catch (error) {
      throw new Failure(`--joblog ${file}: ${(error as Error).message}`);
    }
    this.#lock();
    // Not before it is locked: the file may be that of a run which goes on.
    if (resume === undefined) this.#empty();
    else this.#read(resume);
    if (this.#size === 0) this.#write(HEADER);
  }

  /** The descriptor, which holds the lock as long as any process has it. */
  get fd(): number {
    return this.#fd;
  }

  /** Whether a job is left out. */
  has(seq: number): boolean {
    return this.#ended.has(seq);
  }

  /** Writes a line; it is with the kernel when this returns. */
  add(entry: Entry): void {
    this.#write(lineOf(entry));
  }

  close(): void {
    closeSync(this.#fd);
  }

  #empty(): void {
    try {
      ftruncateSync(this.#fd, 0);
    } catch {
      // a pipe or a device, which holds nothing
    }
  }

  /** Of a run that was killed, the guard ends what is left, and holds the lock meanwhile. */
  #lock(): void {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; ; tries++) {
      const result = attempt('flock', this.#fd, LOCK_EX | LOCK_NB);
      if (result !== -E.EAGAIN) return; // locked, or a file system without locks
      if (tries === 500) throw new Failure(`--joblog ${this.#file}: another run writes it`);
      Atomics.wait(pause, 0, 0, 20);
    }
  }

  /** Reads what an earlier run has left, and takes away a last line that was cut off. */
  #read(resume: Resume): void {
    const bytes = Buffer.alloc(1024 * 1024);
    let rest = '';
    let at = 0;
    let isFirst = true;
    for (;;) {
      const count = readSync(this.#fd, bytes, 0, bytes.length, at);
      if (count === 0) break;
      at += count;
      const lines = (rest + bytes.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) {
        if (isFirst && !/^Seq\t/.test(line)) throw this.#wrong(line);
        if (!isFirst) this.#take(line, resume);
        isFirst = false;
      }
    }
    if (isFirst && !HEADER.startsWith(rest)) throw this.#wrong(rest);
    this.#size = at - rest.length;
    if (rest !== '') ftruncateSync(this.#fd, this.#size);
  }

  #take(line: string, resume: Resume): void {
    const [, seq, exitval, signal] = ENDED.exec(line) ?? [];
    if (seq === undefined) {
      if (/^ *\d*\t/.test(line) || line === '') return; // killed, or mended by hand
      throw this.#wrong(line);
    }
    if (resume === 'all' || (exitval === '0' && signal === '0')) this.#ended.add(Number(seq));
  }

  #wrong(line: string): Failure {
    return new Failure(`--joblog ${this.#file}: not a line of a joblog: ${JSON.stringify(line)}`);
  }

  #write(line: string): void {
    const bytes = encodeText(line);
    let written = 0;
    try {
      written = writeSync(this.#fd, bytes);
    } catch (error) {
      throw new Failure(`--joblog ${this.#file}: ${(error as Error).message}`);
    }
    if (written < bytes.length) {
      ftruncateSync(this.#fd, this.#size);
      throw new Failure(`--joblog ${this.#file}: no space left for a line`);
    }
    this.#size += written;
  }
}
