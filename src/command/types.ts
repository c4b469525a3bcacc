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
export type OptionOf<O, K extends keyof SpawnOptions> = O extends { readonly [_ in K]: infer T }
  ? T
  : K extends keyof O
    ? O[K]
    : undefined;
