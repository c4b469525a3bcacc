/**
 * Running a command to its end.
 *
 * @module
 */
import { Capture } from './capture.js';
import type { Child } from './child.js';
import type { RunOptions } from './options.js';
import {
  checkRunOptions,
  DEFAULT_MAX_BUFFER,
  DEFAULT_WAIT_DELAY,
  isNatural,
  type Result,
  resultOf,
  runDefaults,
} from './result.js';
import { splitArguments, start } from './spawn.js';
import type { NoOptions } from './types.js';

/** A command whose output is being collected. */
export interface Running {
  readonly child: Child;
  /** Waits for its end. */
  finish(): Promise<Result<RunOptions>>;
}

/** Starts what `run` awaits. */
export async function begin(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Running> {
  checkRunOptions(options);
  // Not given is as absent as undefined, which would be no limit.
  const given = { ...options, waitDelay: options.waitDelay ?? DEFAULT_WAIT_DELAY };
  const { child, ends } = await start(file, args, given, runDefaults(given));
  const captures = new Map<number, Capture>();
  const limit = given.maxBuffer ?? DEFAULT_MAX_BUFFER;
  for (const [fd, { channel, kind, attached }] of ends) {
    if (attached !== undefined) continue;
    if (kind === 'reader') {
      const capture = new Capture(channel, limit, () => child.stopBecause('maxBuffer'));
      captures.set(fd, capture);
      child.addReading(fd, capture);
    } else {
      channel.close(); // a pipe to which nobody here will write
    }
  }
  const finish = async (): Promise<Result<RunOptions>> => {
    let status = await child.closed.finally(() => child.process.unpin());
    const tooMuch = [...captures.values()].some(({ collected }) => collected.overflown);
    // Also what others wrote into the pipes after the command had ended.
    if (tooMuch && isNatural(status)) status = status.with({ reason: 'maxBuffer' });
    const output = new Map([...captures].map(([fd, { collected }]) => [fd, collected.bytes]));
    return resultOf(file, args, given, status, output, child.stopError);
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
): Promise<Result<RunOptions>> {
  const [words, given] = splitArguments(args, options);
  const running = await begin(file, words, given);
  return running.finish();
}
