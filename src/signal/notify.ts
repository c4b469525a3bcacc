/**
 * Signals of this process, as they come.
 *
 * @module
 */
import { checkSignal, invalid } from '../launch/check.js';
import { completions, native } from '../native.js';
import { SystemError } from '../syscall/errors.js';
import { type Signal, type SignalName, signalName } from '../syscall/signals.js';
import { isCatchable, table } from './table.js';

/** A signal that came: siginfo_t of sigaction(2). */
export interface SignalInfo {
  readonly signal: SignalName;
  readonly number: number;
  /** SI_USER, SI_QUEUE, CLD_EXITED, …: why it was sent. */
  readonly code: number;
  /** Who sent it; 0 when the kernel did. */
  readonly pid: number;
  readonly uid: number;
  /** Of SIGCHLD: the exit code or signal. */
  readonly status?: number;
  /** What was sent along: sigqueue(3). */
  readonly value?: number;
  /** How many of this signal were lost before it, because nobody took them in time. */
  readonly dropped: number;
}

type Listener = (info: SignalInfo) => void;

/** Signals until `stop`. */
export interface SignalStream extends AsyncIterable<SignalInfo>, Disposable {
  /**
   * Ends it. After it returns nothing more arrives: each signal was delivered, or had the effect
   * that it has without this stream. An iteration gets what it had not taken yet, and ends.
   */
  stop(): void;
  /** Calls `listener` for each signal, instead of iterating. */
  on(event: 'signal', listener: Listener): this;
  /** The event loop does not wait for signals, as by default; `ref` makes it. */
  ref(): this;
  unref(): this;
}

const SIGCHLD = 17;
/** sigqueue(3) and its kin send a value: SI_QUEUE, SI_TIMER, SI_MESGQ. */
const CODES_WITH_VALUE = new Set([-1, -2, -3]);

/** The streams that want each signal. */
const streams = new Map<number, Set<Stream>>();
let token = 0;

function infoOf(row: Float64Array, at: number): SignalInfo {
  const [number, code, pid, uid, status, value, dropped] = row.subarray(
    at + 2,
    at + 9,
  ) as unknown as [number, number, number, number, number, number, number];
  const info = { signal: signalName(number), number, code, pid, uid, dropped };
  if (number === SIGCHLD && code > 0) return { ...info, status };
  return CODES_WITH_VALUE.has(code) ? { ...info, value } : info;
}

function dispatch(row: Float64Array, at: number): void {
  const info = infoOf(row, at);
  for (const stream of [...(streams.get(info.number) ?? [])]) stream.deliver(info);
}

/**
 * libuv installs its handler when the first listener of `process` for a signal comes, and sets the
 * default when the last one goes: ours is put on top again, and its kept below.
 */
function reinstall(event: string | symbol): void {
  const entry = table.find(({ name }) => name === event);
  if (entry === undefined || !streams.has(entry.number)) return;
  queueMicrotask(() => {
    if (streams.has(entry.number)) native.rewatchSignal(entry.number);
  });
}

function watch(number: number): void {
  if (streams.size === 0) {
    process.on('newListener', reinstall);
    process.on('removeListener', reinstall);
  }
  if (token === 0) token = completions.register(dispatch);
  const error = native.watchSignal(number, token);
  if (error !== 0) throw new SystemError('sigaction', error);
  streams.set(number, new Set());
}

function unwatch(number: number): void {
  // Its signals are dispatched before this returns, while their stream is still there.
  native.unwatchSignal(number);
  streams.delete(number);
  if (streams.size > 0) return;
  process.off('newListener', reinstall);
  process.off('removeListener', reinstall);
}

class Stream implements SignalStream {
  readonly #numbers: readonly number[];
  readonly #waiting: SignalInfo[] = [];
  readonly #listeners: Listener[] = [];
  #taker: ((result: IteratorResult<SignalInfo, undefined>) => void) | undefined;
  #stopped = false;
  #referenced = false;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
    for (const number of numbers) {
      if (!streams.has(number)) watch(number);
      streams.get(number)?.add(this);
    }
  }

  deliver(info: SignalInfo): void {
    if (this.#listeners.length > 0) {
      for (const listener of this.#listeners) listener(info);
    } else if (this.#taker !== undefined) {
      this.#taker({ done: false, value: info });
      this.#taker = undefined;
    } else {
      this.#waiting.push(info);
    }
  }

  on(event: 'signal', listener: Listener): this {
    if (event !== 'signal') throw invalid('event', event, "'signal'");
    this.#listeners.push(listener);
    for (const info of this.#waiting.splice(0)) listener(info);
    return this;
  }

  stop(): void {
    for (const number of this.#numbers) this.drop(number);
    if (this.#stopped) return;
    this.#stopped = true;
    this.unref();
    this.#taker?.({ done: true, value: undefined });
  }

  /** Stops one of its signals. */
  drop(number: number): void {
    const set = streams.get(number);
    if (set === undefined || !set.has(this)) return;
    if (set.size === 1) unwatch(number);
    else set.delete(this);
  }

  ref(): this {
    if (!this.#referenced && !this.#stopped) completions.retain();
    this.#referenced ||= !this.#stopped;
    return this;
  }

  unref(): this {
    if (this.#referenced) completions.release();
    this.#referenced = false;
    return this;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  [Symbol.asyncIterator](): AsyncIterator<SignalInfo, undefined> {
    return {
      next: () => {
        const value = this.#waiting.shift();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#stopped) return Promise.resolve({ done: true, value: undefined });
        this.ref(); // somebody waits
        return new Promise((resolve) => {
          this.#taker = (result) => {
            this.unref();
            resolve(result);
          };
        });
      },
      return: () => {
        this.stop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/**
 * The signals that come to this process, until `stop`. None given: all that can be caught, but for
 * those that are ignored by default. Several streams each get every signal. What the runtime does on
 * a signal, for `process.on`, it goes on doing. A signal that was ignored is caught meanwhile, and
 * ignored again afterwards.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of faults of the program.
 * @see sigaction(2)
 */
export function notify(...signals: Signal[]): SignalStream {
  if (signals.length === 0) {
    return new Stream(table.filter(({ policy }) => policy === 'catch').map(({ number }) => number));
  }
  const numbers = signals.map((signal, index) => {
    const number = checkSignal(`signals[${index}]`, signal);
    if (!isCatchable(signalName(number))) {
      throw invalid(`signals[${index}]`, signal, 'a signal that can be caught');
    }
    return number;
  });
  return new Stream([...new Set(numbers)]);
}

/** Ends every stream's part in a signal. @internal */
export function dropAll(number: number): void {
  for (const stream of [...(streams.get(number) ?? [])]) stream.drop(number);
}

/** Whether a stream wants a signal. @internal */
export function watched(number: number): boolean {
  return streams.has(number);
}
