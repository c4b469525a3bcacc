// What system calls return to a child, by the helper calls.c.

import { type RunOptions, run } from '#dist/index.js';
import { SYS, type SyscallName } from '#dist/syscall/constants.js';
import { errorName } from '#dist/syscall/errors.js';
import { helper } from './state.js';

/**
 * An argument: a number, text, bytes, a buffer of so many zeros, a filter in BPF, or the result of an
 * earlier call.
 */
export type CallArgument =
  | number
  | bigint
  | string
  | Uint8Array
  | { readonly zeros: number }
  | { readonly filter: Uint8Array }
  | { readonly result: number };

export type Call = readonly [name: SyscallName | number, ...args: readonly CallArgument[]];

function wordOf(argument: CallArgument): string {
  if (typeof argument === 'string') return `s:${argument}`;
  if (argument instanceof Uint8Array) return `h:${Buffer.from(argument).toString('hex')}`;
  if (typeof argument !== 'object') return String(argument);
  if ('filter' in argument) return `f:${Buffer.from(argument.filter).toString('hex')}`;
  return 'zeros' in argument ? `b:${argument.zeros}` : `$${argument.result}`;
}

/** The words of the helper's command line. */
export function callWords(calls: readonly Call[]): string[] {
  return calls.flatMap(([name, ...args], index) => [
    ...(index === 0 ? [] : [',']),
    String(typeof name === 'number' ? name : SYS[name]),
    ...args.map(wordOf),
  ]);
}

/** What a child with these options gets: a number, or the name of an errno. */
export async function resultsOf(
  calls: readonly Call[],
  options: RunOptions = {},
  program: string = helper('calls'),
): Promise<(number | string)[]> {
  const { stdout } = await run(program, callWords(calls), options as { encoding: 'utf8' });
  const results = JSON.parse(stdout) as number[];
  return results.map((result) => (result < 0 ? errorName(-result) : result));
}

/** As `resultsOf`, and what succeeded is `'ok'`. */
export async function outcomesOf(
  calls: readonly Call[],
  options: RunOptions = {},
): Promise<string[]> {
  const results = await resultsOf(calls, options);
  return results.map((result) => (typeof result === 'string' ? result : 'ok'));
}
