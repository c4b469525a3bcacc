/**
 * Who still has a pipe open.
 *
 * @module
 */
import { readdirSync, readlinkSync } from 'node:fs';
import type { HeldStream } from '../process/status.js';

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // ended meanwhile, or not ours to look at
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The name of the child's descriptor. */
export function streamName(fd: number): string {
  return ['stdin', 'stdout', 'stderr'][fd] ?? `fd ${fd}`;
}

/**
 * The other processes that have our end's pipe open, as far as /proc shows them to this user. Takes
 * a moment on a busy system: for when something was cut off.
 *
 * @param ends our descriptor for each of the child's
 */
export function holdersOf(ends: ReadonlyMap<number, number>): HeldStream[] {
  const links = new Map<number, string>();
  for (const [fd, ours] of ends) links.set(fd, linkOf(`/proc/self/fd/${ours}`));
  const held = new Map([...ends.keys()].map((fd) => [fd, [] as number[]]));
  for (const entry of list('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const open = new Set(list(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
    for (const [fd, link] of links) if (link !== '' && open.has(link)) held.get(fd)?.push(pid);
  }
  return [...held].map(([fd, pids]) => ({ stream: streamName(fd), pids }));
}
