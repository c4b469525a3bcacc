/**
 * The way to one agent: through the pipes of an engine's command, or in this process.
 *
 * @module
 */
import { describeAgent } from '../agent/describe.js';
import { Guard } from '../agent/guard.js';
import type { AgentInfo, Answer, JobSpec, Request } from '../agent/protocol.js';
import { Session } from '../agent/session.js';
import { closedError } from './error.js';
import { type JobEvents, RemoteJob } from './remote-job.js';

/** What a connection tells. */
export interface ConnectionEvents {
  /** An agent answers. */
  ready(info: AgentInfo): void;
  /** It is being lost: what is started from now on is lost with it. */
  failing?(): void;
  /**
   * It is over, and by now nothing of its jobs runs on the other side. `jobs` are those that it was
   * lost with.
   */
  lost(error: Error, jobs: readonly RemoteJob[]): void;
}

/** The way to one agent. */
export interface Connection {
  /** Starts a job; the connection has to be ready. */
  start(spec: JobSpec, events: JobEvents): RemoteJob;
  /** Ends the jobs, each by its stop ladder, and then the agent. */
  close(): Promise<void>;
}

/** The jobs of one agent, by number. */
export class Jobs {
  readonly #jobs = new Map<number, RemoteJob>();
  readonly #send: (request: Request) => void;
  #last = 0;

  constructor(send: (request: Request) => void) {
    this.#send = send;
  }

  start(spec: JobSpec, events: JobEvents): RemoteJob {
    this.#last = (this.#last % 0xffff_fffe) + 1;
    const job = new RemoteJob(this.#last, spec, events, this.#send);
    this.#jobs.set(job.id, job);
    return job;
  }

  receive(answer: Answer): void {
    const job = this.#jobs.get(answer.id);
    if (job?.receive(answer)) this.#jobs.delete(answer.id);
  }

  /** How many have not ended. */
  get size(): number {
    return this.#jobs.size;
  }

  /** All that have not ended; they are forgotten. */
  take(): RemoteJob[] {
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    return jobs;
  }
}

/** One guard for all pools of this process: what it looks for is the marker of the process. */
let guard: Promise<Guard | undefined> | undefined;
let guarded = 0;

async function leaveGuard(): Promise<void> {
  guarded -= 1;
  if (guarded > 0) return;
  const mine = guard;
  guard = undefined;
  await (await mine)?.dismiss();
}

/** An agent in this process. If this process is killed, the guard ends what it started. */
export function connectHere(events: ConnectionEvents, keep?: number): Connection {
  guarded += 1;
  guard ??= Guard.start(0, keep);
  const jobs = new Jobs((request) => session.receive(request));
  const session = new Session((answer) => jobs.receive(answer));
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await session.close();
    events.lost(closedError(), jobs.take());
    await leaveGuard();
  };
  void guard.then((started) => {
    events.ready(describeAgent('', started === undefined ? [] : ['guard']));
  });
  return {
    start: (spec, jobEvents) => jobs.start(spec, jobEvents),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
