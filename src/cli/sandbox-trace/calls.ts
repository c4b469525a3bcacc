/**
 * What a system call of a traced program needs of a policy.
 *
 * @module
 */
import { AT, O } from '../../syscall/constants.js';
import type { Found } from './paths.js';

/** How a call takes a path: which arguments are the descriptor of a directory, the path and flags. */
interface PathArgument {
  readonly directory?: number;
  readonly path: number;
  readonly flags?: number;
}

/** What a call does with what a path leads to. */
export type Purpose =
  | 'open'
  | 'execute'
  /** Looks whether it is there, and what it is. */
  | 'look'
  /** Changes it where it is. */
  | 'change'
  /** Makes it, in its directory. */
  | 'make'
  /** Takes it out of its directory. */
  | 'remove';

export interface PathUse extends PathArgument {
  readonly purpose: Purpose;
  /** Whether a symbolic link at the end is followed. */
  readonly follows: boolean;
}

const at = (directory: number, path: number, flags?: number): PathArgument =>
  flags === undefined ? { directory, path } : { directory, path, flags };
const first: PathArgument = { path: 0 };

function uses(
  purpose: Purpose,
  follows: boolean,
  calls: Readonly<Record<string, PathArgument>>,
): [string, PathUse][] {
  return Object.entries(calls).map(([name, use]) => [name, { ...use, purpose, follows }]);
}

/** By the name of the call, the paths that it uses. */
export const PATH_CALLS: ReadonlyMap<string, readonly PathUse[]> = (() => {
  const all = new Map<string, PathUse[]>();
  for (const [name, use] of [
    ...uses('open', true, {
      open: { path: 0, flags: 1 },
      openat: at(0, 1, 2),
      openat2: at(0, 1, 2),
      creat: first,
    }),
    ...uses('execute', true, { execve: first, execveat: at(0, 1, 4) }),
    ...uses('look', true, {
      stat: first,
      access: first,
      chdir: first,
      statfs: first,
      getxattr: first,
      listxattr: first,
      newfstatat: at(0, 1, 3),
      statx: at(0, 1, 2),
      faccessat: at(0, 1),
      faccessat2: at(0, 1, 3),
      inotify_add_watch: { path: 1 },
    }),
    ...uses('look', false, {
      lstat: first,
      readlink: first,
      readlinkat: at(0, 1),
      lgetxattr: first,
      llistxattr: first,
    }),
    ...uses('change', true, {
      truncate: first,
      chmod: first,
      chown: first,
      utime: first,
      utimes: first,
      setxattr: first,
      removexattr: first,
      fchmodat: at(0, 1),
      fchmodat2: at(0, 1, 3),
      fchownat: at(0, 1, 4),
      futimesat: at(0, 1),
      utimensat: at(0, 1, 3),
    }),
    ...uses('change', false, { lchown: first, lsetxattr: first, lremovexattr: first }),
    ...uses('make', false, {
      mkdir: first,
      mkdirat: at(0, 1),
      mknod: first,
      mknodat: at(0, 1),
      symlink: { path: 1 },
      symlinkat: at(1, 2),
      link: { path: 1 },
      linkat: at(2, 3),
    }),
    ...uses('remove', false, {
      rmdir: first,
      unlink: first,
      unlinkat: at(0, 1),
      // The file keeps its first name, and Landlock asks for the same right in both directories.
      link: first,
      linkat: at(0, 1),
      rename: first,
      renameat: at(0, 1),
      renameat2: at(0, 1),
    }),
    // Replaces what is there.
    ...uses('make', false, { rename: { path: 1 }, renameat: at(2, 3), renameat2: at(2, 3) }),
  ]) {
    all.set(name, [...(all.get(name) ?? []), use]);
  }
  return all;
})();

/** Calls whose target may be there already. */
const REPLACES = /^rename/;

/** Calls of which only mounts refuse what Landlock lets through. */
const BY_MOUNTS_ALONE = /^f?l?(?:chmod|chown|utime|setxattr|removexattr)/;

/** What has to be allowed for it. */
export interface Need {
  /** Names of one file. */
  readonly read?: readonly string[];
  /** Names of one file or directory. */
  readonly write?: readonly string[];
}

const NOTHING: Need = {};
const ACCESS = O.O_WRONLY | O.O_RDWR;
/** Without O_DIRECTORY, which is part of the constant. */
const TEMPORARY = O.O_TMPFILE & ~O.O_DIRECTORY;

function toOpen({ names, stats, parent }: Found, flags: number): Need {
  if (stats === undefined) return flags & O.O_CREAT ? { write: [parent] } : NOTHING;
  if (flags & O.O_PATH) return toLook({ names, stats, parent });
  if (flags & TEMPORARY) return { write: names };
  if ((flags & O.O_CREAT && flags & O.O_EXCL) || stats.isSymbolicLink()) return NOTHING;
  if (!(flags & ACCESS || flags & O.O_TRUNC)) return { read: names };
  return stats.isDirectory() ? NOTHING : { write: names };
}

/** A directory is there in every sandbox that lists something in it. */
function toLook({ names, stats }: Found): Need {
  return stats === undefined || stats.isDirectory() ? NOTHING : { read: names };
}

/** What a call needs that uses a path for something; `onlyLandlock` leaves out what only mounts refuse. */
export function needOf(
  call: string,
  purpose: Purpose,
  found: Found,
  flags: number,
  onlyLandlock: boolean,
): Need {
  const { names, stats, parent } = found;
  if (purpose === 'open') return toOpen(found, flags);
  if (purpose === 'execute') return stats === undefined ? NOTHING : { read: names };
  if (purpose === 'look') return onlyLandlock ? NOTHING : toLook(found);
  if (purpose === 'make') {
    return stats === undefined || REPLACES.test(call) ? { write: [parent] } : NOTHING;
  }
  if (stats === undefined) return NOTHING;
  if (purpose === 'remove') return { write: [parent] };
  return onlyLandlock && BY_MOUNTS_ALONE.test(call) ? NOTHING : { write: names };
}

/** Flags of openat2(2) are in memory; creat(2) has none of its own. */
export function openFlags(call: string, flags: number): number {
  return call === 'creat' ? O.O_CREAT | O.O_WRONLY | O.O_TRUNC : flags;
}

/** Whether a call's flags say that a link at the end of the path is not followed. */
export function keepsLink(purpose: Purpose, flags: number): boolean {
  if (purpose !== 'open') return (flags & AT.AT_SYMLINK_NOFOLLOW) !== 0;
  return (flags & O.O_NOFOLLOW) !== 0 || (flags & O.O_CREAT && flags & O.O_EXCL) !== 0;
}
