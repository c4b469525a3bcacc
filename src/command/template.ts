/**
 * Commands as template literals, without a shell.
 *
 * @module
 */
import { types } from 'node:util';
import { invalid, refused } from '../syscall/check.js';
import { Command } from './command.js';
import { type Description, mergeOptions } from './description.js';
import type { RunOptions } from './options.js';
import { checkStage, Pipeline, type PipelineResult } from './pipeline.js';
import type { Outcome } from './result.js';
import type { Output, OutputOver } from './types.js';

/** A command that runs when it is awaited, each time anew. */
export class ScriptCommand<Out extends Output = string, Bound extends Output = string>
  extends Command<Out>
  implements PromiseLike<Outcome<Out>>
{
  /** The options of the `$` that made it: the stages of `` .pipe`…` `` get them too. */
  readonly #bound: RunOptions;

  /** @internal */
  constructor(file: string, args: readonly string[], options: RunOptions, bound: RunOptions) {
    super(file, args, options);
    this.#bound = bound;
  }

  /** The same command with other options on top. */
  override with<const P extends RunOptions>(options: P): ScriptCommand<OutputOver<Out, P>, Bound> {
    const merged = mergeOptions(this.options, options);
    return new ScriptCommand(this.file, this.args, merged, this.#bound);
  }

  /** Connects its output to the input of `next`. */
  override pipe<Next extends Output>(next: Command<Next>): ScriptPipeline<Next, Out | Next, Bound>;
  /** Connects its output to the input of a template: `` $`sort`.pipe`head -n ${n}` ``. */
  override pipe(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): ScriptPipeline<Bound, Out | Bound, Bound>;
  override pipe(...next: [never, ...unknown[]]): ScriptPipeline<never, never, Bound> {
    return new ScriptPipeline<Out, Out, Bound>([this], this.#bound).pipe(...next) as never;
  }

  /** Runs it, as `run` does, so it can be awaited. */
  // biome-ignore lint/suspicious/noThenProperty: `await $`…`` is what it is for
  then<T = Outcome<Out>, E = never>(
    fulfilled?: ((result: Outcome<Out>) => T | PromiseLike<T>) | null,
    rejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.run().then(fulfilled, rejected);
  }
}

/** A pipeline that runs when it is awaited, each time anew. */
export class ScriptPipeline<
    Out extends Output = string,
    All extends Output = Out,
    Bound extends Output = string,
  >
  extends Pipeline<Out, All>
  implements PromiseLike<PipelineResult<Out, All>>
{
  readonly #bound: RunOptions;

  /** @internal */
  constructor(commands: readonly Description[], bound: RunOptions) {
    super(commands);
    this.#bound = bound;
  }

  /** Adds a command, which reads what the last one writes. */
  override pipe<Next extends Output>(next: Command<Next>): ScriptPipeline<Next, All | Next, Bound>;
  /** Adds a template: `` $`ls`.pipe`sort`.pipe`head -n ${n}` ``. */
  override pipe(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): ScriptPipeline<Bound, All | Bound, Bound>;
  override pipe(
    next: Command<Output> | TemplateStringsArray,
    ...values: unknown[]
  ): ScriptPipeline<never, never, Bound> {
    const stage = isTemplate(next) ? scriptOf(this.#bound, next, values) : checkStage(next);
    return new ScriptPipeline([...this.commands, stage], this.#bound);
  }

  /** Runs it, as its `run` does, so it can be awaited. */
  // biome-ignore lint/suspicious/noThenProperty: `await $`…`.pipe`…`` is what it is for
  then<T = PipelineResult<Out, All>, E = never>(
    fulfilled?: ((result: PipelineResult<Out, All>) => T | PromiseLike<T>) | null,
    rejected?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<T | E> {
    return this.run().then(fulfilled, rejected);
  }
}

/** Makes commands of templates; `Out` is what its options collect. */
export interface Template<Out extends Output = string> {
  /** A command from a template. */
  (strings: TemplateStringsArray, ...values: unknown[]): ScriptCommand<Out, Out>;
  /** The same function with other options on top for all commands that it makes. */
  <const P extends RunOptions>(options: P): Template<OutputOver<Out, P>>;
  /** The same function with other options on top for all commands that it makes. */
  with<const P extends RunOptions>(options: P): Template<OutputOver<Out, P>>;
}

/** Whether a function was called as the tag of a template. */
function isTemplate(value: unknown): value is TemplateStringsArray {
  return Array.isArray(value) && Array.isArray((value as { raw?: unknown }).raw);
}

/** Why a value of a template is not a word, and what to write instead. */
function expectedFor(value: unknown): string {
  if (value === undefined || value === null) return 'a value: [] stands for no argument';
  if (types.isPromise(value) || value instanceof Command || value instanceof Pipeline) {
    return 'awaited before it is used in a template';
  }
  return 'a string, a number, a Result or an array of these';
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
  throw invalid(`\${} number ${index + 1}`, value, expectedFor(value));
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
    if (text === undefined)
      throw refused('$', `cannot hold an invalid escape sequence: ${strings.raw[index]}`);
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

function scriptOf<Out extends Output>(
  options: RunOptions,
  strings: TemplateStringsArray,
  values: readonly unknown[],
): ScriptCommand<Out, Out> {
  const [file, ...args] = parse(strings, values);
  if (file === undefined) throw refused('$', 'needs a program: the template is empty');
  return new ScriptCommand(file, args, options, options);
}

/** `$` with options for all commands that it makes. @internal */
export function templateWith<Out extends Output>(bound: RunOptions): Template<Out> {
  const over = (options: RunOptions): Template<never> => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      const expected = 'a template ($`ls`) or options; for a name in a variable, use command(name)';
      throw invalid('$', options, expected);
    }
    return templateWith(mergeOptions(bound, options));
  };
  const make = (first: TemplateStringsArray | RunOptions, ...values: unknown[]): unknown =>
    isTemplate(first) ? scriptOf(bound, first, values) : over(first);
  return Object.assign(make, { with: over }) as Template<Out>;
}

/**
 * Makes a command of a template: `` $`git log -n ${n} ${paths}` ``. There is no shell: words are
 * split at white space, quotes mean nothing, each `${}` is one argument whatever is in it, and an
 * array is several. Awaiting the command runs it. `$(options)` and `$.with(options)` are the same
 * function for commands with these options.
 *
 * @throws TypeError when the template has no word, or a value that is not a word.
 */
export const $: Template = templateWith({});
