// Namespaces: what this process is in, and whether this system allows new ones.

import { closeSync, mkdirSync, openSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type LaunchError, type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { type State, withFolder } from './state.js';

export const KINDS = ['user', 'pid', 'mount', 'net', 'uts', 'ipc', 'cgroup', 'time'] as const;
export type Kind = (typeof KINDS)[number];

/** The name in /proc/PID/ns. */
function fileOf(kind: Kind): string {
  return kind === 'mount' ? 'mnt' : kind;
}

/** As `State.namespaces` has it. */
function own(kind: Kind): string {
  return readlinkSync(`/proc/self/ns/${fileOf(kind)}`);
}

/** Root inside, and whoever this is outside. */
export const ROOT_MAP = [{ inside: 0, outside: process.getuid?.() ?? 0, count: 1 }];

/** Runs `use` with a descriptor for each namespace of a child that sleeps in namespaces of its own. */
export async function withSleeper<T>(
  attributes: ProcessAttributes,
  use: (fds: Record<Kind, number>, pid: number) => Promise<T>,
): Promise<T> {
  const sleeper = await startProcess('/bin/sleep', ['sleep', '60'], attributes);
  const fds = {} as Record<Kind, number>;
  try {
    for (const kind of KINDS) fds[kind] = openSync(`/proc/${sleeper.pid}/ns/${fileOf(kind)}`, 'r');
    return await use(fds, sleeper.pid);
  } finally {
    for (const fd of Object.values(fds)) closeSync(fd);
    sleeper.signal('SIGKILL');
    await sleeper.wait();
  }
}

/** What filters, limits and kernels say that do not make the namespaces that clone(2) is asked for. */
const REFUSALS = ['EPERM', 'ENOSYS', 'EINVAL', 'ENOSPC', 'EUSERS'];

/** Whether an error says that, and which namespaces they are: any other would be a fault of ours. */
function isRefusal(error: unknown, { namespaces = {} }: ProcessAttributes): boolean {
  const { step, code, argument } = error as LaunchError;
  if (code === 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM') return true;
  const wanted = KINDS.filter((kind) => namespaces[kind] === true);
  const named = argument?.split(',') ?? [];
  const isNamed = named.length === wanted.length && wanted.every((kind) => named.includes(kind));
  return step === 'clone' && REFUSALS.includes(code) && isNamed;
}

/** Why there are no such new namespaces here, or false. */
export async function lackOf(attributes: ProcessAttributes): Promise<string | false> {
  try {
    const child = await startProcess('/bin/true', ['true'], attributes);
    await child.wait();
    return false;
  } catch (error) {
    if (!isRefusal(error, attributes)) throw error;
    return (error as Error).message;
  }
}

/** With a folder for a mount inside. */
export function withMountPoint<T>(use: (folder: string, point: string) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    const point = join(folder, 'mounted');
    mkdirSync(point);
    return use(folder, point);
  });
}

/** Which namespaces a child is in that are not those of this process. */
export function others({ namespaces }: State): Kind[] {
  return KINDS.filter((kind) => namespaces[fileOf(kind)] !== own(kind));
}

/** Calls `use` with a descriptor of a namespace of a process. */
export async function withNamespace(
  pid: number,
  kind: Kind,
  use: (fd: number) => Promise<void>,
): Promise<void> {
  const fd = openSync(`/proc/${pid}/ns/${fileOf(kind)}`, 'r');
  try {
    await use(fd);
  } finally {
    closeSync(fd);
  }
}
