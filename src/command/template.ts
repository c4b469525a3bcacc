/**
 * Commands as template literals, without a shell.
 *
 * @module
 */
import { invalid } from '../syscall/check.js';
import { Command, mergeOptions } from './command.js';
import type { RunOptions } from './options.js';
import type { Outcome } from './result.js';
import type { Output, OutputOver } from './types.js';

/** A command that runs when it is awaited, each time anew. */
export class ScriptCommand<Out extends Output = string>
  extends Command<Out>
  implements PromiseLike<Outcome<Out>>
{
  /** The same with other options on top. */
  override with<const P extends RunOptions>(options: P): ScriptCommand<OutputOver<Out, P>> {
    return new ScriptCommand(this.file, this.args, mergeOptions(this.options, options));
  }

  /** Runs it, as `run` does: so it can be awaited. */
  // biome-ignore lint/suspicious/noThenProperty: `await $`…`` is what it is for
  then<T = Outcome<Out>, E = never>(
    fulfilled?: ((result: Outcome<Out>) => T | PromiseLike<T>) | null,
    rejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return (this.run() as Promise<Outcome<Out>>).then(fulfilled, rejected);
  }
}

/** What one `${}` stands for: one word, or several for an array. */
function wordsOf(value: unknown, index: number): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => wordsOf(item, index));
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
  if (typeof value === 'object' && value !== null && 'stdout' in value) {
    const { stdout } = value;
    if (typeof stdout === 'string') return [stdout];
  }
  throw invalid(`\${} number ${index + 1}`, value, 'a string, a number, a Result or an array');
}

/** Joins the end of a word with the first of others: `--name=${value}` is one word. */
function append(words: string[], more: readonly string[], joined: boolean): void {
  const [first, ...rest] = more;
  if (first === undefined) return;
  if (joined && words.length > 0) words.push(`${words.pop()}${first}`);
  else words.push(first);
  words.push(...rest);
}

/** The words of a template: text is split at white space, values never are. */
function parse(strings: TemplateStringsArray, values: readonly unknown[]): string[] {
  const words: string[] = [];
  let joined = false;
  for (const [index, text] of strings.entries()) {
    if (text === undefined) throw invalid('$', strings.raw[index], 'without a wrong escape');
    const parts: string[] = text.split(/\s+/);
    // An empty first part is white space at the beginning, an empty last one at the end.
    append(words, parts[0] === '' ? [] : [parts[0] as string], joined);
    words.push(...parts.slice(1).filter((part) => part !== ''));
    if (index === values.length) break;
    // Nothing but text between a word and a value makes them one.
    const adjacent: boolean = parts.length > 1 ? parts.at(-1) !== '' : text !== '' || joined;
    const more = wordsOf(values[index], index);
    append(words, more, adjacent);
    joined = more.length > 0 || adjacent;
  }
  return words;
}

/**
 * A command from a template: `` $`git log -n ${n} ${paths}` ``. There is no shell: words are split
 * at white space, quotes mean nothing, each `${}` is one argument whatever is in it, and an array is
 * several. Awaiting it runs it.
 *
 * @throws TypeError when there is no word or a value is none.
 */
export function $(strings: TemplateStringsArray, ...values: unknown[]): ScriptCommand {
  const [file, ...args] = parse(strings, values);
  if (file === undefined) throw invalid('$', strings.raw.join(' … '), 'at least one word');
  return new ScriptCommand(file, args, {});
}
