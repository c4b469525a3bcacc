/**
 * What a sandbox with namespaces sees of the files.
 *
 * @module
 */
import { resolve } from 'node:path';
import type { MountEntry } from '../sandbox/mount-entries.js';
import { covers, isBelow, type Listed, linkAt, OWN } from './sandbox-paths.js';

/** Directories of the root that are links into /usr on many systems. */
const ROOT_LINKS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'] as const;

/** Where these links lead; undefined for what is no link. */
export function rootLinks(): (string | undefined)[] {
  return ROOT_LINKS.map(linkAt);
}

const depthOf = (path: string): number => (path === '/' ? 0 : path.split('/').length);

/** What a path of /dev leads to that is another file for each process. */
function ownTarget(path: string): string {
  const number = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path);
  return number < 0 ? path.replace('/dev', '/proc/self') : `/proc/self/fd/${number}`;
}

/**
 * The entries of `mounts`. Trees come in the order of their depth, so that one within another is put on it.
 * `links` is what `rootLinks` returned.
 */
export function mountsOf(
  read: readonly Listed[],
  write: readonly Listed[],
  links: readonly (string | undefined)[],
): MountEntry[] {
  const all = [...read, ...write];
  const isTree = ({ path }: Listed): boolean => !OWN.test(path);
  const byPath = new Map<string, MountEntry>();
  for (const [list, readOnly] of [
    [read, true],
    [write, false],
  ] as const) {
    for (const { path, real } of list.filter(isTree)) {
      const entry = { bind: real, readOnly, devices: isBelow(real, '/dev') };
      // By both names where they differ: a link that is listed, and what it leads to.
      for (const to of new Set([real, path])) byPath.set(to, { ...entry, to });
    }
  }
  const binds = [...byPath].map(([path, entry]) => [depthOf(path), entry] as const);
  const entries: MountEntry[] = binds.sort(([a], [b]) => a - b).map(([, entry]) => entry);
  const hasBinds = entries.length > 0;
  for (const [index, path] of ROOT_LINKS.entries()) {
    const to = links[index];
    if (to === undefined || byPath.has(path) || byPath.has('/')) continue;
    if (covers(all, resolve('/', to))) entries.push({ symlink: path, to });
  }
  for (const path of new Set(all.map((each) => each.path).filter((each) => OWN.test(each)))) {
    // Within a /dev that is listed as a whole they are there.
    if (!covers(all.filter(isTree), path)) entries.push({ symlink: path, to: ownTarget(path) });
  }
  if (!hasBinds) entries.push({ directory: '/none' });
  return entries;
}
