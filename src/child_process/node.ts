/**
 * Node's own module, and what of its inside is used.
 *
 * Node's functions check the arguments, make the streams and the message channel, emit the events and
 * make the errors. What they call to start a program is a method of an internal object, the handle of
 * the child. That method is what this library replaces: see handle.ts.
 *
 * @module
 */
import type * as childProcess from 'node:child_process';
import { createRequire } from 'node:module';

/** The members of the module that its types do not have, too. */
export type NodeModule = typeof childProcess & { readonly _forkChild: unknown };

/** The handle of a child, as Node makes it for each ChildProcess. */
export interface ProcessHandle {
  pid?: number;
  /** Looked up when the child has ended. */
  onexit(code: number | null, signal: string): void;
  spawn(...args: unknown[]): number;
  kill(signal: number): number;
  close(callback?: () => void): void;
  ref(): void;
  unref(): void;
  hasRef(): boolean;
}

/** A handle of a stream: `Pipe`, `TCP`, `TTY`. */
export interface StreamHandle {
  readonly fd?: number;
  open(fd: number): number;
  close(): void;
}

/** One entry of `stdio`, as Node's functions hand it to the handle. */
export interface StdioEntry {
  readonly type: 'pipe' | 'overlapped' | 'ignore' | 'inherit' | 'fd' | 'wrap';
  readonly handle?: StreamHandle;
  readonly fd?: number;
  /** A pipe for messages. */
  readonly ipc?: boolean;
  /** What a synchronous run writes to the child. */
  readonly input?: ArrayBufferView;
}

interface Loader {
  getBuiltinModule?(name: string): unknown;
}

/**
 * Not by an import where that can be helped: a program may have a hook that gives this module to
 * everybody who imports Node's.
 */
function load(): NodeModule {
  const name = 'node:child_process';
  const built = (process as Loader).getBuiltinModule?.(name);
  return (built ?? createRequire(import.meta.url)(name)) as NodeModule;
}

export const node: NodeModule = load();

/** The object that holds the methods of all handles of children; undefined where there is none. */
export function handlePrototype(): ProcessHandle | undefined {
  const { ChildProcess } = node as { ChildProcess: new () => { _handle?: ProcessHandle } };
  const handle = typeof ChildProcess === 'function' ? new ChildProcess()._handle : undefined;
  if (typeof handle?.spawn !== 'function' || typeof handle.close !== 'function') return undefined;
  return Object.getPrototypeOf(handle) as ProcessHandle;
}

/** The object whose `spawn` runs a program while the event loop waits; undefined where there is none. */
export interface SyncBinding {
  spawn(options: object): object;
}

interface WithBinding {
  binding?(name: string): unknown;
  noDeprecation?: boolean | undefined;
}

/**
 * Undefined where Node keeps it to itself, as it does with --permission. A program that is run with
 * --pending-deprecation is to be warned of its own uses of `process.binding`, not of this one.
 */
export function syncBinding(): SyncBinding | undefined {
  const inside = process as WithBinding;
  const own = Object.getOwnPropertyDescriptor(process, 'noDeprecation');
  inside.noDeprecation = true;
  try {
    const binding = inside.binding?.('spawn_sync') as SyncBinding | undefined;
    return typeof binding?.spawn === 'function' ? binding : undefined;
  } catch {
    return undefined;
  } finally {
    if (own === undefined) delete inside.noDeprecation;
    else Object.defineProperty(process, 'noDeprecation', own);
  }
}
