/**
 * A job of an agent: a command, and its streams towards the coordinator.
 *
 * @module
 */
import type { Channel } from '../command/channel.js';
import { type Checked, checkAgain, checkSpawn } from '../command/checked.js';
import type { Child } from '../command/child.js';
import type { Life, Use } from '../command/life.js';
import type { RunOptions, Stdio } from '../command/options.js';
import { start } from '../command/spawn.js';
import { isAvailable } from '../launch/available.js';
import { type Answer, type JobSpec, WINDOW } from './protocol.js';
import { failureToWire, statusToWire } from './wire.js';

export type Send = (answer: Answer) => void;

/** Input that comes in messages, as a source that is read no faster than the job reads it. */
class Inflow implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  readonly #taken: (count: number) => void;
  #wake: (() => void) | undefined;
  #ended = false;

  constructor(taken: (count: number) => void) {
    this.#taken = taken;
  }

  push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        this.#taken(chunk.length); // asked for the next: this one was written
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** Output that is sent as far as the coordinator has given credit. */
class Outflow implements Use {
  readonly #channel: Channel;
  readonly #fd: number;
  readonly #id: number;
  readonly #send: Send;
  readonly #life: Life;
  #credit = WINDOW;
  #reading = false;
  #waiting = false;
  #over = false;
  /** Whether an end of the output can wait for that of the process. */
  #isQuiet: boolean;

  constructor(
    channel: Channel,
    fd: number,
    id: number,
    send: Send,
    life: Life,
    isWatched: boolean,
  ) {
    this.#isQuiet = !isWatched;
    this.#channel = channel;
    this.#fd = fd;
    this.#id = id;
    this.#send = send;
    this.#life = life;
    life.open(fd, this);
  }

  get fd(): number {
    return this.#channel.fd;
  }

  get held(): boolean {
    return this.#channel.held;
  }

  settle(): void {
    this.#isQuiet = false;
    this.#waiting = false;
    this.read();
  }

  cutOff(): void {
    this.#channel.cutOff();
    this.read();
  }

  give(count: number): void {
    this.#credit += count;
    this.read();
  }

  discard(): void {
    if (this.#over) return;
    this.#over = true;
    this.#channel.close();
    this.#life.over(this.#fd);
  }

  /** Sends what is there, and comes back when there is more, or more credit. */
  read(): void {
    if (this.#reading || this.#over) return;
    this.#reading = true;
    const isOver = this.#sendAll();
    this.#reading = false;
    if (!isOver) return;
    this.#over = true;
    this.#channel.close();
    this.#send({ type: 'end', id: this.#id, fd: this.#fd });
    this.#life.over(this.#fd);
  }

  /** Whether that was the end. */
  #sendAll(): boolean {
    while (this.#credit > 0) {
      const bytes = this.#channel.read();
      if (bytes === null) return true;
      if (bytes === undefined) {
        if (this.#waiting) return false;
        this.#waiting = true;
        this.#channel.onceReadable(() => {
          this.#waiting = false;
          this.read();
        }, this.#isQuiet);
        return false;
      }
      this.#credit -= bytes.length;
      this.#send({ type: 'data', id: this.#id, fd: this.#fd, bytes });
    }
    return false;
  }
}

/** The options of the command, with its streams. */
function optionsOf({ options, stdio }: JobSpec, inflows: ReadonlyMap<number, Inflow>): RunOptions {
  const streams: Record<number, Stdio> = {};
  for (const [fd, each] of stdio) {
    if (each === 'in') streams[fd] = inflows.get(fd) as Inflow;
    else streams[fd] = each === 'out' ? 'pipe' : each;
  }
  const { 0: stdin = 'null', 1: stdout = 'null', 2: stderr = 'null', ...fds } = streams;
  const lifetime = isAvailable('parentDeathSignal') ? 'parent' : undefined;
  return { ...options, stdin, stdout, stderr, fds, lifetime };
}

/** By what makes jobs alike: one of them. */
const known = new WeakMap<object, Checked>();

function checkJob(spec: JobSpec, inflows: ReadonlyMap<number, Inflow>): Checked {
  const { file, args, options, scope, alike } = spec;
  const before = alike && known.get(alike);
  if (before !== undefined) return checkAgain(before, file, args, options.env);
  const checked = checkSpawn(file, args, optionsOf(spec, inflows), scope);
  // A sandbox is worked out by what there is at the time.
  const isSteady = inflows.size === 0 && options.sandbox === undefined;
  if (alike !== undefined && isSteady) known.set(alike, checked);
  return checked;
}

/** One job from its start to its end. */
export class Job {
  readonly id: number;
  readonly #send: Send;
  readonly #inflows = new Map<number, Inflow>();
  readonly #outflows = new Map<number, Outflow>();
  readonly #forget: () => void;
  #child: Child | undefined;
  /** What was asked for before it ran. */
  #pending: ((child: Child) => void)[] = [];
  readonly #over: Promise<void>;

  /** `forget` is called when nothing more is to come of it. */
  constructor(id: number, spec: JobSpec, send: Send, forget: () => void) {
    this.id = id;
    this.#send = send;
    this.#forget = forget;
    for (const [fd, each] of spec.stdio) {
      if (each !== 'in') continue;
      const taken = (count: number): void => send({ type: 'credit', id, fd, count });
      this.#inflows.set(fd, new Inflow(taken));
    }
    this.#over = this.#run(spec);
  }

  async #run(spec: JobSpec): Promise<void> {
    const { id } = this;
    try {
      const checked = checkJob(spec, this.#inflows);
      const { child, ends } = await start(checked);
      this.#child = child;
      const { pid, process, lifetime } = child;
      this.#send({ type: 'started', id, pid, process: process.id, lifetime });
      for (const [fd, end] of ends) {
        if (end.attached !== undefined || end.kind !== 'reader') continue;
        end.taken = true;
        this.#outflows.set(
          fd,
          new Outflow(end.channel, fd, id, this.#send, child.life, spec.watched === true),
        );
      }
      for (const flow of this.#outflows.values()) flow.read();
      if (spec.watched) this.#watch(child);
      for (const each of this.#pending.splice(0)) each(child);
      void child.exited.then((status) => {
        this.#send({ type: 'exited', id, status: statusToWire(status) });
      });
      await this.#close(child);
    } catch (error) {
      this.#send({ type: 'failed', id, failure: failureToWire(error) });
    } finally {
      this.#forget();
    }
  }

  #watch(child: Child): void {
    for (const event of ['stopped', 'continued'] as const) {
      child.on(event, (signal) => this.#send({ type: 'changed', id: this.id, event, signal }));
    }
  }

  async #close(child: Child): Promise<void> {
    const { id } = this;
    const { stopError } = child.life;
    try {
      const status = statusToWire(await child.closed);
      const failure = stopError === undefined ? undefined : failureToWire(stopError);
      this.#send({ type: 'closed', id, status, failure });
    } catch (error) {
      const status = statusToWire(await child.exited);
      this.#send({ type: 'closed', id, status, failure: failureToWire(error) });
    } finally {
      child.process.unpin();
    }
  }

  /** Does it now, or once the job runs. */
  whenStarted(what: (child: Child) => void): void {
    if (this.#child !== undefined) what(this.#child);
    else this.#pending.push(what);
  }

  input(fd: number, bytes: Uint8Array): void {
    this.#inflows.get(fd)?.push(bytes);
  }

  endInput(fd: number): void {
    this.#inflows.get(fd)?.end();
  }

  give(fd: number, count: number): void {
    this.#outflows.get(fd)?.give(count);
  }

  discard(fd: number): void {
    this.whenStarted(() => this.#outflows.get(fd)?.discard());
  }

  /** Kills all of it, now. */
  kill(): void {
    this.whenStarted((child) => {
      try {
        child.kill('SIGKILL', { scope: 'tree' });
      } catch {
        // another user's, or no /proc: the process itself was signalled
      }
    });
  }

  /** Stops it by its own ladder; resolves when it has ended, or could not be started. */
  async stop(): Promise<void> {
    this.whenStarted((child) => void child.stop().catch(() => {}));
    await this.#over;
  }
}
