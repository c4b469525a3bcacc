/**
 * Which file of a program a policy of Landlock leaves out.
 *
 * @module
 */
import { realpathSync } from 'node:fs';
import type { Layer } from './landlock-policy.js';
import { bitsOf, FILE_RIGHTS, type LandlockFileRight } from './landlock-rights.js';

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function covers(directory: string, path: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** The rights of `needed` that a layer does not give for a file. */
function missingIn({ files, paths }: Layer, path: string, needed: number): number {
  let missing = needed & files;
  for (const rule of paths) {
    const real = realPath(rule.path);
    if (real !== undefined && covers(real, path)) missing &= ~rule.access;
  }
  return missing;
}

const NEEDED: readonly LandlockFileRight[] = ['execute', 'readFile'];

/** Why Landlock lets no process execute a file; undefined where it does. */
export function policyDenial(path: string, layers: readonly Layer[]): string | undefined {
  const real = realPath(path);
  if (real === undefined) return undefined;
  for (const layer of layers) {
    const missing = missingIn(layer, real, bitsOf(FILE_RIGHTS, NEEDED));
    if (missing === 0) continue;
    const rights = NEEDED.filter((right) => missing & FILE_RIGHTS[right].bit).join(' and ');
    const target = real === path ? '' : `, a link to ${JSON.stringify(real)}`;
    const which = `${JSON.stringify(path)}${target}`;
    return `the Landlock policy does not allow ${rights} of ${which}, which this process may execute`;
  }
  return undefined;
}
