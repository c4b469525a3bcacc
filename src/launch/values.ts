/**
 * Values of several attributes: how they are checked, how the kernel takes them, and how the
 * command line writes them.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { argumentError, invalid } from '../syscall/check.js';
import { nearest } from './near-miss.js';
import { OTHER_NAMES } from './other-names.js';

/**
 * Whether a value can hold options. Others have no keys, so what is in them would be dropped: a
 * promise, set, generator, regular expression, date or error.
 */
export function isBag(value: unknown): value is object {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  const { then, [Symbol.iterator]: iterator } = value as Record<PropertyKey, unknown>;
  return typeof then !== 'function' && iterator === undefined;
}

/** What something has put on all objects, where a loop finds it. */
function pollution(): string[] {
  const keys: string[] = [];
  for (const key in {}) keys.push(key);
  return keys;
}

/** Options whose keys are names of the user's: none of them is an option. */
const MAPS = ['env', 'fds'];

function shadowed(value: unknown, inherited: readonly string[], isMap = false): unknown {
  if (Array.isArray(value)) return value.map((each) => shadowed(each, inherited));
  if (!isBag(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const own = Object.entries(value).map(([key, each]) => {
    return [key, shadowed(each, inherited, MAPS.includes(key))] as const;
  });
  const hidden = isMap ? [] : inherited.map((key) => [key, undefined] as const);
  return Object.fromEntries([...hidden, ...own]);
}

/**
 * Options as they were given by name: what an object inherits is none, least of all what has come to be
 * on Object.prototype, where it would be an option of every launch. It is hidden by undefined, which goes
 * along when the options are copied.
 */
export function ownOptions<T extends object>(options: T): T {
  if (!isBag(options)) return options;
  const inherited = pollution();
  const prototype: unknown = Object.getPrototypeOf(options);
  const own = prototype === Object.prototype || prototype === null ? options : { ...options };
  return inherited.length === 0 ? own : (shadowed(own, inherited) as T);
}

/** Of the long lists of names that there are. */
const sets = new WeakMap<readonly string[], ReadonlySet<string>>();

function setOf(keys: readonly string[]): ReadonlySet<string> {
  const known = sets.get(keys);
  if (known !== undefined) return known;
  const set = new Set(keys);
  sets.set(keys, set);
  return set;
}

/**
 * Refuses unknown keys: a misspelt option would silently leave out the restriction that was meant.
 *
 * @param option The name of the object; empty for the options themselves.
 */
export function checkKeys(option: string, value: unknown, keys: readonly string[]): void {
  if (!isBag(value)) throw invalid(option || 'options', value, 'an object');
  const known = keys.length > 8 ? setOf(keys) : undefined;
  for (const key of Object.keys(value)) {
    if (
      (known === undefined ? keys.includes(key) : known.has(key)) ||
      value[key as keyof typeof value] === undefined
    )
      continue;
    const path = option === '' ? '' : `${option}.`;
    let hint = option === '' ? '' : ` ${option} takes ${keys.join(', ')}.`;
    const similar = nearest(key, keys);
    if (similar !== undefined) hint = ` Did you mean '${path}${similar}'?`;
    const own = option === '' ? OTHER_NAMES.get(key) : undefined;
    if (own !== undefined) hint = ` Use ${own} instead.`;
    throw argumentError(`Unknown option '${path}${key}'.${hint}`);
  }
}

/** The options of a public function: own properties, with unknown keys refused. */
export function takeOptions<T extends object>(
  option: string,
  given: T,
  keys: readonly string[],
): T {
  const options = ownOptions(given);
  checkKeys(option, options, keys);
  return options;
}

/** Bytes of a struct for `ProgramBuilder.words`. */
export function toWords(bytes: Uint8Array): bigint[] {
  const padded = new Uint8Array((bytes.length + 7) & ~7);
  padded.set(bytes);
  return [...new BigUint64Array(padded.buffer)];
}

/** A number as people write it on a command line; NaN, which no option takes, for anything else. */
export function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** What a file says; `otherwise` if it can't be read. */
export function numberIn(path: string, otherwise: number): number {
  try {
    return Number(readFileSync(path, 'latin1'));
  } catch {
    return otherwise;
  }
}

export function getuid(): number {
  return process.getuid?.() ?? 0;
}

export function getgid(): number {
  return process.getgid?.() ?? 0;
}

/** `1,2`; nothing for an empty text. */
export function toList(text: string): string[] {
  return text === '' ? [] : text.split(',');
}
