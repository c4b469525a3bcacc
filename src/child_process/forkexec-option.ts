/**
 * The option `forkexec`.
 *
 * @module
 */
import { guard, type Prepared, prepare } from '../command/lifetime.js';
import type { SpawnOptions } from '../command/options.js';
import { launchOptionNames } from '../launch/order.js';
import { checkKeys } from '../launch/values.js';
import { TREE_VARIABLE } from '../process/markers.js';
import type { Process } from '../process/process.js';
import type { DropInOptions } from './options.js';
import type { Request } from './request.js';

const NAMES: readonly string[] = [...launchOptionNames, 'lifetime'];

/** Refuses what is not an option; returns a copy without a prototype. */
export function checkOptions(options: unknown): DropInOptions {
  checkKeys('forkexec', options, NAMES);
  return Object.assign(Object.create(null), options);
}

/** Pairs with the changes of `env`, each of which takes the place of all pairs of its name. */
function changed(pairs: readonly string[], { env, clearEnv }: DropInOptions): readonly string[] {
  const kept = clearEnv ? [] : pairs;
  if (env === undefined) return kept;
  const isKept = (pair: string): boolean => !Object.hasOwn(env, pair.slice(0, pair.indexOf('=')));
  const added = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  return [...kept.filter(isKept), ...added];
}

/** What a launch needs for `lifetime`. */
interface Life {
  readonly options: DropInOptions;
  readonly pairs: readonly string[];
  /** To be called with the process. */
  begin(child: Process): void;
}

/** Works the option into what Node's options say. */
export function withOption({ envPairs }: Request, given: DropInOptions | undefined): Life {
  if (given === undefined)
    return { options: Object.create(null), pairs: envPairs, begin: () => {} };
  const pairs = changed(envPairs, given);
  if (given.lifetime === undefined) return { options: given, pairs, begin: () => {} };
  const prepared: Omit<Prepared, 'defaults'> = prepare(given as SpawnOptions, [
    'null',
    'null',
    'null',
  ]);
  const options: DropInOptions = Object.assign(Object.create(null), prepared.options);
  delete options.lifetime;
  const marker = options.env?.[TREE_VARIABLE];
  const marked = marker === undefined ? pairs : [...pairs, `${TREE_VARIABLE}=${marker}`];
  return { options, pairs: marked, begin: (child) => guard(child, prepared) };
}
