/**
 * The native addon: loads it once for this JavaScript thread, and hands its completions to their
 * handlers.
 *
 * @module
 */
import { loadAddon } from './load-addon.js';
import { ROW } from './protocol.js';
import { queueMicrotask } from './time.js';

/** The number of a descriptor that the watcher watches. */
export type NativeChannel = number & { readonly __channel: unique symbol };

/** The number of a fork lock that is held or waited for. */
export type NativeLock = number & { readonly __lock: unique symbol };

/** What a system call takes; `native/arguments.h` says how. */
export type NativeArgument =
  | number
  | bigint
  | string
  | ArrayBufferView
  | null
  | undefined
  | readonly (string | null)[];

/** What the addon exports. The comments in native/bind_*.c say what each function does. */
interface Addon {
  initialize(callback: (rows: number) => void, mailbox: Float64Array): void;
  ref(): void;
  unref(): void;
  launch(
    program: Uint8Array,
    size: number,
    token: number,
    closeFds: Int32Array | undefined,
    watch: number,
    traced: boolean,
    sync: boolean,
  ): number;
  launchHere(
    program: Uint8Array,
    size: number,
    token: number,
    closeFds: Int32Array | undefined,
    watch: number,
  ): number;
  awaitLaunch(token: number, milliseconds: number): boolean;
  cancelLaunch(token: number, errno: number): number;
  limitLaunchers(most: number): void;
  openChannel(fd: number, owned: boolean, token: number): NativeChannel;
  armChannel(channel: NativeChannel, events: number): number;
  takeChannel(channel: NativeChannel, into: Uint8Array, last: boolean): number;
  closeChannel(channel: NativeChannel, other: number): void;
  hasClone3(): boolean;
  vforkSharesMemory(): boolean;
  signalChild(token: number, signal: number, toGroup: boolean): number;
  pinChild(token: number, unreaped: boolean): number;
  unpinChild(token: number): void;
  exitDescriptor(token: number, pid: number): number;
  reapChild(token: number, info: Uint8Array, options: number, rusage: Uint8Array): number;
  openStdio(): number;
  signalMask(): bigint;
  copyEnvironment(
    buffer: Uint8Array,
    offset: number,
    result: Int32Array,
    without: Uint8Array,
  ): boolean;
  exec(program: Uint8Array, size: number): [step: number, errno: number];
  rawSyscall(number: number, ...args: readonly NativeArgument[]): number | bigint;
  asyncSyscall(
    token: number,
    how: number,
    number: number,
    ...args: readonly NativeArgument[]
  ): number;
  openOwned(pair: number, number: number, ...args: readonly NativeArgument[]): number;
  closeOwned(fd: number): void;
  disown(fd: number): void;
  sysconf(name: number): number;
  monotonicTime(): number;
  setIdentity(what: number, ids: Uint32Array): number;
  watchSignal(number: number, token: number): number;
  unwatchSignal(number: number, token: number): number;
  flushSignals(): void;
  renewSignal(number: number, listening: boolean, kept: boolean): number;
  setBelow(number: number, how: number): number;
  sharesHandler(number: number, other: number): boolean;
  blockSignals(set: bigint, block: boolean): number;
  signalAction(number: number): number;
  /** The address of a signal handler that does nothing, and of its restorer: 0 where it needs none. */
  idleHandler(): number;
  idleRestorer(): number;
  setSignalAction(number: number, ignored: boolean): number;
  sendMessage(fd: number, bytes: Uint8Array, fds: Int32Array | undefined, flags: number): number;
  receiveMessage(fd: number, bytes: Uint8Array, result: Int32Array, flags: number): number;
  setSocketBuffers(fd: number, send: number, receive: number): number;
  acquireLock(write: boolean, token: number): number;
  releaseLock(lock: NativeLock): void;
  /** Set by the first copy of this module that loaded the addon on this thread. */
  completions?: Completions;
}

/** How many completions the addon reports at a time. */
const ROWS = 64;

/** What happened, as numbers of `row` from index `at` on; valid only during the call. */
export type CompletionHandler = (row: Float64Array, at: number) => void;

/** The handlers of completions, and whether the event loop waits for them. */
export class Completions {
  readonly mailbox: Float64Array = new Float64Array(ROW.size * ROWS);
  readonly #handlers = new Map<number, CompletionHandler>();
  readonly #addon: Addon;
  #lastToken = 0;
  #awaited = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
    addon.initialize((rows) => this.#dispatch(rows), this.mailbox);
  }

  /** A number to give to the addon; `handler` gets what comes back with it. */
  register(handler: CompletionHandler): number {
    this.#lastToken += 1;
    this.#handlers.set(this.#lastToken, handler);
    return this.#lastToken;
  }

  forget(token: number): void {
    this.#handlers.delete(token);
  }

  /** From here to `release` the event loop stays alive. */
  retain(): void {
    if (this.#awaited++ === 0) this.#addon.ref();
  }

  release(): void {
    if (--this.#awaited === 0) this.#addon.unref();
  }

  #dispatch(rows: number): void {
    // A handler may run code that launches or takes signals now, and so writes to the mailbox.
    const mailbox = rows === 1 ? this.mailbox : this.mailbox.slice(0, rows * ROW.size);
    for (let at = 0; at < rows * ROW.size; at += ROW.size) {
      const handler = this.#handlers.get(mailbox[at + ROW.token] as number);
      try {
        handler?.(mailbox, at);
      } catch (error) {
        // A mistake in one handler must not cost other handlers their completion.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

type Module = Addon & { readonly default?: Addon };

let loaded: Addon | undefined;

/** For tests: how many threads may launch at once, instead of one for each processor. */
function limitLaunchers(addon: Addon): void {
  const most = Number(process.env['FORKEXEC_LAUNCHING_THREADS']);
  if (Number.isInteger(most) && most > 0) addon.limitLaunchers(most);
}

/** Loads the addon when it is first needed, so that an import alone takes no time for it. */
function load(): Addon {
  if (loaded !== undefined) return loaded;
  const module = loadAddon() as Module;
  // Some bundlers give a namespace, whose default is what the addon exports.
  loaded = module.default ?? module;
  if (loaded.completions === undefined) limitLaunchers(loaded);
  loaded.completions ??= new Completions(loaded);
  Object.assign(native, loaded);
  return loaded;
}

/** Stands behind the functions as long as there are none. */
const unloaded: object = new Proxy(Object.create(null), {
  get(_, name: string) {
    load();
    return Object.hasOwn(native, name) ? native[name as keyof Addon] : undefined;
  },
});

/** The functions of the addon. Once it is loaded they are plain properties, so calls are as fast. */
export const native: Addon = Object.create(unloaded);

function current(): Completions {
  return load().completions as Completions;
}

/** The completions of this JavaScript thread. */
export const completions: Pick<Completions, 'register' | 'forget' | 'retain' | 'release'> & {
  readonly mailbox: Float64Array;
} = {
  get mailbox() {
    return current().mailbox;
  },
  register: (handler) => current().register(handler),
  forget: (token) => current().forget(token),
  retain: () => current().retain(),
  release: () => current().release(),
};
