/**
 * Items as words for a shell.
 *
 * @module
 */
import { Failure } from '../exit.js';

/** A word that a POSIX shell reads as `text`, quoted as GNU parallel quotes it. */
export function quoteItem(text: string): string {
  if (text === '') return "''";
  if (/^[-_.+a-zA-Z0-9/]+$/.test(text)) return text;
  const quoted = `'${text.replaceAll("'", `'"'"'`)}'`;
  return quoted.replace(/^''/, '').replace(/''$/, '');
}

/** Words that are operators to a shell, where they stand alone. */
const OPERATOR = /^(?:\|\|?|&&?|;|\|&|\d*(?:>|>>|<|<<|<<<|<>|>\||>&|<&|&>|&>>)|\d*>&\d+)$/;

/** Refuses a command of several words in which an operator of the shell stands alone. */
export function refuseOperators(words: readonly string[]): void {
  const operator = words.find((word) => OPERATOR.test(word));
  if (operator === undefined) return;
  throw new Failure(
    `'${operator}' among several words is an argument of the program, since no shell reads them. ` +
      `Write the command as one word: 'program {} ${operator} …', or use --shell, which joins the words`,
  );
}

/** The program and arguments that run shell code: on this machine by $SHELL, elsewhere by that of the user there. */
export function shellCommand(code: string, isHere: boolean): [file: string, ...args: string[]] {
  if (isHere) return [process.env['SHELL'] || '/bin/sh', '-c', code];
  return ['/bin/sh', '-c', `exec "\${SHELL:-/bin/sh}" -c "$1"`, 'sh', code];
}

const FUNCTIONS = 'FORKEXEC_FUNCTIONS';

/** Gives this process the functions back that bash has exported and the shell of the launcher dropped. */
export function restoreFunctions(): void {
  for (const entry of (process.env[FUNCTIONS] ?? '').split('\x01')) {
    const [, name, value] = /^(BASH_FUNC_[^=]*)=(.*)$/s.exec(entry) ?? [];
    if (name !== undefined) process.env[name] ??= value;
  }
  delete process.env[FUNCTIONS];
}
