/**
 * The paths of a sandbox, and what they lead to.
 *
 * @module
 */
import { readlinkSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { refused } from '../syscall/check.js';

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
    try {
      return { option, path, real: realpathSync.native(path) };
    } catch {
      throw refused(option, `does not exist: ${JSON.stringify(given)}`);
    }
  });
}

/** What programs read to look up names. */
export const RESOLVER: readonly string[] = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/gai.conf',
];

export function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
