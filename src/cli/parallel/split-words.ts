/**
 * A line of words with quotes.
 *
 * @module
 */
import { Failure } from '../exit.js';

const WORD = /\s*((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)/gsy;

/** The words of a text, where quotes and backslashes group as in a shell; nothing is replaced. */
export function parseWords(text: string): string[] {
  const words: string[] = [];
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    end = match.index + match[0].length;
    words.push(
      (match[1] as string).replaceAll(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
        (_, single, double, one) => {
          if (single !== undefined) return single;
          return double === undefined ? one : double.replaceAll(/\\(["\\$`])/g, '$1');
        },
      ),
    );
  }
  if (text.slice(end).trim() !== '') throw new Failure(`a quote is not closed: ${text}`);
  return words;
}
