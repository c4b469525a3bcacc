/**
 * Where execvp(3) looks for a program: what libuv calls.
 *
 * @module
 */

const DEFAULT_PATH = '/bin:/usr/bin';

/** The first of its name, as getenv(3) finds it. */
function variableOf(pairs: readonly string[], name: string): string | undefined {
  const start = `${name}=`;
  return pairs.find((pair) => pair.startsWith(start))?.slice(start.length);
}

/**
 * The paths to try, in this order. Relative ones count from the working directory of the child, which
 * is also what an empty entry stands for.
 */
export function pathsOf(file: string, pairs: readonly string[], path?: string): string[] {
  if (file === '' || file.includes('/')) return [file];
  const search = path ?? variableOf(pairs, 'PATH') ?? DEFAULT_PATH;
  return search.split(':').map((entry) => (entry === '' ? file : `${entry}/${file}`));
}
