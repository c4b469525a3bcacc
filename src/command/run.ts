/**
 * Running a command to its end.
 *
 * @module
 */
import { Capture, feed, inputBytes } from './capture.js';
import type { RunOptions } from './options.js';
import {
  checkRunOptions,
  DEFAULT_MAX_BUFFER,
  DEFAULT_WAIT_DELAY,
  type Result,
  resultOf,
  runDefaults,
} from './result.js';
import { splitArguments, start } from './spawn.js';
import { after } from './stop.js';

/**
 * Runs a program to its end and collects its output.
 *
 * @throws LaunchError when it could not be started, and ExitError unless it exited with 0.
 */
export async function run(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
): Promise<Result> {
  const [words, given] = splitArguments(args, options);
  checkRunOptions(given);
  const { child, ends } = await start(file, words, given, runDefaults(given));
  const captures = new Map<number, Capture>();
  for (const [fd, { channel, kind }] of ends) {
    if (kind === 'reader') {
      const limit = given.maxBuffer ?? DEFAULT_MAX_BUFFER;
      captures.set(fd, new Capture(channel, limit, () => child.stopBecause('maxBuffer')));
    } else if (fd === 0) {
      feed(channel, inputBytes(given.input ?? ''));
    }
  }
  const status = await child.exited;
  const cancel = after(given.waitDelay ?? DEFAULT_WAIT_DELAY, () => {
    for (const capture of captures.values()) capture.cutOff();
  });
  await Promise.all([...captures.values()].map(({ ended }) => ended));
  cancel();
  for (const { channel } of ends.values()) channel.close();
  const output = new Map([...captures].map(([fd, { collected }]) => [fd, collected.bytes]));
  return resultOf(file, words, given, status, output);
}
