/**
 * Words for a POSIX shell.
 *
 * @module
 */

/** Needs no quotes wherever a word may stand. */
const PLAIN = /^[A-Za-z0-9_%+,./:@-]+$/;

/** A word that sh reads as `text`. The first word of a command must not look like `name=value`. */
export function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command line that sh would run with the same arguments. */
export function quoteCommand(file: string, args: readonly string[]): string {
  return [file, ...args].map(quoteWord).join(' ');
}
