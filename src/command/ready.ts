/**
 * Waiting until a command says that it is ready: the option `ready`.
 *
 * @module
 */
import { Readable } from 'node:stream';
import { clearTimeout, setTimeout } from '../time.js';
import type { Child } from './child.js';
import { ExitError } from './error.js';
import type { ReadyOptions } from './options.js';
import { quoteCommand } from './quote.js';

/** Bytes without a sign of readiness that are kept. */
const MOST = 1024 * 1024;

/** Milliseconds for the end of a command that has closed its output. */
const END_MS = 500;

/** Resolves to true at the sign, or to false at the end of the stream. What was read is put back. */
function signIn(stream: Readable, isSign: (line: string) => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let text = '';
    const done = (found: boolean): void => {
      stream.off('readable', look).off('end', ended).off('close', ended);
      if (size > 0 && !stream.readableEnded && !stream.destroyed)
        stream.unshift(Buffer.concat(chunks));
      resolve(found);
    };
    const ended = (): void => done(false);
    const look = (): void => {
      for (;;) {
        const chunk: Buffer | null = stream.read();
        if (chunk === null) return;
        chunks.push(chunk);
        size += chunk.length;
        text += chunk.toString('latin1');
        const lines = text.split('\n');
        text = lines.at(-1) as string;
        // A prompt has no newline behind it.
        if (lines.some((line) => isSign(Buffer.from(line, 'latin1').toString('utf8')))) {
          done(true);
          return;
        }
        while (size > MOST) size -= (chunks.shift() as Buffer).length;
      }
    };
    stream.on('readable', look).once('end', ended).once('close', ended);
    look();
  });
}

function signTest({ line, fd }: ReadyOptions): (text: string) => boolean {
  if (fd !== undefined) return () => false;
  if (typeof line === 'string') return (text) => text.includes(line);
  return (text) => {
    (line as RegExp).lastIndex = 0; // one with the flag g begins where it ended
    return (line as RegExp).test(text);
  };
}

/**
 * Waits for the sign of a command that was started.
 *
 * @throws ExitError when it ended before, or was stopped since the time was over.
 */
export async function whenReady(
  child: Child,
  ready: ReadyOptions,
  { file, args }: { file: string; args: readonly string[] },
): Promise<void> {
  const { fd, timeout } = ready;
  const streams = fd === undefined ? [child.stdout, child.stderr] : [child.fds.get(fd)];
  const signs = streams.filter((stream) => stream instanceof Readable);
  const looking = signs.map((stream) =>
    fd === undefined ? signIn(stream, signTest(ready)) : lineIn(stream),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    if (timeout !== undefined) timer = setTimeout(() => resolve('late'), timeout);
  });
  const found = new Promise<boolean>((resolve) => {
    for (const each of looking) void each.then((sign) => sign && resolve(true));
    void Promise.all(looking).then((signs) => resolve(signs.includes(true)));
  });
  const outcome = await Promise.race([found, late]);
  clearTimeout(timer);
  if (outcome === true) return;
  if (outcome === false) await Promise.race([child.exited, pause()]);
  const status = await child.stop();
  const isLate = outcome === 'late';
  const why = isLate ? `not ready after ${timeout} ms` : 'ended before it was ready';
  const output = { stdout: restOf(child.stdout), stderr: restOf(child.stderr) };
  const told = isLate ? status.with({ reason: 'timeout' }) : status;
  throw new ExitError(quoteCommand(file, args), told, output, { why });
}

/** What a command that closes its output has left to end by itself. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, END_MS));
}

/** What it had printed, for the error. */
function restOf(stream: unknown): string {
  return stream instanceof Readable ? String(stream.read() ?? '') : '';
}

/** The descriptor is for the sign alone: any line. */
function lineIn(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    stream.on('data', (bytes: Buffer) => {
      if (bytes.includes('\n')) resolve(true);
    });
    stream.once('end', () => resolve(false)).once('close', () => resolve(false));
  });
}
