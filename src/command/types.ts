/**
 * Types that follow from the options of a command.
 *
 * @module
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import type { SpawnOptions } from './options.js';

/** What `run` collects a stream as. */
export type OutputOf<O> = O extends { lines: true }
  ? string[]
  : O extends { encoding: 'buffer' }
    ? Uint8Array
    : string;

/** Our end of what the child reads. */
export type WriterOf<T> = T extends 'pipe' ? Writable : T extends 'socket' ? Duplex : null;

/** Our end of what the child writes. */
export type ReaderOf<T> = T extends 'pipe' ? Readable : T extends 'socket' ? Duplex : null;

/** What an option is with these options: not given is as absent as undefined. */
export type OptionOf<O, K extends keyof SpawnOptions> =
  Structure<O> extends { readonly [_ in K]: infer T } ? T : K extends keyof O ? O[K] : undefined;

/**
 * The same type, seen by its members: who asks for a `Child` then gets one of any options, as its
 * streams are compared. By the options themselves no two would fit.
 */
type Structure<O> = { [K in keyof O]: O[K] };
