/**
 * Descriptors that were passed to forkexec, told apart from those of the JavaScript runtime.
 *
 * The runtime opens descriptors at the lowest free numbers. A number that the caller did not pass
 * would otherwise reach the program as one of them, or a status line would be written into it.
 *
 * @module
 */
import { readdirSync, readlinkSync } from 'node:fs';
import type { SpawnOptions } from '../command/options.js';
import { attributes } from '../launch/order.js';
import { marksOwnDescriptors } from '../runtime.js';
import { record } from '../signal/record.js';
import { attempt } from '../syscall/call.js';
import { F, FD, O } from '../syscall/constants.js';
import { Failure } from './exit.js';
import type { GivenFlags } from './flags.js';

function targetOf(fd: number | string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

/**
 * Whether the runtime opened a descriptor, where the launcher recorded nothing because the runtime was
 * started without it. Every runtime opens its own with close-on-exec; Node and Bun set that flag also
 * on those that they were passed, so that their kind has to decide.
 */
function isOfRuntime(fd: number): boolean {
  if (((attempt('fcntl', fd, F.F_GETFD) as number) & FD.FD_CLOEXEC) === 0) return false;
  if (marksOwnDescriptors) return true;
  const target = targetOf(fd);
  if (target.startsWith('anon_inode:')) return true;
  // The runtime has both ends of its pipes.
  if (!target.startsWith('pipe:')) return false;
  return readdirSync('/proc/self/fd').filter((other) => targetOf(other) === target).length > 1;
}

/** Whether the caller of forkexec passed this descriptor. */
function wasPassed(fd: number): boolean {
  if (record !== undefined) return record.descriptors.has(fd);
  return attempt('fcntl', fd, F.F_GETFD) >= 0 && (fd <= 2 || !isOfRuntime(fd));
}

function problemOf(fd: number): string {
  return `must be a descriptor that was passed to forkexec, such as by ${fd}<file or ${fd}>file`;
}

/** The descriptors of forkexec that options name, by the path of the option. */
function named(options: SpawnOptions): [path: string, fd: number][] {
  const { stdin, stdout, stderr, fds = {} } = options;
  const values: [string, unknown][] = Object.entries({ stdin, stdout, stderr });
  for (const [fd, source] of Object.entries(fds)) {
    values.push([`fds.${fd}`, source === 'inherit' ? Number(fd) : source]);
  }
  for (const { descriptorsIn } of attributes) {
    values.push(...Object.entries(descriptorsIn?.(options) ?? {}));
  }
  return values.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
}

/** Refuses flags that name a descriptor which was not passed to forkexec. */
export function checkPassed(given: GivenFlags): void {
  for (const [path, fd] of named(given.options)) {
    if (!wasPassed(fd)) throw given.blame(path, problemOf(fd));
  }
}

/** The number of a descriptor that can be written. */
export function parseOutput(text: string): number {
  const fd = /^\d+$/.test(text) ? Number(text) : -1;
  if (fd < 0) throw new Failure('must be the number of a descriptor');
  if (!wasPassed(fd)) throw new Failure(problemOf(fd));
  const access = (attempt('fcntl', fd, F.F_GETFL) as number) & O.O_ACCMODE;
  if (access === O.O_RDONLY) throw new Failure(`must be open for writing, such as by ${fd}>file`);
  return fd;
}
