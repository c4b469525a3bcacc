/**
 * Running a command to its end while the event loop stands still.
 *
 * @module
 */
import { checkLaunch } from '../launch/compile.js';
import { launchUnwatchedSync, type Unwatched } from '../process/launch.js';
import { close } from '../syscall/call.js';
import { invalid, refused } from '../syscall/check.js';
import { throwIfAborted } from './abort-signal.js';
import { streamName } from './holders.js';
import { prepare } from './lifetime.js';
import type { RunOptions } from './options.js';
import { checkRunOptions, type Result, resultOf } from './result.js';
import { compileConnected, draftOf, splitArguments } from './spawn.js';
import {
  type Connections,
  connect,
  isFile,
  openFilesSync,
  planStdio,
  type StdioPlan,
} from './stdio.js';
import { SyncRun } from './sync-run.js';
import type { NoOptions } from './types.js';
import { type Report, reportOf } from './verbose.js';

/** Streams are read by the event loop, which stands still. */
function inputOf({ input = '' }: RunOptions): Uint8Array {
  if (typeof input === 'string') return Buffer.from(input, 'utf8');
  if (input instanceof Uint8Array) return input;
  throw invalid('input', input, 'a string or a Uint8Array with runSync');
}

/** Starts it with its stdio; nothing is left of what fails. */
function launchConnected(
  file: string,
  args: readonly string[],
  plan: StdioPlan,
  options: RunOptions,
  report: Report | undefined,
): [child: Unwatched, ends: Connections['ends']] {
  const blame = { file, args };
  checkLaunch(draftOf(file, args, plan, options));
  const connections = connect(plan, openFilesSync(plan, blame), blame);
  const compiled = compileConnected(file, args, connections, options);
  report?.compiled();
  try {
    return [launchUnwatchedSync(compiled, connections.closeAfter), connections.ends];
  } catch (error) {
    for (const { fd } of connections.ends.values()) close(fd);
    throw error;
  }
}

function runCommandSync(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Result<RunOptions> {
  checkRunOptions(options);
  throwIfAborted(options.signal);
  if (options.detached)
    throw refused('detached', 'cannot be used with runSync, which waits for the command');
  const input = inputOf(options);
  const stdin = options.input === undefined ? 'null' : 'pipe';
  const prepared = prepare(options, [stdin, 'pipe', 'pipe']);
  const plan = planStdio(prepared.options, prepared.defaults);
  for (const [fd, stdio] of plan) {
    if (typeof stdio !== 'object' || isFile(stdio)) continue;
    throw refused(streamName(fd), 'cannot be a stream with runSync, which blocks the event loop');
  }
  const report = reportOf(options.verbose, file, args);
  let ends: Connections['ends'];
  let child: Unwatched;
  try {
    [child, ends] = launchConnected(file, args, plan, prepared.options, report);
  } catch (error) {
    report?.failed(error);
    throw error;
  }
  report?.launched(child.handle.pid);
  const running = new SyncRun(child, ends, { ...options, input }, prepared.marker);
  const status = running.toEnd();
  report?.exited(status);
  child.loan?.end();
  const output = new Map([...running.outputs].map(([fd, { bytes }]) => [fd, bytes]));
  return resultOf(file, args, options, status, output, running.stopError);
}

/**
 * As `run`, and the event loop stands still until it is over. Streams can't be used meanwhile: stdio
 * is descriptors, files and what is collected, and `input` a string or bytes. `signal` is looked at
 * before the start alone, and there is no `detached`.
 *
 * @throws LaunchError when it could not be started, and ExitError unless it exited with 0.
 */
export function runSync(file: string, args?: readonly string[]): Result<NoOptions>;
/** The same with options. */
export function runSync<const O extends RunOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Result<O>;
/** The same for a program without arguments. */
export function runSync<const O extends RunOptions>(
  file: string,
  options: O | undefined,
): Result<O>;
export function runSync(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
): Result<RunOptions> {
  const [words, given] = splitArguments(args, options);
  return runCommandSync(file, words, given);
}
