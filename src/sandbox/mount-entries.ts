/**
 * What a process sees as its files: mounts as options.
 *
 * @module
 */
import { checkBoolean, checkInteger, checkString, invalid, refused } from '../syscall/check.js';

/** How a mount may be used. */
interface MountFlags {
  /** Whether nothing can be written. Default: false. */
  readOnly?: boolean | undefined;
  /** Whether device files work. Default: false. */
  devices?: boolean | undefined;
  /** Whether no program in it can be executed. Default: false. */
  noExec?: boolean | undefined;
}

/** A file or tree of this process, with the mounts below it. */
export interface BindMount extends MountFlags {
  /** The file or directory of this process, relative to its working directory. */
  bind: string;
  /** Where it is inside. Default: the same path. */
  to?: string | undefined;
}

/** A new file system in memory. */
export interface TmpfsMount extends MountFlags {
  /** Where it is inside. */
  tmpfs: string;
  /** The most bytes that it holds. Default: half of the memory of the machine. */
  size?: number | undefined;
  /** The permissions of its top directory. Default: 0o755, and 0o1777 for /tmp. */
  mode?: number | undefined;
}

/** A proc(5) of the pid namespace of the process. */
export interface ProcMount {
  /** Where it is inside. */
  proc: string;
}

/** A directory with null, zero, full, random, urandom, tty, and terminals and shm of its own. */
export interface DevMount {
  /** Where it is inside. */
  dev: string;
}

/** Trees on one another: overlayfs, Linux 3.18; in a user namespace 5.11. */
export interface OverlayMount extends MountFlags {
  /** Where it is inside. */
  overlay: string;
  /** The trees of this process, the topmost first. */
  lower: readonly string[];
  /** The tree of this process that takes what is written. Default: nothing can be written. */
  upper?: string | undefined;
  /** An empty directory on the same file system as `upper`, which it takes. */
  work?: string | undefined;
}

/** A new file. */
export interface FileEntry {
  /** Where it is inside. */
  file: string;
  /** What is in it. */
  content: string | Uint8Array;
  /** Its permissions, before the umask. Default: 0o644. */
  mode?: number | undefined;
}

/** A symbolic link. */
export interface SymlinkEntry {
  /** Where it is inside. */
  symlink: string;
  /** Where it leads. */
  to: string;
}

/** An empty directory. */
export interface DirectoryEntry {
  /** Where it is inside. */
  directory: string;
}

/** One entry of the option `mounts`. */
export type MountEntry =
  | BindMount
  | TmpfsMount
  | ProcMount
  | DevMount
  | OverlayMount
  | FileEntry
  | SymlinkEntry
  | DirectoryEntry;

const FLAGS = ['readOnly', 'devices', 'noExec'] as const;

/** The members of each kind; the first names it. */
const KINDS = {
  bind: ['bind', 'to', ...FLAGS],
  tmpfs: ['tmpfs', 'size', 'mode', ...FLAGS],
  proc: ['proc'],
  dev: ['dev'],
  overlay: ['overlay', 'lower', 'upper', 'work', ...FLAGS],
  file: ['file', 'content', 'mode'],
  symlink: ['symlink', 'to'],
  directory: ['directory'],
} as const;

const NAMES = Object.keys(KINDS) as (keyof typeof KINDS)[];

function checkInside(option: string, path: unknown): void {
  checkString(option, path);
  if (!path.startsWith('/')) throw invalid(option, path, 'an absolute path');
  if (path.split('/').includes('..')) throw invalid(option, path, 'a path without ..');
}

function checkSource(option: string, path: unknown): void {
  checkString(option, path);
  if (path === '') throw invalid(option, path, 'a path');
}

function checkEntry(option: string, entry: unknown): void {
  if (Object.prototype.toString.call(entry) !== '[object Object]') {
    throw invalid(option, entry, `an object with one of ${NAMES.join(', ')}`);
  }
  const given = entry as Readonly<Record<string, unknown>>;
  const kinds = NAMES.filter((name) => given[name] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw refused(option, `must have one of ${NAMES.join(', ')}`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || (KINDS[kind] as readonly string[]).includes(name)) continue;
    throw refused(`${option}.${name}`, `is not a member of ${KINDS[kind].join(', ')}`);
  }
  if (kind === 'bind') checkSource(`${option}.bind`, given['bind']);
  else checkInside(`${option}.${kind}`, given[kind]);
  for (const name of FLAGS) {
    if (given[name] !== undefined) checkBoolean(`${option}.${name}`, given[name]);
  }
  checkMembers(option, kind, given);
}

function checkMembers(
  option: string,
  kind: keyof typeof KINDS,
  given: Readonly<Record<string, unknown>>,
): void {
  const { to, size, mode, lower, upper, work, content } = given;
  if (kind === 'bind' && to !== undefined) checkInside(`${option}.to`, to);
  if (kind === 'symlink') checkSource(`${option}.to`, to);
  if (size !== undefined) checkInteger(`${option}.size`, size, 1, Number.MAX_SAFE_INTEGER);
  if (mode !== undefined) checkInteger(`${option}.mode`, mode, 0, 0o7777);
  if (kind === 'file' && typeof content !== 'string' && !(content instanceof Uint8Array)) {
    throw invalid(`${option}.content`, content, 'a string or a Uint8Array');
  }
  if (kind !== 'overlay') return;
  if (!Array.isArray(lower) || lower.length === 0) {
    throw invalid(`${option}.lower`, lower, 'an array of directories');
  }
  for (const [index, path] of lower.entries()) checkSource(`${option}.lower[${index}]`, path);
  if (upper !== undefined) checkSource(`${option}.upper`, upper);
  if (work !== undefined) checkSource(`${option}.work`, work);
  if ((upper === undefined) !== (work === undefined)) {
    throw refused(`${option}.${upper === undefined ? 'work' : 'upper'}`, 'cannot be used alone');
  }
}

export function checkMounts(option: string, mounts: unknown): void {
  if (!Array.isArray(mounts) || mounts.length === 0) {
    throw invalid(option, mounts, 'an array of mounts');
  }
  for (const [index, entry] of mounts.entries()) checkEntry(`${option}[${index}]`, entry);
}

/** Where an entry is inside, without a slash at its end. */
export function targetOf(entry: MountEntry): string {
  let path = '';
  if ('bind' in entry) path = entry.to ?? entry.bind;
  else if ('tmpfs' in entry) path = entry.tmpfs;
  else if ('proc' in entry) path = entry.proc;
  else if ('dev' in entry) path = entry.dev;
  else if ('overlay' in entry) path = entry.overlay;
  else if ('file' in entry) path = entry.file;
  else if ('symlink' in entry) path = entry.symlink;
  else path = entry.directory;
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
