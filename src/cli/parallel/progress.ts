/**
 * The progress bar on stderr.
 *
 * @module
 */
import { Writable } from 'node:stream';
import type { SingleBar } from 'cli-progress';
import { attempt } from '../../syscall/call.js';
import { LAYOUT, TIOC } from '../../syscall/constants.js';
import { readStruct } from '../../syscall/layout.js';
import { now } from '../../time.js';
import { printError } from '../output.js';

/** What is told of jobs. */
export interface Progress {
  started(): void;
  ended(failed: boolean): void;
  /** Called around what is written on the same terminal. */
  around(write: () => Promise<void>): Promise<void>;
  stop(): void;
}

const QUIET: Progress = { started() {}, ended() {}, around: (write) => write(), stop() {} };

/** Columns of a terminal; undefined where a descriptor is not of one. */
function columnsOf(fd: number): number | undefined {
  const bytes = new Uint8Array(LAYOUT.winsize.size);
  if (attempt('ioctl', fd, TIOC.TIOCGWINSZ, bytes) < 0) return undefined;
  return readStruct(LAYOUT.winsize, bytes).col || 80;
}

/** Stderr for the bar, past the streams of the runtime. */
function terminal(columns: number): Writable {
  const stream = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      printError(Buffer.from(chunk).toString('utf8'));
      done();
    },
  });
  return Object.assign(stream, { isTTY: true, columns });
}

const CLEAR_LINE = '\r\x1b[K';

/** A bar, where stderr is a terminal or `wanted`; `total` is how many jobs there are, where that is known. */
export async function openProgress(
  wanted: boolean | undefined,
  count: () => Promise<number | undefined>,
): Promise<Progress> {
  const columns = columnsOf(2);
  if (wanted === false || (columns === undefined && !wanted)) return QUIET;
  const total = await count();
  const { SingleBar: Bar } = await import('cli-progress');
  const format =
    total === undefined
      ? '{value} done, {running} running, {failed} failed | {rate} a second'
      : '{bar} {percentage}% | {value}/{total}, {failed} failed | {rate} a second | {eta_formatted} left';
  const bar: SingleBar = new Bar({
    format,
    stream: terminal(columns ?? 80),
    hideCursor: false,
    clearOnComplete: true,
    fps: 5,
    noTTYOutput: columns === undefined,
    barCompleteChar: '#',
    barIncompleteChar: '-',
    etaBuffer: 100,
  });
  const begun = now();
  const state = { running: 0, failed: 0, rate: '0' };
  let done = 0;
  bar.start(total ?? 0, 0, state);
  const sharesTerminal = columnsOf(1) !== undefined;
  return {
    started() {
      state.running += 1;
    },
    ended(failed) {
      state.running -= 1;
      if (failed) state.failed += 1;
      done += 1;
      state.rate = (done / Math.max((now() - begun) / 1000, 0.001)).toFixed(1);
      bar.update(done, state);
    },
    async around(write) {
      if (sharesTerminal) printError(CLEAR_LINE);
      await write();
    },
    stop: () => bar.stop(),
  };
}
