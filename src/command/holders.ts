/**
 * Who still has a pipe open.
 *
 * @module
 */
import { readlinkSync } from 'node:fs';
import { depthOfProc, folderOf, namesIn, numberOf } from '../process/proc.js';
import type { HeldStream } from '../process/status.js';

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function linksIn(folder: string): Set<string> {
  return new Set(namesIn(folder).map((name) => linkOf(`${folder}/${name}`)));
}

/** The name of the child's descriptor. */
export function streamName(fd: number): string {
  return ['stdin', 'stdout', 'stderr'][fd] ?? `fd ${fd}`;
}

/** As `depthOfProc`; undefined where /proc is of no use. */
function depth(): number | undefined {
  try {
    return depthOfProc();
  } catch {
    return undefined;
  }
}

/**
 * The other processes that have our end's pipe open, as far as /proc shows them to this user, and as
 * far as they have a number in this pid namespace. Takes a moment on a busy system: for when something
 * was cut off.
 *
 * @param ends our descriptor for each of the child's
 */
export function holdersOf(ends: ReadonlyMap<number, number>): HeldStream[] {
  const links = new Map<number, string>();
  for (const [fd, ours] of ends) links.set(fd, linkOf(`/proc/self/fd/${ours}`));
  const held = new Map([...ends.keys()].map((fd) => [fd, [] as number[]]));
  const own = depth();
  for (const name of own === undefined ? [] : namesIn('/proc')) {
    const shown = Number(name);
    if (!Number.isInteger(shown)) continue;
    let open = linksIn(`/proc/${shown}/fd`);
    if (open.size === 0) open = linksIn(`${folderOf(shown)}/fd`);
    const found = [...links].filter(([, link]) => link !== '' && open.has(link));
    const pid = found.length === 0 ? undefined : numberOf(shown, own as number);
    if (pid === undefined || pid === process.pid) continue;
    for (const [fd] of found) held.get(fd)?.push(pid);
  }
  return [...held].map(([fd, pids]) => ({ stream: streamName(fd), pids }));
}
