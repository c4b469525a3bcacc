/**
 * Running a command to its end.
 *
 * @module
 */
import { Terminal } from '../terminal/terminal.js';
import { Capture } from './capture.js';
import { type Checked, checkRun, splitArguments } from './checked.js';
import type { Child } from './child.js';
import { Collected, DEFAULT_MAX_BUFFER } from './collected.js';
import type { MaxBuffer, RunOptions } from './options.js';
import { type Capturing, type Result, resultOf } from './result.js';
import { start } from './spawn.js';
import type { NoOptions } from './types.js';

/** A command whose output is being collected. */
export interface Running {
  readonly child: Child;
  /** Waits for its end. */
  finish(): Promise<Result<RunOptions>>;
}

/** Collects what is printed on the command's terminal as stdout, until the returned function is called. */
function collectTerminal(
  { terminal, life }: Child,
  limit: MaxBuffer,
  into: Map<number, Capturing>,
): () => void {
  if (terminal === null || into.has(1)) return () => {};
  const collected = new Collected(limit);
  const keep = (chunk: Buffer | string): void => {
    if (!collected.keep(Buffer.from(chunk as string))) life.blame('maxBuffer');
  };
  into.set(1, { collected });
  terminal.output.on('data', keep);
  return () => terminal.output.off('data', keep);
}

/** Starts what `run` awaits. */
export async function begin(command: Checked): Promise<Running> {
  const { child, ends } = await start(command);
  const collected = new Map<number, Capturing>();
  const { showing } = command;
  const limit = command.options.maxBuffer ?? DEFAULT_MAX_BUFFER;
  for (const [fd, end] of ends) {
    if (end.attached !== undefined) continue;
    if (end.kind === 'reader') {
      end.taken = true;
      const bytes = new Collected(limit, showing.get(fd)?.show);
      collected.set(fd, new Capture(end.channel, fd, bytes, child.life));
    } else {
      end.channel.close(); // a pipe to which nobody here will write
    }
  }
  const stopCollecting = collectTerminal(child, limit, collected);
  const finish = async (): Promise<Result<RunOptions>> => {
    const status = await child.closed.finally(async () => {
      child.process.unpin();
      await child.terminal?.flowed(); // it may have ended before anything listened
      stopCollecting();
      if (!(command.options.terminal instanceof Terminal)) await child.terminal?.close();
    });
    await Promise.all([...showing.values()].map((each) => each.flushed()));
    return resultOf({ command, status, collected, stopError: child.life.stopError });
  };
  return { child, finish };
}

/**
 * Runs a program to its end and collects its output.
 *
 * @throws LaunchError when it could not be started, and ExitError unless it exited with 0.
 */
export function run(file: string, args?: readonly string[]): Promise<Result<NoOptions>>;
/** The same with options. */
export function run<const O extends RunOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Promise<Result<O>>;
/** The same for a program without arguments. */
export function run<const O extends RunOptions>(
  file: string,
  options: O | undefined,
): Promise<Result<O>>;
export async function run(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
  ...rest: readonly unknown[]
): Promise<Result<RunOptions>> {
  const [words, given] = splitArguments(args, options, rest);
  const running = await begin(checkRun(file, words, given));
  return running.finish();
}
