/**
 * Replacing this process' program.
 *
 * @module
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { DescriptorSource } from '../launch/attribute.js';
import { checkLaunch, launchError } from '../launch/compile.js';
import { type LaunchOptions, launchOptionNames } from '../launch/order.js';
import { isBag, takeOptions } from '../launch/values.js';
import { native } from '../native.js';
import { attempt, close } from '../syscall/call.js';
import { checkInteger, checkSurplus, invalid } from '../syscall/check.js';
import { F, O } from '../syscall/constants.js';
import { isMainThread } from '../thread.js';
import { flushCorked, isWaiting } from './flush.js';
import { program, type Ready } from './launch.js';
import { Loan } from './loan.js';
import { MAX_FD } from './start.js';

/** What is true of this process once it runs the new program. */
export interface ExecOptions extends LaunchOptions {
  /** Default: `'inherit'`, what it is now. */
  stdin?: DescriptorSource | undefined;
  /** Default: `'inherit'`. */
  stdout?: DescriptorSource | undefined;
  /** Default: `'inherit'`. */
  stderr?: DescriptorSource | undefined;
  /** Descriptors from 3 on that the program has; all others are closed. */
  fds?: Readonly<Record<number, DescriptorSource>> | undefined;
}

const NAMES: readonly string[] = [...launchOptionNames, 'stdin', 'stdout', 'stderr', 'fds'];

function checkSource(option: string, source: DescriptorSource): DescriptorSource {
  if (typeof source === 'number') return checkInteger(option, source, 0, MAX_FD);
  if (source === 'inherit' || source === 'null') return source;
  throw invalid(option, source, "'inherit', 'null' or a descriptor");
}

function descriptorsOf(options: ExecOptions): Map<number, DescriptorSource> {
  const descriptors = new Map<number, DescriptorSource>();
  for (const [fd, name] of (['stdin', 'stdout', 'stderr'] as const).entries()) {
    descriptors.set(fd, checkSource(name, options[name] ?? 'inherit'));
  }
  const { fds = {} } = options;
  if (!isBag(fds)) throw invalid('fds', fds, 'an object');
  for (const [key, source] of Object.entries(fds)) {
    const fd = checkInteger('fds', Number(key), 3, MAX_FD);
    descriptors.set(fd, checkSource(`fds.${key}`, source));
  }
  return descriptors;
}

/** What JavaScript wrote and the runtime has not would be lost with this program. */
function checkFlushed(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name];
    if (!isWaiting(stream)) continue;
    const size = stream.writableLength > 0 ? `${stream.writableLength} unwritten` : 'unwritten';
    const error = new Error(`process.${name} has ${size} bytes. Call await flushed() before exec.`);
    throw Object.assign(error, { code: 'ERR_INVALID_STATE' });
  }
}

/**
 * Makes stdio block again where the runtime made it not block for its own streams: no other program
 * expects that. Then writes what JavaScript holds back. Returns what undoes the first; throws, having
 * undone it, while something is still to be written.
 */
function takeBackStdio(descriptors: Ready['descriptors']): () => void {
  // All before the streams are looked at: that makes them, if nobody used them yet.
  const before = [0, 1, 2].map((fd) => [fd, attempt('fcntl', fd, F.F_GETFL)] as const);
  const undo = (): void => {
    for (const [fd, flags] of before) if (flags >= 0) attempt('fcntl', fd, F.F_SETFL, flags);
  };
  const waiting = [false, isWaiting(process.stdout), isWaiting(process.stderr)];
  for (const [fd] of before) {
    if (descriptors.get(fd) !== 'inherit' && !waiting[fd]) continue;
    const flags = attempt('fcntl', fd, F.F_GETFL);
    if (flags >= 0 && flags & O.O_NONBLOCK) attempt('fcntl', fd, F.F_SETFL, flags & ~O.O_NONBLOCK);
  }
  try {
    flushCorked(process.stdout);
    flushCorked(process.stderr);
    checkFlushed();
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

const LIMITS = 16;

function getLimit(resource: number): BigUint64Array {
  const limit = new BigUint64Array(2);
  attempt('prlimit64', 0, resource, null, limit);
  return limit;
}

/** The soft limit at least, as far as the hard one that there is now allows. */
function restoreLimit(resource: number, limit: BigUint64Array): void {
  if (attempt('prlimit64', 0, resource, limit, null) === 0) return;
  const [soft = 0n] = limit;
  const [, hard = 0n] = getLimit(resource);
  const nearest = new BigUint64Array([soft < hard ? soft : hard, hard]);
  attempt('prlimit64', 0, resource, nearest, null);
}

const SCORE = '/proc/self/oom_score_adj';

/**
 * What a program changes of the whole process, although it runs on a thread of its own. Returns what
 * puts it back.
 */
function keepProcess({ processGroup, foreground, oomScoreAdj }: LaunchOptions): () => void {
  const loan = foreground === undefined ? undefined : new Loan(foreground);
  const group = attempt('getpgid', 0);
  const score = oomScoreAdj === undefined ? '' : readFileSync(SCORE, 'utf8');
  // All of them: what this process was started with is given back without being asked for.
  const limits = Array.from({ length: LIMITS }, (_, resource) => getLimit(resource));
  return () => {
    if (processGroup !== undefined || loan !== undefined) attempt('setpgid', 0, group);
    loan?.end();
    for (const [resource, limit] of limits.entries()) restoreLimit(resource, limit);
    if (score !== '') writeFileSync(SCORE, score);
  };
}

/** Runs a launch on this process. @internal */
export function execLaunch(launch: Ready): never {
  if (!isMainThread) {
    const error = new Error('exec must be called on the main thread: it replaces all threads');
    throw Object.assign(error, { code: 'ERR_WORKER_UNSUPPORTED_OPERATION' });
  }
  const inPlace = { ...launch, inPlace: true };
  checkLaunch(inPlace);
  const compiled = program(inPlace);
  try {
    const undo = takeBackStdio(launch.descriptors);
    const restore = keepProcess(launch.options);
    const [step, errno] = native.exec(compiled.bytes, compiled.bytes.length);
    undo();
    restore();
    throw launchError(compiled, step, errno);
  } finally {
    for (const fd of compiled.closeAfter) close(fd);
  }
}

/**
 * Replaces the program of this process: its pid stays, and nothing of JavaScript runs any more, no
 * `exit` listener either. Never returns.
 *
 * Standard input, output and error and the descriptors asked for stay open, all others are closed.
 * Dispositions and mask of signals are as `spawn` gives them to a child. Children of this process
 * stay its children; their `parentDeathSignal` is sent, since the thread that launched them ends.
 * What was written to process.stdout and process.stderr has to be out: to a pipe whose reader is slow
 * the runtime writes later, by its event loop, so `await flushed()` first.
 *
 * @throws LaunchError when a step failed; this process is then as it was, except that a new session
 * can't be undone, and a lowered hard limit only with CAP_SYS_RESOURCE. ERR_INVALID_STATE while something
 * is to be written, ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see execve(2)
 */
export function exec(file: string, args?: readonly string[], options?: ExecOptions): never;
export function exec(
  file: string,
  args: readonly string[] = [],
  given: ExecOptions = {},
  ...rest: never[]
): never {
  checkSurplus(rest);
  const options = takeOptions('', given, NAMES);
  if (!Array.isArray(args)) throw invalid('args', args, 'an array of strings');
  return execLaunch({
    file,
    argv: [options.argv0 ?? file, ...args],
    descriptors: descriptorsOf(options),
    options,
    search: true,
  });
}
