/**
 * Whether the runtime permits a launch.
 *
 * @module
 */
import { resolve } from 'node:path';
import { checkRun, permitsByPath } from '../syscall/permission.js';
import type { Draft } from './attribute.js';
import { environmentOf, workingDirectory } from './environ.js';
import { candidatesOf, searchPath } from './image.js';
import type { LaunchOptions } from './order.js';
import { isExecutable } from './reason.js';

/** The path that execve will take; undefined where that can't be told, or is not all that matters. */
function pathOf({ file, options, search }: Draft<LaunchOptions>): string | undefined {
  const { chroot, execFd, mounts, namespaces } = options;
  const isElsewhere = (chroot ?? execFd ?? mounts ?? namespaces?.mount) !== undefined;
  // The dynamic linker loads code that these name: Deno asks for --allow-run without a list too.
  const hasOtherCode = Object.keys(options.env ?? {}).some((name) => name.startsWith('LD_'));
  if (isElsewhere || hasOtherCode) return undefined;
  const isSearched = search !== false && !file.includes('/');
  if (!isSearched) {
    const cwd = workingDirectory({ cwd: options.cwd ?? '' });
    return cwd === undefined ? undefined : resolve(cwd, file);
  }
  const paths = candidatesOf(file, searchPath(options, environmentOf(options)));
  return paths.find(isExecutable) ?? file;
}

/** Throws the runtime's own error if it does not permit to start or to become the program. */
export function checkPermission(draft: Draft<LaunchOptions>): void {
  checkRun(draft.file, permitsByPath ? pathOf(draft) : undefined);
}
