/**
 * Flags that set options of a command, and which of them an error is about.
 *
 * @module
 */
import { type Command, Option } from 'commander';
import type { SpawnOptions } from '../command/options.js';
import type { Flag } from '../launch/attribute.js';
import { order } from '../launch/order.js';
import { Failure } from './exit.js';

/** As the flag of a launch step, for all options of a command. */
export interface CommandFlag extends Omit<Flag<SpawnOptions>, 'apply'> {
  /** May throw a Failure that says what the value must be. */
  apply(options: SpawnOptions, value: string): SpawnOptions;
}

/** What the steps of a launch bring along, by name. */
export const launchFlags: readonly CommandFlag[] = order
  .flatMap(({ flags }) => flags ?? [])
  .map((flag) => ({
    ...flag,
    apply: (options: SpawnOptions, value: string) => ({
      ...options,
      ...flag.apply(options, value),
    }),
  }))
  .sort((a, b) => (a.flags < b.flags ? -1 : 1));

interface Given {
  readonly flag: CommandFlag;
  /** As on the command line: `--umask 027`. */
  readonly shown: string;
  readonly before: SpawnOptions;
  readonly after: SpawnOptions;
}

/** The flags that were given, in their order: of two for the same option the later counts. */
export class GivenFlags {
  options: SpawnOptions = {};
  readonly #given: Given[] = [];

  /** Lets `command` take `flags`, listed in its help under `heading`. */
  offer(command: Command, heading: string, flags: readonly CommandFlag[]): void {
    for (const flag of flags) {
      const description = flag.repeatable ? `${flag.description} (repeatable)` : flag.description;
      const option = new Option(flag.flags, description).helpGroup(heading);
      command.addOption(option);
      command.on(`option:${option.name()}`, (value?: string | null) => {
        const shown = value == null ? `--${option.name()}` : `--${option.name()} ${quote(value)}`;
        this.#add(flag, value ?? '', shown);
      });
    }
  }

  #add(flag: CommandFlag, value: string, shown: string): void {
    const before = this.options;
    try {
      this.options = flag.apply(before, value);
    } catch (error) {
      throw error instanceof Failure ? new Failure(`${shown} ${error.message}`) : error;
    }
    this.#given.push({ flag, shown, before, after: this.options });
  }

  /** In terms of the flags, an error that an option could not be taken. */
  explain(error: Error): Failure {
    const [, path, problem] = OPTION_AND_PROBLEM.exec(error.message) ?? [];
    return path === undefined ? new Failure(error.message) : this.blame(path, problem as string);
  }

  /** In terms of the flags, that the option at `path` has a problem. */
  blame(path: string, problem: string): Failure {
    // The value itself, or the object or list that it is in.
    for (let part = path; part !== ''; part = part.replace(/[.[]?[^.[]*$/, '')) {
      const blamed = this.#given.findLast(({ before, after }) => {
        return !Object.is(valueAt(before, part), valueAt(after, part));
      });
      if (blamed === undefined) continue;
      return new Failure(`${blamed.shown} ${problem} (${blamed.flag.description})`);
    }
    return new Failure(`${path} ${problem}`);
  }
}

/** The messages of src/syscall/check.ts: an option, and what is wrong with it. */
const OPTION_AND_PROBLEM =
  /^(?:The option ')?([\w.[\]]+)'? (must be .*?(?=, not )|(?:cannot|is not available) .*(?=\.$))/s;

/** Whether an error is about the options, before anything was started. */
export function isOptionError(error: unknown): error is Error {
  const { code } = (error ?? {}) as { code?: string };
  return code === 'ERR_INVALID_ARG_VALUE' || code === 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM';
}

function quote(value: string): string {
  return /^[^\s'"]+$/.test(value) ? value : JSON.stringify(value);
}

/** What lies at `'signals.ignore[1]'` in the options. */
function valueAt(options: SpawnOptions, path: string): unknown {
  let value: unknown = options;
  for (const key of path.split(/[.[\]]+/)) {
    if (key !== '') value = (value as Record<string, unknown> | null | undefined)?.[key];
  }
  return value;
}
