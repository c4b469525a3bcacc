/**
 * What a launch is asked for with.
 *
 * @module
 */
import type { StdioEntry } from './node.js';

/** A launch that was asked for. */
export interface Request {
  readonly file: string;
  /** With argv[0]. */
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** `NAME=value`. */
  readonly envPairs: readonly string[];
  readonly stdio: readonly StdioEntry[];
  readonly detached: boolean;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** As up to Node 25, and as a synchronous run has them. */
export interface RequestOptions {
  readonly file: unknown;
  readonly args?: unknown;
  readonly cwd?: unknown;
  readonly envPairs?: unknown;
  readonly stdio: readonly StdioEntry[];
  readonly detached?: unknown;
  readonly uid?: unknown;
  readonly gid?: unknown;
}

/** What Node's functions hand over for a synchronous run. */
export interface SyncOptions extends RequestOptions {
  readonly timeout?: number | undefined;
  readonly maxBuffer?: number | undefined;
  readonly killSignal?: number | undefined;
}

/** A string as Node's C++ makes one: a Symbol throws there too. */
function text(value: unknown): string {
  return `${value as string}`;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

function id(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

export function toRequest(options: RequestOptions): Request {
  const { cwd } = options;
  return {
    file: text(options.file),
    args: texts(options.args),
    cwd: cwd === undefined || cwd === null || text(cwd) === '' ? undefined : text(cwd),
    envPairs: texts(options.envPairs),
    stdio: options.stdio,
    detached: Boolean(options.detached),
    uid: id(options.uid),
    gid: id(options.gid),
  };
}
