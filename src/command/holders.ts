/**
 * Who still has a pipe open.
 *
 * @module
 */
import { readFileSync, readlinkSync } from 'node:fs';
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

/** The name of a process by its number in /proc. */
function commOf(shown: number): string {
  try {
    return readFileSync(`/proc/${shown}/comm`, 'utf8').trimEnd();
  } catch {
    return 'a process that has ended';
  }
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
  const held = new Map([...ends.keys()].map((fd) => [fd, [] as { pid: number; name: string }[]]));
  const own = depth();
  for (const name of own === undefined ? [] : namesIn('/proc')) {
    const shown = Number(name);
    if (!Number.isInteger(shown)) continue;
    let open = linksIn(`/proc/${shown}/fd`);
    if (open.size === 0) open = linksIn(`${folderOf(shown)}/fd`);
    const found = [...links].filter(([, link]) => link !== '' && open.has(link));
    const pid = found.length === 0 ? undefined : numberOf(shown, own as number);
    if (pid === undefined || pid === process.pid) continue;
    const holder = { pid, name: commOf(shown) };
    for (const [fd] of found) held.get(fd)?.push(holder);
  }
  return [...held].map(([fd, holders]) => ({
    stream: streamName(fd),
    pids: holders.map(({ pid }) => pid),
    names: holders.map(({ name }) => name),
  }));
}
