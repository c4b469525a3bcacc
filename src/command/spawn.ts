/**
 * Starting a command.
 *
 * @module
 */

import type { CompiledLaunch } from '../launch/compile.js';
import { LaunchError } from '../launch/error.js';
import { ownOptions } from '../launch/values.js';
import { start as launch, program } from '../process/launch.js';
import type { Process } from '../process/process.js';
import { close } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import { isThreadError } from '../syscall/errors.js';
import { now } from '../time.js';
import { throwIfAborted } from './abort-signal.js';
import { Channel } from './channel.js';
import { type Checked, checkSpawn, readyOf, splitArguments } from './checked.js';
import { Child } from './child.js';
import type { OpenEnd } from './ends.js';
import { LaunchLimit } from './launch-limit.js';
import { guard } from './lifetime.js';
import { type OnTerminal, openFor } from './on-terminal.js';
import type { SpawnOptions } from './options.js';
import { whenReady } from './ready.js';
import { makeGroup, type SandboxGroup } from './sandbox-group.js';
import { type Connections, connect, disconnect, openFiles } from './stdio.js';
import type { NoOptions } from './types.js';
import { reportOf } from './verbose.js';

const NO_FILES: ReadonlyMap<number, number> = new Map();

/** The program for connections that were made for it; they are undone if there can't be one. */
export function compileFor(
  checked: Checked,
  connections: Connections,
  group?: SandboxGroup,
): CompiledLaunch {
  try {
    return program(readyOf(checked, connections.descriptors, group));
  } catch (error) {
    disconnect(connections);
    throw error;
  }
}

/** Our ends, watched; if one can't be, nothing stays open. */
function openEnds({ ends: opened }: Connections): Map<number, OpenEnd> {
  const ends = new Map<number, OpenEnd>();
  const left = new Map(opened);
  try {
    for (const [fd, end] of opened) {
      const { kind, attached } = end;
      left.delete(fd); // the channel closes it, whatever comes of it
      ends.set(fd, { channel: new Channel(end.fd), kind, attached });
    }
    return ends;
  } catch (error) {
    for (const { channel } of ends.values()) channel.close();
    for (const { fd } of left.values()) close(fd);
    throw error;
  }
}

/** A command that was started, and our ends of its pipes by the child's descriptor. */
export interface Started {
  readonly child: Child;
  readonly ends: ReadonlyMap<number, OpenEnd>;
}

/** Starts a command. */
export async function start(checked: Checked): Promise<Started> {
  const { file, args, options } = checked;
  throwIfAborted(options.signal);
  const report = reportOf(options.verbose, file, args);
  let ends: ReadonlyMap<number, OpenEnd> | undefined;
  let on: OnTerminal | undefined;
  let group: SandboxGroup | undefined;
  const { timeLimit } = checked.limits;
  const isLimited = options.signal !== undefined || timeLimit !== Number.POSITIVE_INFINITY;
  const limit = isLimited ? new LaunchLimit(options.signal, timeLimit) : undefined;
  try {
    on = openFor(options, checked.stdio);
    const opened = checked.hasFiles ? await openFiles(checked, limit) : NO_FILES;
    const { stdio } = on ?? checked;
    group = makeGroup(checked.group, file, args);
    const connections = connect({ ...checked, stdio }, opened);
    const compiled = compileFor(checked, connections, group);
    const { closeAfter } = connections;
    try {
      ends = openEnds(connections);
    } catch (error) {
      for (const fd of [...closeAfter, ...compiled.closeAfter]) close(fd);
      throw error;
    }
    report?.compiled();
    const created = (process: Process): void => guard(process, checked);
    const begun = now();
    const process = await launch(compiled, {
      sync: false,
      watch: true,
      closeFds: closeAfter,
      created,
      limit: limit && ((giveUp) => limit.during(giveUp)),
    });
    const child = new Child(process, ends, checked, begun, on, group);
    report?.launched(child.pid);
    if (report !== undefined) void child.exited.then(report.exited);
    return { child, ends };
  } catch (error) {
    for (const { channel } of ends?.values() ?? []) channel.close();
    group?.remove();
    if (on?.isOwn) on.terminal.output.destroy();
    const failure = isThreadError(error)
      ? new LaunchError({ name: 'clone' }, error.errno, file, args)
      : error;
    report?.failed(failure);
    if (error instanceof LaunchError && error.errno === E.ECANCELED) throwIfAborted(options.signal);
    throw failure;
  } finally {
    limit?.end();
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
  ...rest: readonly unknown[]
): Promise<Child> {
  const [words, given] = splitArguments(args, options, rest);
  const checked = checkSpawn(file, words, given);
  const { child } = await start(checked);
  const { ready } = ownOptions(given);
  if (ready !== undefined) await whenReady(child, ready, checked);
  return child;
}
