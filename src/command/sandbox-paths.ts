/**
 * The paths of a sandbox, and what they lead to.
 *
 * @module
 */
import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { attempt } from '../syscall/call.js';
import { refused } from '../syscall/check.js';
import { AT, E } from '../syscall/constants.js';

/** A path of the policy as it was given, and what it leads to. */
export interface Listed {
  readonly option: string;
  readonly path: string;
  readonly real: string;
}

export function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

export function covers(listed: readonly Listed[], path: string): boolean {
  return listed.some(({ real }) => isBelow(path, real));
}

/** Descriptors of the child: what these lead to is another file for each process. */
export const OWN: RegExp = /^\/dev\/(?:std(?:in|out|err)|fd(?:\/\d+)?)$/;

export function listed(name: 'read' | 'write', paths: readonly string[] = []): Listed[] {
  const known = new Map<string, string>();
  return paths.map((given, index) => {
    const option = `sandbox.${name}[${index}]`;
    const path = resolve(given);
    if (OWN.test(path)) return { option, path, real: path };
    if (/^\/proc\/(?:thread-)?self(?:\/|$)/.test(path)) {
      throw refused(
        option,
        'cannot be below /proc/self, which differs for each process. List /proc',
      );
    }
    const real = realPathWith(path, known);
    if (real !== undefined) return { option, path, real };
    throw refused(option, `does not exist: ${JSON.stringify(given)}`);
  });
}

/** What programs read to look up names. */
export const RESOLVER: readonly string[] = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/gai.conf',
];

/** What a path leads to; undefined for one that is not there. */
export function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}

const target = Buffer.alloc(256);

/** Links one after the other that are followed here; the kernel follows more, and finds those in a circle. */
const FEW_LINKS = 4;

/** What a link leads to; `length` is that of its text, or -errno. */
function linkedPath(
  path: string,
  directory: string,
  length: number,
  known: Map<string, string>,
  links: number,
): string | undefined {
  if (length <= 0 || length >= target.length || links === FEW_LINKS) return realPath(path);
  const text = target.toString('utf8', 0, length);
  // What goes up, or may be no UTF-8, is left to the kernel.
  if (/(?:^|\/)\.\.?(?:\/|$)|\/$|\ufffd/.test(text)) return realPath(path);
  return realPathWith(resolve(directory, text), known, links + 1);
}

/**
 * As `realPath` of an absolute path without `.` and `..`, with a quarter of the calls: directories are looked at
 * once for all the paths that lie in them.
 */
function realPathWith(path: string, known: Map<string, string>, links = 0): string | undefined {
  const before = known.get(path);
  if (path === '/' || before !== undefined) return before ?? path;
  const directory = realPathWith(dirname(path), known, links);
  if (directory === undefined) return undefined;
  const name = join(directory, basename(path));
  const length = attempt('readlinkat', AT.AT_FDCWD, name, target, target.length);
  // EINVAL: it is there, and is no link. Most links lead into a directory that is known by now.
  const real = length === -E.EINVAL ? name : linkedPath(path, directory, length, known, links);
  if (real !== undefined) known.set(path, real);
  return real;
}

export function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
