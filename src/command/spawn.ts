/**
 * Starting a command.
 *
 * @module
 */

import type { Draft } from '../launch/attribute.js';
import { type CompiledLaunch, checkLaunch, compile } from '../launch/compile.js';
import { LaunchError } from '../launch/error.js';
import { launch } from '../process/launch.js';
import type { Scope } from '../process/scope.js';
import { invalid } from '../syscall/check.js';
import { isThreadError } from '../syscall/errors.js';
import { throwIfAborted } from './abort-signal.js';
import { Channel } from './channel.js';
import { Child, checkSpawnOptions, type OpenEnd } from './child.js';
import { guard, type Prepared, prepare } from './lifetime.js';
import type { SpawnOptions, Stdio } from './options.js';
import {
  type Connections,
  connect,
  disconnect,
  isFile,
  openFiles,
  planStdio,
  type StdioPlan,
} from './stdio.js';
import type { NoOptions } from './types.js';
import { type Report, reportOf } from './verbose.js';

const NO_FILES: ReadonlyMap<number, number> = new Map();

/** `(file, args, options)` or `(file, options)`. */
export function splitArguments<T extends object>(
  args: readonly string[] | T | undefined,
  options: T | undefined,
): [readonly string[], T] {
  if (Array.isArray(args)) return [args, options ?? ({} as T)];
  if (args !== undefined && (typeof args !== 'object' || args === null)) {
    throw invalid('args', args, 'an array of strings');
  }
  return [[], (args as T | undefined) ?? options ?? ({} as T)];
}

/** Throws what is wrong with the options of a command that is not started yet. */
export function checkCommand(file: string, args: readonly string[], options: SpawnOptions): void {
  checkSpawnOptions(options);
  const plan = planStdio(options, ['null', 'null', 'null']);
  checkLaunch(draftOf(file, args, plan, options));
}

function hasFiles(plan: StdioPlan): boolean {
  for (const stdio of plan.values()) if (isFile(stdio)) return true;
  return false;
}

/** The launch of a command, with what is known of its descriptors: a plan, or their sources. */
export function draftOf<D extends Draft<SpawnOptions>['descriptors']>(
  file: string,
  args: readonly string[],
  descriptors: D,
  options: SpawnOptions,
): Draft<SpawnOptions> & { readonly descriptors: D } {
  return { file, argv: [options.argv0 ?? file, ...args], descriptors, options };
}

/** The program of a checked launch for connections that were made for it; they are undone if it can't be. */
export function compileConnected(
  file: string,
  args: readonly string[],
  connections: Connections,
  options: SpawnOptions,
): CompiledLaunch {
  try {
    const draft = draftOf(file, args, connections.descriptors, options);
    return compile({ ...draft, search: true, parentPid: process.pid });
  } catch (error) {
    disconnect(connections);
    throw error;
  }
}

/** Our ends, watched; if one can't be, nothing stays open. */
function openEnds(connections: Connections): Map<number, OpenEnd> {
  const ends = new Map<number, OpenEnd>();
  const left = new Map(connections.ends);
  try {
    for (const [fd, end] of connections.ends) {
      const { kind, attached } = end;
      left.delete(fd); // the channel closes it, whatever comes of it
      ends.set(fd, { channel: new Channel(end.fd), kind, attached });
    }
    return ends;
  } catch (error) {
    for (const { channel } of ends.values()) channel.close();
    disconnect({ ...connections, ends: left });
    throw error;
  }
}

/** Starts a command whose stdio is `defaults`, and the scope of its end `scope`, unless options say so. */
export async function start(
  file: string,
  args: readonly string[],
  given: SpawnOptions,
  defaults: readonly [Stdio, Stdio, Stdio],
  scope?: Scope,
): Promise<{ child: Child; ends: ReadonlyMap<number, OpenEnd> }> {
  checkSpawnOptions(given);
  throwIfAborted(given.signal);
  const report = reportOf(given.verbose, file, args);
  const prepared = prepare(given, defaults, scope);
  try {
    const started = await launchPrepared(file, args, prepared, report);
    if (report !== undefined) {
      report.launched(started.child.pid);
      void started.child.exited.then(report.exited);
    }
    return started;
  } catch (error) {
    const failure = isThreadError(error)
      ? new LaunchError({ name: 'clone' }, error.errno, file, args)
      : error;
    report?.failed(failure);
    throw failure;
  }
}

async function launchPrepared(
  file: string,
  args: readonly string[],
  prepared: Prepared,
  report: Report | undefined,
): Promise<{ child: Child; ends: ReadonlyMap<number, OpenEnd> }> {
  const { options } = prepared;
  const plan = planStdio(options, prepared.defaults);
  const blame = { file, args };
  // Before a file is opened: a mistake in another option must not have emptied it.
  checkLaunch(draftOf(file, args, plan, options));
  const opened = hasFiles(plan) ? await openFiles(plan, blame) : NO_FILES;
  const connections = connect(plan, opened, blame);
  const compiled = compileConnected(file, args, connections, options);
  const ends = openEnds(connections);
  report?.compiled();
  try {
    const process = await launch(compiled, connections.closeAfter, (created) => {
      guard(created, prepared);
    });
    return { child: new Child(process, ends, options, prepared.guards), ends };
  } catch (error) {
    for (const { channel } of ends.values()) channel.close();
    throw error;
  }
}

/**
 * Starts a program. Resolves once it runs (execve succeeded), never before. Never blocks the event
 * loop, however large the heap and however slow the execve.
 *
 * @throws LaunchError when any step failed; nothing is left of the attempt then.
 */
export function spawn(file: string, args?: readonly string[]): Promise<Child<NoOptions>>;
/** The same with options. */
export function spawn<const O extends SpawnOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Promise<Child<O>>;
/** The same for a program without arguments. */
export function spawn<const O extends SpawnOptions>(
  file: string,
  options: O | undefined,
): Promise<Child<O>>;
export async function spawn(
  file: string,
  args?: readonly string[] | SpawnOptions,
  options?: SpawnOptions,
): Promise<Child> {
  const [words, given] = splitArguments(args, options);
  const { child } = await start(file, words, given, ['inherit', 'inherit', 'inherit']);
  return child;
}
