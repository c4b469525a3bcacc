/**
 * Carries out what the table of a command's life says, for whoever drives it: the event loop, or one
 * ppoll(2).
 *
 * @module
 */
import { hasProc } from '../process/proc.js';
import type { Process } from '../process/process.js';
import type { Scope } from '../process/scope.js';
import type { HeldStream } from '../process/status.js';
import { SystemError } from '../syscall/errors.js';
import { now } from '../time.js';
import { holdersOf } from './holders.js';
import { type Action, type Event, type State, TABLE } from './life-table.js';
import type { StopOptions } from './options.js';
import { type StopStep, stopSteps } from './stop.js';

const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds between looks whether anybody of a scope is left, whose end nothing tells. */
const LOOK_EVERY = 20;

/** What is stopped, and asked for others of its scope. */
export interface Body extends Pick<Process, 'signal'> {
  // Not picked: published declarations have no internal members.
  isLeft(scope: Scope): boolean;
  pin(scope: Scope): () => void;
  hasEnded(): boolean;
}

/** A stream that is in use: the life of its command is not over before it is. */
export interface Use {
  /** Our descriptor. */
  readonly fd: number;
  /** Whether another process has the other side open. */
  readonly held: boolean;
  /** The process has ended: all that it wrote can be read. */
  settle(): void;
  /** No more is waited for than what is there now. `over` is to be called once that was taken. */
  cutOff(): void;
}

/** The rungs that are left of a stop ladder. */
interface Ladder {
  scope: Scope;
  readonly steps: StopStep[];
  /** When the next rung is climbed. */
  due: number;
  /** When others of the scope are waited for no more. */
  giveUp: number;
  unpin?: () => void;
  /** Whether it names no scope itself: the process is to end, whatever is wrong with that of its start. */
  readonly insists: boolean;
  /** Why the process alone is signalled, and not all of the scope. */
  error?: unknown;
  /** Called when it was climbed as far as it takes, or could not be. */
  readonly done: (error?: unknown) => void;
}

export interface Limits {
  /** Milliseconds for the process. */
  readonly timeLimit: number;
  /** Milliseconds for pipes, from its end on. */
  readonly waitDelay: number;
  /** How it is stopped. */
  readonly stop: StopOptions | undefined;
  /** The scope of `stop` where it names none. */
  readonly scope: 'process' | 'tree';
}

/** One command from its launch to its end. Times are those of `now`. */
export class Life {
  state: State = 'running';
  /** Why it was made to end. */
  reason: 'timeout' | 'aborted' | 'maxBuffer' | undefined;
  /** Why it could not be stopped. */
  stopError: unknown;
  /** The pipes that were cut off while others had them open. */
  readonly held: HeldStream[] = [];
  readonly #body: Body;
  readonly #limits: Limits;
  readonly #changed: () => void;
  /** By the child's descriptor. */
  readonly #uses = new Map<number, Use>();
  readonly #ladders = new Set<Ladder>();
  #timeout: number;
  #endedAt = NEVER;
  #waited = NEVER;
  #look = NEVER;

  /** `changed` is called when the state or the deadline may have changed. */
  constructor(body: Body, limits: Limits, changed: () => void) {
    this.#body = body;
    this.#limits = limits;
    this.#changed = changed;
    this.#timeout = limits.timeLimit === NEVER ? NEVER : now() + limits.timeLimit;
  }

  /** When `tick` is to be called. */
  get deadline(): number {
    let deadline = Math.min(this.#timeout, this.#waited, this.#look);
    for (const { due } of this.#ladders) deadline = Math.min(deadline, due);
    return deadline;
  }

  /** Whether it is being stopped. */
  get isStopping(): boolean {
    return this.#ladders.size > 0;
  }

  /** Carries out what is due. */
  tick(): void {
    const time = now();
    if (time >= this.#timeout) this.blame('timeout');
    for (const ladder of [...this.#ladders]) if (time >= ladder.due) this.#on('rung', ladder);
    if (time >= this.#look) this.#lookAround();
    if (time >= this.#waited) {
      this.#waited = NEVER;
      this.#on('waited');
    }
    this.#changed();
  }

  /** The process was reaped. */
  end(): void {
    this.#endedAt = now();
    this.#tell('ended');
  }

  /** A stream of the command is in use, until `over`. */
  open(fd: number, use: Use): void {
    this.#uses.set(fd, use);
    this.#tell('opened');
  }

  over(fd: number): void {
    if (this.#uses.delete(fd) && this.#uses.size === 0) this.#tell('drained');
  }

  /** Waits no longer for one stream, which nobody reads. */
  cutOff(fd: number): void {
    const use = this.#uses.get(fd);
    if (use !== undefined) this.#cutOff([[fd, use]]);
    this.over(fd);
  }

  /** Stops it for a reason, of which the first counts. */
  blame(reason: NonNullable<Life['reason']>): void {
    if (this.reason !== undefined) return;
    // It was first, though nobody was told of its end yet.
    if (reason !== 'maxBuffer' && this.#body.hasEnded()) return;
    const done = (error?: unknown): void => {
      this.stopError ??= error; // it ends by itself then, and the error is the cause that is told
    };
    this.#tell(reason, this.#ladder(this.#limits.stop, done, true));
  }

  /** Stops it; `done` is called when the ladder is at its end. */
  stop(options: StopOptions | undefined, done: Ladder['done']): void {
    this.#tell('stop', this.#ladder(options ?? this.#limits.stop, done, options === undefined));
  }

  #ladder(options: StopOptions | undefined, done: Ladder['done'], insists = false): Ladder {
    const steps = stopSteps(options);
    // Nobody asked for the tree: where it can't be found, that is no error.
    const usual = this.#limits.scope === 'tree' && hasProc() ? 'tree' : 'process';
    return { scope: options?.scope ?? usual, steps, due: NEVER, giveUp: NEVER, insists, done };
  }

  #tell(event: Event, ladder?: Ladder): void {
    this.#on(event, ladder);
    this.#changed();
  }

  #on(event: Event, ladder?: Ladder): void {
    const [next, ...actions] = TABLE[this.state][event];
    this.state = next;
    for (const action of actions) this.#do(action, event, ladder);
  }

  #do(action: Action, event: Event, ladder: Ladder | undefined): void {
    if (action === 'blame') this.reason = event as NonNullable<Life['reason']>;
    else if (action === 'climb') this.#climb(ladder as Ladder);
    else if (action === 'look') this.#lookAround();
    else if (action === 'lookLater') this.#look = now() + LOOK_EVERY;
    else if (action === 'cutOff') this.#cutOff([...this.#uses]);
    else if (action === 'settle') for (const use of [...this.#uses.values()]) use.settle();
    else if (action === 'count' && this.#uses.size === 0) this.#on('drained');
    else if (action === 'wait') this.#waited = this.#endedAt + this.#limits.waitDelay;
    else if (action === 'close') this.#waited = NEVER;
    if (action === 'blame' || action === 'wait') this.#timeout = NEVER;
  }

  #climb(ladder: Ladder): void {
    if (!this.#ladders.has(ladder)) ladder.unpin = this.#body.pin(ladder.scope);
    this.#ladders.add(ladder);
    const step = ladder.steps.shift();
    try {
      if (step === undefined || !this.#send(step, ladder)) this.#leave(ladder);
      else ladder.due = now() + step.grace;
      ladder.giveUp = now() + (step?.patience ?? 0);
    } catch (error) {
      this.#leave(ladder, error);
    }
  }

  /** False when no process is left to be signalled. */
  #send({ signals }: StopStep, ladder: Ladder): boolean {
    return signals.every((signal) => {
      try {
        return this.#body.signal(signal, { scope: ladder.scope });
      } catch (error) {
        if (ladder.scope === 'process') throw error;
        // Who asked for a scope that there is not hears it at once, and may ask for another.
        if (error instanceof TypeError && !ladder.insists) throw error;
        ladder.error ??= error;
        if (error instanceof SystemError) {
          // It can't be told which processes belong to the scope: the process itself was signalled.
          ladder.scope = 'process';
          return true;
        }
        // No descriptor was free for /proc: that may be otherwise at the next rung.
        return this.#body.signal(signal, { scope: 'process' });
      }
    });
  }

  #leave(ladder: Ladder, error?: unknown): void {
    this.#ladders.delete(ladder);
    ladder.unpin?.();
    ladder.done(error ?? ladder.error);
  }

  #lookAround(): void {
    this.#look = NEVER;
    for (const ladder of this.#ladders) {
      if (this.#endedAt === NEVER) break; // the process itself is left
      try {
        const { scope } = ladder;
        const isOver = scope === 'process' || now() > ladder.giveUp || !this.#body.isLeft(scope);
        if (isOver) this.#leave(ladder);
      } catch (error) {
        this.#leave(ladder, error);
      }
    }
    this.#on(this.#ladders.size === 0 ? 'cleared' : 'left');
  }

  #cutOff(uses: readonly [fd: number, use: Use][]): void {
    const held = uses.filter(([, use]) => use.held).map(([fd, use]) => [fd, use.fd] as const);
    if (held.length > 0) this.held.push(...holdersOf(new Map(held)));
    for (const [, use] of uses) use.cutOff();
  }
}
