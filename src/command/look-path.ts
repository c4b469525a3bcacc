/**
 * Finding a program without running it.
 *
 * @module
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { workingDirectory } from '../launch/environ.js';
import { LaunchError } from '../launch/error.js';
import { candidatesOf, searchPath } from '../launch/image.js';
import { takeOptions } from '../launch/values.js';
import { attempt } from '../syscall/call.js';
import { checkString, invalid } from '../syscall/check.js';
import { AT, E } from '../syscall/constants.js';

/** Whether it is a file that may be executed; the errno that says why not, or 0. */
function whyNot(path: string): number {
  try {
    if (!statSync(path).isFile()) return E.EACCES;
    // Deno's access looks at the mode alone, not at a file system without execution.
    const errno = -attempt('faccessat', AT.AT_FDCWD, path, constants.X_OK);
    if (errno !== E.ENOSYS) return Math.max(errno, 0);
    accessSync(path, constants.X_OK);
    return 0;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return (E as Readonly<Record<string, number>>)[code ?? ''] ?? E.EACCES;
  }
}

/**
 * The path of the program that `spawn` would run for `file`: the first executable of that name in
 * PATH, or `file` itself if there is a slash in it, made absolute. `path` is instead of PATH, and
 * `cwd` where a `file` with a slash is looked for; default: the working directory of this process.
 *
 * @throws LaunchError ENOENT with the paths in `searched`; EACCES if there is one that may not run.
 */
export function lookPath(file: string, given: { path?: string; cwd?: string } = {}): string {
  const options = takeOptions('', given, ['path', 'cwd']);
  checkString('file', file);
  if (file === '') throw invalid('file', file, 'a path or the name of a program');
  const { cwd = '' } = options;
  checkString('cwd', cwd);
  if (options.path !== undefined) checkString('path', options.path);
  const candidates = candidatesOf(file, searchPath(options));
  const place = { root: '/', cwd: workingDirectory({ cwd }), identity: {} };
  let errno: number = E.ENOENT;
  let blamed = file;
  for (const candidate of candidates) {
    // In a removed directory a relative path can't be made absolute, and finds nothing.
    const path = place.cwd === undefined ? candidate : resolve(place.cwd, candidate);
    const reason = whyNot(path);
    if (reason === 0) return path;
    if (file.includes('/'))
      errno = reason; // what spawn would say of it
    else if (!existsSync(path)) continue; // nor can it be told in a directory that may not be searched
    if (errno !== E.ENOENT || reason === E.ENOENT || reason === E.ENOTDIR) continue;
    errno = reason;
    blamed = path;
  }
  const searched = file.includes('/') ? undefined : candidates;
  throw new LaunchError({ name: 'execve', argument: blamed }, errno, file, [], searched, place);
}
