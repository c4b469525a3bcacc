/**
 * Words for a POSIX shell.
 *
 * @module
 */

/** Needs no quotes wherever a word may stand. */
const PLAIN = /^[A-Za-z0-9_%+,./:@-]+$/;

/** Words that mean something to sh where a command may begin. */
const RESERVED = new Set(
  'if then else elif fi do done case esac while until for in function select time coproc'.split(
    ' ',
  ),
);

/** A word that sh reads as `text`. */
function quoteWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A command line that sh would run with the same arguments. */
export function quoteCommand(file: string, args: readonly string[]): string {
  const name = RESERVED.has(file) ? `'${file}'` : quoteWord(file);
  return [name, ...args.map(quoteWord)].join(' ');
}
