// The cases of all attributes.

import { readdirSync } from 'node:fs';
import type { ProcessAttributes } from '#dist/process/index.js';
import type { Cases, OptionCase } from './cases.js';
import type { State } from './state.js';

const folder = new URL('../launch/cases/', import.meta.url);

/** By the name under which the attribute is exported, and the file it is in. */
export const allCases: ReadonlyMap<string, { cases: Cases; file: string }> = new Map(
  await Promise.all(
    readdirSync(folder)
      .filter((file) => file.endsWith('.js'))
      .sort()
      .map(async (file) => {
        const exports = (await import(new URL(file, folder).href)) as Record<string, Cases>;
        return Object.entries(exports).map(([name, cases]) => [name, { cases, file }] as const);
      }),
  ).then((lists) => lists.flat()),
);

const options: [string, OptionCase<unknown>][] = [...allCases.values()].flatMap(({ cases }) =>
  Object.entries(cases.options as Record<string, OptionCase<unknown>>),
);

/** The case of each option. */
export const optionCases: Readonly<Record<string, OptionCase<unknown>>> =
  Object.fromEntries(options);

/** Calls `use` with samples of these options. */
export async function withSamples(
  names: readonly string[],
  use: (options: Record<string, unknown>) => Promise<void>,
): Promise<void> {
  const [name, ...rest] = names;
  if (name === undefined) return use({});
  const { sample, withSample = (next) => next(sample) } = optionCases[name] as OptionCase<unknown>;
  await withSample((value) => withSamples(rest, (others) => use({ [name]: value, ...others })));
}

/** The flags of the command that come to a sample. */
export function flagsOf(name: string, sample: unknown): readonly string[] {
  const { flags } = optionCases[name] as OptionCase<unknown>;
  return typeof flags === 'function' ? flags(sample) : flags;
}

/** That a child is as these options say, and else as usual. */
export function assertFound(state: State, wanted: ProcessAttributes, usual: State): void {
  for (const { cases } of allCases.values()) cases.found?.(state, wanted, usual);
}
