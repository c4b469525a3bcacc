/**
 * What Node, Bun and Deno do differently, by what it means to this library. No other file asks which
 * runtime this is.
 *
 * @module
 */

/** What is used of Deno. */
interface Deno {
  /** For which system it was built: `'x86_64-unknown-linux-gnu'`. */
  readonly build: { readonly target: string };
  readonly permissions: {
    requestSync(descriptor: { name: 'run'; command?: string }): { readonly state: string };
  };
  readonly errors: Readonly<Record<string, (new (message: string) => Error) | undefined>>;
}

const isBun = process.versions['bun'] !== undefined;
const isDeno = process.versions['deno'] !== undefined;

/** Taken when this is loaded, before a program could put another in its place. */
export const deno: Deno | undefined = isDeno ? (globalThis as { Deno?: Deno }).Deno : undefined;

/**
 * Whether handlers of signals stay once they are set, run on a thread of their own, and end the process
 * where there is no listener: Deno's.
 */
export const keepsHandlers: boolean = isDeno;

/** Whether hrtime counts on its own: Deno's calls whatever performance.now is at the time. */
export const hasHrtime: boolean = !isDeno;

/** Whether what JavaScript sets in process.env is set in the C library's environment: not in Bun's. */
export const writesEnviron: boolean = !isBun;

/** Whether process.env refuses a symbol as long as nothing was assigned to it: Deno's takes symbols. */
export const envRefusesSymbols: boolean = !isDeno;

/**
 * Whether close-on-exec tells the descriptors of the runtime from those that it was passed: Node and Bun
 * set the flag on both.
 */
export const marksOwnDescriptors: boolean = isDeno;

/** Whether `process` emits 'removeListener': Bun's does not. */
export function emitsRemovals(): boolean {
  let said = false;
  const hear = (): void => {
    said = true;
  };
  process.on('removeListener', hear);
  process.on('forkexec', hear).off('forkexec', hear);
  process.off('removeListener', hear);
  return said;
}

/** What Bun's standard streams write through: the streams themselves say that nothing waits. */
interface Sink {
  flush(): number | Promise<number>;
}

export function sinkOf(stream: object): Sink | undefined {
  const keys = Object.getOwnPropertySymbols(stream);
  const key = keys.find(({ description }) => description === 'kWriteStreamFastPath');
  const sink: unknown = key === undefined ? undefined : Reflect.get(stream, key);
  return typeof (sink as Sink | undefined)?.flush === 'function' ? (sink as Sink) : undefined;
}
