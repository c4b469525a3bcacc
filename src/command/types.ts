/**
 * Types that follow from the options of a command.
 *
 * @module
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import type { ExitStatus } from '../process/status.js';
import type { Terminal } from '../terminal/terminal.js';
import type { RunOptions } from './options.js';

/** No options at all. Not the default of a type parameter, with which functions among the options
 * would get no types from where they stand. */
export type NoOptions = Record<never, never>;

/** What a stream can be collected as. */
export type Output = string | Uint8Array | string[];

/** What a command wrote, as `Out`, and how it ended. */
export interface Outcome<Out extends Output> {
  /** Text, bytes with `encoding: 'buffer'`, or lines; empty where it was not collected. */
  readonly stdout: Out;
  /** As `stdout`. */
  readonly stderr: Out;
  /** How it ended, and what it used. */
  readonly status: ExitStatus;
  /** From right before its birth to its end, milliseconds: as `wallTime` of its usage. */
  readonly durationMs: number;
  /** As a shell would take it. */
  readonly command: string;
  /** Bytes of each stream that `maxBuffer: { keep }` left out; 0 when all were kept. */
  readonly omitted: { readonly stdout: number; readonly stderr: number };
}

/** What `run` collects a stream as; of options that are not known, all that it can be. */
export type OutputOf<O> = OutputOver<string, O>;

/** The same for options on top of others, by which it would be `Out`. */
export type OutputOver<Out, O> = LinesOver<
  EncodingOver<Out, OptionOf<O, 'encoding'>>,
  OptionOf<O, 'lines'>
>;

type EncodingOver<Out, Encoding> = Encoding extends 'buffer'
  ? Uint8Array
  : Encoding extends 'utf8'
    ? Out extends Uint8Array
      ? string
      : Out
    : Out;

type LinesOver<Out, Lines> = Lines extends true
  ? string[]
  : Lines extends false
    ? Out extends string[]
      ? string
      : Out
    : Out;

/** Our end of what the child reads. */
export type WriterOf<T> = T extends 'pipe' ? Writable : T extends 'socket' ? Duplex : null;

/** Our end of what the child writes. */
export type ReaderOf<T> = T extends 'pipe' ? Readable : T extends 'socket' ? Duplex : null;

/** The terminal of a command. */
export type TerminalOf<T> = T extends undefined ? null : Terminal;

/** What an option is with these options: not given is as absent as undefined. */
export type OptionOf<O, K extends keyof RunOptions> =
  Structure<O> extends { readonly [_ in K]: infer T } ? T : K extends keyof O ? O[K] : undefined;

/**
 * The same type, seen by its members: who asks for a `Child` then gets one of any options, as its
 * streams are compared. By the options themselves no two would fit.
 */
type Structure<O> = { [K in keyof O]: O[K] };
