/**
 * An agent: carries out what a coordinator asks for, on this machine.
 *
 * It knows nothing of pipes: src/batch uses it in its own process as well.
 *
 * @module
 */
import { ourLifetime } from '../command/lifetime.js';
import { hasProc } from '../process/proc.js';
import { signalMarked } from '../process/scope.js';
import { SIG } from '../syscall/constants.js';
import { Job, type Send } from './job.js';
import type { Request } from './protocol.js';
import { failureToWire } from './wire.js';

/** The jobs of one coordinator. */
export class Session {
  readonly #jobs = new Map<number, Job>();
  readonly #send: Send;
  #closed = false;

  constructor(send: Send) {
    this.#send = send;
  }

  /** How many jobs run. */
  get size(): number {
    return this.#jobs.size;
  }

  receive(request: Request): void {
    if (request.type === 'start') {
      this.#start(request.id, request);
      return;
    }
    const job = this.#jobs.get(request.id);
    if (job === undefined) this.#unknown(request);
    else this.#pass(job, request);
  }

  #start(id: number, { spec }: Request & { type: 'start' }): void {
    if (this.#closed) return;
    const forget = (): void => {
      this.#jobs.delete(id);
    };
    this.#jobs.set(id, new Job(id, spec, this.#send, forget));
  }

  /** It has ended, and the coordinator did not know yet. */
  #unknown(request: Request): void {
    if (request.type !== 'stop') return;
    this.#send({ type: 'stopDone', id: request.id, request: request.request });
  }

  #pass(job: Job, request: Request): void {
    const { id } = request;
    if (request.type === 'data') job.input(request.fd, request.bytes);
    else if (request.type === 'end') job.endInput(request.fd);
    else if (request.type === 'credit') job.give(request.fd, request.count);
    else if (request.type === 'discard') job.discard(request.fd);
    else if (request.type === 'blame') {
      job.whenStarted((child) => child.life.blame(request.reason));
    } else if (request.type === 'signal') {
      job.whenStarted((child) => {
        try {
          child.kill(request.signal, { scope: request.scope });
        } catch {
          // the coordinator checked what can be checked there; the rest is as a signal that came late
        }
      });
    } else if (request.type === 'stop') {
      job.whenStarted((child) => {
        const done = (error?: unknown): void => {
          const failure = error === undefined ? undefined : failureToWire(error);
          this.#send({ type: 'stopDone', id, request: request.request, failure });
        };
        void child.stop(request.options).then(() => done(), done);
      });
    }
  }

  /** Ends all jobs, each by its own stop ladder; resolves when they have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#jobs.values()].map((job) => job.stop()));
  }

  /** The coordinator is lost: kills all that it ever started here, at once. */
  kill(): void {
    this.#closed = true;
    for (const job of this.#jobs.values()) job.kill();
    try {
      if (hasProc()) signalMarked(ourLifetime(), SIG.SIGKILL);
    } catch {
      // no /proc that shows them: the processes themselves were killed
    }
  }
}
