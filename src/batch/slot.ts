/**
 * A slot of a pool: one agent after another on the same engine.
 *
 * @module
 */
import type { AgentInfo, JobSpec } from '../agent/protocol.js';
import { setTimeout } from '../time.js';
import { type Connection, connectHere } from './connection.js';
import type { Engine } from './engines.js';
import { closedError, type SlotError } from './error.js';
import { connect } from './piped.js';
import { type JobEvents, RemoteJob } from './remote-job.js';

/** Where a slot is in its life. */
export type SlotState = 'starting' | 'ready' | 'failed' | 'closed';

/** What `slots` of a pool says of each. */
export interface SlotInfo {
  /** The name of its engine. */
  readonly name: string;
  /** The command that reaches its agent; undefined for this process. */
  readonly argv: readonly string[] | undefined;
  /** Where it is in its life. */
  readonly state: SlotState;
  /** Jobs that may run there at once; 0 as long as that is not known. */
  readonly jobs: number;
  /** Jobs that run there now. */
  readonly running: number;
  /** The machine of the agent, as it names itself; undefined before it has answered. */
  readonly host: string | undefined;
  /** The process of the agent there. */
  readonly pid: number | undefined;
}

/** How often an agent that had answered before is started again without a job that ended between. */
const MOST_RESTARTS = 4;
const FIRST_RESTART = 50;

/** What a slot tells its pool. */
export interface SlotEvents {
  /** There may be room now. */
  changed(): void;
  /** It was lost for good. */
  failed(): void;
}

export class Slot {
  readonly engine: Engine;
  readonly #heartbeat: number;
  readonly #events: SlotEvents;
  readonly #keep: number | undefined;
  #connection: Connection;
  #info: AgentInfo | undefined;
  #everReady = false;
  #restarts = 0;
  state: SlotState = 'starting';
  running = 0;
  /** One job has it alone, which ended an agent before, or may have. */
  isExclusive = false;
  /** Its agent is being lost, which takes a while. */
  #isFailing = false;
  /** Why it failed. */
  error: Error | undefined;

  constructor(engine: Engine, heartbeat: number, events: SlotEvents, keep?: number) {
    this.engine = engine;
    this.#heartbeat = heartbeat;
    this.#events = events;
    this.#keep = keep;
    this.#connection = this.#connect();
  }

  get capacity(): number {
    return this.engine.jobs ?? this.#info?.processors ?? 0;
  }

  get hasRoom(): boolean {
    return this.state === 'ready' && !this.isExclusive && this.running < this.capacity;
  }

  get info(): SlotInfo {
    const { engine, state, running, capacity: jobs } = this;
    const { name, argv } = engine;
    return { name, argv, state, running, jobs, host: this.#info?.host, pid: this.#info?.pid };
  }

  /** Starts a job; where the agent was lost since its lease was given, the job is lost as well. */
  start(spec: JobSpec, events: JobEvents): RemoteJob {
    if (this.state === 'ready' || this.#isFailing) return this.#connection.start(spec, events);
    const job = new RemoteJob(0, spec, events, () => {});
    // Its caller is to have the job before it hears of it.
    void Promise.resolve().then(() => {
      job.lose(this.state === 'closed' ? closedError() : (this.error as SlotError));
    });
    return job;
  }

  /** A job ended there as jobs do. */
  worked(): void {
    this.#restarts = 0;
  }

  async close(): Promise<void> {
    this.state = 'closed';
    await this.#connection.close();
  }

  #connect(): Connection {
    this.#info = undefined;
    if (this.state !== 'closed') this.state = 'starting';
    const events = {
      ready: (info: AgentInfo) => {
        if (this.state !== 'starting') return;
        this.#info = info;
        this.#everReady = true;
        this.state = 'ready';
        this.#events.changed();
      },
      failing: () => {
        this.#isFailing = true;
        if (this.state === 'ready') this.state = 'starting';
      },
      lost: (error: Error, jobs: readonly RemoteJob[]) => this.#lost(error, jobs),
    };
    if (this.engine.argv === undefined) return connectHere(events, this.#keep);
    return connect(this.engine, this.#heartbeat, events);
  }

  #lost(error: Error, jobs: readonly RemoteJob[]): void {
    this.#isFailing = false;
    const isClosed = this.state === 'closed';
    const mayRestart = this.#everReady && this.#restarts < MOST_RESTARTS;
    if (!isClosed) this.state = mayRestart ? 'starting' : 'failed';
    this.error = error;
    for (const job of jobs) job.lose(error as SlotError);
    if (isClosed) return;
    if (!mayRestart) {
      this.#events.failed();
      return;
    }
    const delay = this.#restarts === 0 ? 0 : FIRST_RESTART * 4 ** this.#restarts;
    this.#restarts += 1;
    setTimeout(() => {
      if (this.state !== 'closed') this.#connection = this.#connect();
    }, delay);
  }
}
