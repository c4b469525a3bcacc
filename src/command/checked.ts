/**
 * The door: options are looked at once, and what is behind it takes them as they were found.
 *
 * @module
 */
import type { Draft } from '../launch/attribute.js';
import { checkLaunch } from '../launch/compile.js';
import { checkKeys, isBag, ownOptions } from '../launch/values.js';
import type { Scope } from '../process/scope.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { checkBoolean, checkInteger, checkSurplus, invalid, refused } from '../syscall/check.js';
import { checkAbortSignal } from './abort-signal.js';
import { checkReady } from './check-ready.js';
import { streamName } from './holders.js';
import type { Limits } from './life.js';
import { type LifetimeGuard, newMark, prepare } from './lifetime.js';
import { checkTerminal, prepareTerminal } from './on-terminal.js';
import {
  checkOptionNames,
  type MaxBuffer,
  type RunOptions,
  type SpawnOptions,
  type Stdio,
} from './options.js';
import { expandSandbox } from './sandbox.js';
import type { GroupLimits, SandboxGroup } from './sandbox-group.js';
import { refuseShown, type Showing, splitShown } from './show.js';
import { isFile, planStdio, type StdioPlan } from './stdio.js';
import { checkDelay, stopSteps, timeLimit } from './stop.js';
import { checkStreams, isBytes, isSource } from './transfer.js';

/** What holds where the options say nothing. */
const SPAWN = { waitDelay: Number.POSITIVE_INFINITY, scope: 'process' } as const;

/** No other code has the child in hand: what a stopped command started would stay without an owner. */
const RUN = { waitDelay: 1000, scope: process.platform === 'linux' ? 'tree' : 'process' } as const;

/** A command that can be started: nothing was opened for it yet. */
export interface Checked {
  readonly file: string;
  readonly args: readonly string[];
  /** With `detached`, `lifetime` and the scope of `stop` worked in. */
  readonly options: Readonly<RunOptions>;
  readonly stdio: StdioPlan;
  /** Whether files have to be opened for it. */
  readonly hasFiles: boolean;
  readonly limits: Limits;
  /** What its descendants have in their environment, if they are to be found. */
  readonly marker: string | undefined;
  readonly guards: readonly LifetimeGuard[];
  /** What is to be told of its `sandbox`. */
  readonly layers: readonly SandboxLayer[];
  /** What its `sandbox` counts in a control group, which is made for each launch. */
  readonly group: GroupLimits | undefined;
  /** Where output that is collected is shown, by the child's descriptor. */
  readonly showing: ReadonlyMap<number, Showing>;
}

const NOT_SHOWN: ReadonlyMap<number, Showing> = new Map();

/** `(file, args, options)` or `(file, options)`; `rest` is what else was passed. */
export function splitArguments<T extends object>(
  args: readonly string[] | T | undefined,
  options: T | undefined,
  rest: readonly unknown[],
): [readonly string[], T] {
  checkSurplus(rest);
  if (Array.isArray(args)) return [args, options ?? ({} as T)];
  const isArgs = args !== undefined && (options !== undefined || !isBag(args));
  if (isArgs) throw invalid('args', args, 'an array of strings');
  return [[], (args as T | undefined) ?? options ?? ({} as T)];
}

function checkSpawnOptions(options: SpawnOptions): void {
  checkOptionNames(options);
  if (options.stop !== undefined) stopSteps(options.stop);
  checkAbortSignal('signal', options.signal);
  checkTerminal(options);
  if (options.timeout !== undefined) checkDelay('timeout', options.timeout);
  if (options.waitDelay !== undefined) checkDelay('waitDelay', options.waitDelay);
}

function checkMaxBuffer(maxBuffer: MaxBuffer): void {
  const most = Number.MAX_SAFE_INTEGER;
  if (typeof maxBuffer === 'object') {
    checkKeys('maxBuffer', maxBuffer, ['bytes', 'keep']);
    checkInteger('maxBuffer.bytes', maxBuffer.bytes, 0, most);
    if (['head', 'tail', 'both'].includes(maxBuffer.keep)) return;
    throw invalid('maxBuffer.keep', maxBuffer.keep, "'head', 'tail' or 'both'");
  }
  if (maxBuffer !== Number.POSITIVE_INFINITY) checkInteger('maxBuffer', maxBuffer, 0, most);
}

function checkExitCodes(codes: readonly number[]): void {
  if (!Array.isArray(codes) || codes.length === 0) {
    throw invalid('exitCodes', codes, 'an array of exit codes, such as [0, 1]');
  }
  for (const [index, code] of codes.entries()) checkInteger(`exitCodes[${index}]`, code, 0, 255);
}

function checkRunOptions(options: RunOptions): void {
  const { input, encoding, exitCodes, lines, maxBuffer, ptrace, ready, stdin } = options;
  if (ptrace)
    throw refused('ptrace', 'cannot be used with run: nothing would resume the process. Use spawn');
  if (input !== undefined && typeof input !== 'string' && !isSource(input)) {
    throw invalid('input', input, 'a string, bytes, a readable stream or an iterable');
  }
  checkStreams('input', input);
  if (input !== undefined && stdin !== undefined) {
    throw refused('input', 'cannot be combined with stdin');
  }
  if (lines && encoding === 'buffer') {
    throw refused('lines', "cannot be combined with encoding 'buffer': lines are text");
  }
  for (const name of ['reject', 'stripFinalNewline', 'lines'] as const) {
    if (options[name] !== undefined) checkBoolean(name, options[name]);
  }
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer') {
    throw invalid('encoding', encoding, "'utf8' or 'buffer'");
  }
  if (maxBuffer !== undefined) checkMaxBuffer(maxBuffer);
  if (exitCodes !== undefined) checkExitCodes(exitCodes);
  if (ready !== undefined)
    throw refused('ready', 'cannot be used with run, which waits for the end');
}

/** Streams are moved by the event loop, which stands still. */
function checkSync({ input, detached, terminal }: RunOptions, stdio: StdioPlan): void {
  if (terminal !== undefined) {
    throw refused('terminal', 'cannot be used with runSync, which blocks the event loop');
  }
  if (detached)
    throw refused('detached', 'cannot be used with runSync, which waits for the command');
  if (input !== undefined && typeof input !== 'string' && !isBytes(input)) {
    throw invalid('input', input, 'a string or a Uint8Array with runSync');
  }
  for (const [fd, each] of stdio) {
    if (typeof each !== 'object' || isFile(each) || (fd === 0 && input !== undefined)) continue;
    throw refused(streamName(fd), 'cannot be a stream with runSync, which blocks the event loop');
  }
}

/** A launch of a command: with descriptors that were opened for it, or to be checked, with a plan. */
export function readyOf<D extends Draft<object>['descriptors']>(
  { file, args, options }: Pick<Checked, 'file' | 'args' | 'options'>,
  descriptors: D,
  group?: SandboxGroup,
): Draft<RunOptions> & { descriptors: D; search: boolean } {
  const argv = [options.argv0 ?? file, ...args];
  const ready = { file, argv, descriptors, options, search: true };
  if (group === undefined) return ready;
  const { cgroup, joins } = group;
  return { ...ready, joins, options: cgroup === undefined ? options : { ...options, cgroup } };
}

function check(
  file: string,
  args: readonly string[],
  given: RunOptions,
  defaults: readonly [Stdio, Stdio, Stdio],
  usual: Pick<Limits, 'waitDelay' | 'scope'>,
  scope: Scope,
  showing = NOT_SHOWN,
): Checked {
  const { options, layers, group } = expandSandbox(given, file);
  const prepared = prepareTerminal(prepare(options, defaults, scope));
  const { options: known, defaults: stdios, marker, guards } = prepared;
  const { stop } = known;
  const waitDelay = options.waitDelay ?? usual.waitDelay;
  const limits = { stop, timeLimit: timeLimit(options), waitDelay, scope: usual.scope };
  const stdio = planStdio(known, stdios);
  const hasFiles = [...stdio.values()].some(isFile);
  // Not with a spread, which takes longer than the checks.
  const checked: Checked = {
    file,
    args,
    options: known,
    stdio,
    hasFiles,
    limits,
    marker,
    guards,
    layers,
    group,
    showing,
  };
  checkLaunch(readyOf(checked, stdio)); // before a file is opened, which may empty it
  return checked;
}

/** What `spawn` takes; `scope` is that of its end where the options name none. */
export function checkSpawn(
  file: string,
  args: readonly string[],
  given: SpawnOptions,
  scope: Scope = 'process',
): Checked {
  const options = ownOptions(given);
  checkSpawnOptions(options);
  refuseShown(options);
  const inherit = ['inherit', 'inherit', 'inherit'] as const;
  return check(file, args, checkReady(options), inherit, SPAWN, scope);
}

/** As `before`, with another program and other variables, which alone are checked. */
export function checkAgain(
  before: Checked,
  file: string,
  args: readonly string[],
  env: SpawnOptions['env'],
): Checked {
  const { marker, options: known } = before;
  const mark = newMark(known, marker !== undefined);
  const options = { ...known, env: { ...env, ...mark.env } };
  const checked = { ...before, file, args, options, marker: mark.marker };
  checkLaunch(readyOf(checked, checked.stdio));
  return checked;
}

/** What `run` takes. */
export function checkRun(
  file: string,
  args: readonly string[],
  given: RunOptions,
  isSync = false,
): Checked {
  const own = ownOptions(given);
  checkSpawnOptions(own);
  checkRunOptions(own);
  const { options, showing } = splitShown(own, isSync);
  const { input } = options;
  const stdin = typeof input === 'string' ? Buffer.from(input) : (input ?? 'null');
  return check(file, args, options, [stdin, 'pipe', 'pipe'], RUN, 'process', showing);
}

/** What `runSync` takes. */
export function checkRunSync(file: string, args: readonly string[], given: RunOptions): Checked {
  const options = ownOptions(given);
  const checked = checkRun(file, args, options, true);
  checkSync(options, checked.stdio);
  return checked;
}
