/**
 * A job on a slot, as the coordinator sees it.
 *
 * @module
 */
import type { Answer, JobSpec, Request } from '../agent/protocol.js';
import { failureFromWire, statusFromWire } from '../agent/wire.js';
import type { StopOptions } from '../command/options.js';
import type { Scope } from '../process/scope.js';
import type { ExitStatus } from '../process/status.js';
import type { SignalName } from '../syscall/signals.js';
import type { SlotError } from './error.js';

/** What becomes of a job. Either `failed`, `lost` or `closed` is the last that is told. */
export interface JobEvents {
  started?(job: { pid: number; process: string; lifetime: readonly string[] }): void;
  /** It could not be started. */
  failed(error: Error): void;
  data(fd: number, bytes: Buffer): void;
  /** The end of one output. */
  end?(fd: number): void;
  /** So many bytes of an input were taken. */
  credit?(fd: number, count: number): void;
  changed?(event: 'stopped' | 'continued', signal: SignalName | undefined): void;
  exited?(status: ExitStatus): void;
  /** All is over; `stopError` is why it could not be stopped as it was to be. */
  closed(status: ExitStatus, stopError: Error | undefined): void;
  /** Its slot was lost, and by now nothing of it runs there. */
  lost(error: SlotError): void;
}

/** A job on a slot. */
export class RemoteJob {
  readonly id: number;
  readonly spec: JobSpec;
  readonly events: JobEvents;
  readonly #send: (request: Request) => void;
  #stops: Map<number, (error: Error | undefined) => void> | undefined;
  #requests = 0;
  #over = false;

  constructor(id: number, spec: JobSpec, events: JobEvents, send: (request: Request) => void) {
    this.id = id;
    this.spec = spec;
    this.events = events;
    this.#send = send;
    send({ type: 'start', id, spec });
  }

  get isOver(): boolean {
    return this.#over;
  }

  /** An answer about it; true when it was the last. */
  receive(answer: Answer): boolean {
    const { events, spec } = this;
    if (answer.type === 'data') events.data(answer.fd, answer.bytes as Buffer);
    else if (answer.type === 'end') events.end?.(answer.fd);
    else if (answer.type === 'credit') events.credit?.(answer.fd, answer.count);
    else if (answer.type === 'started') events.started?.(answer);
    else if (answer.type === 'changed') events.changed?.(answer.event, answer.signal);
    else if (answer.type === 'exited') events.exited?.(statusFromWire(answer.status));
    else if (answer.type === 'stopDone') {
      const { failure } = answer;
      const error = failure && failureFromWire(failure, spec.file, spec.args);
      this.#stops?.get(answer.request)?.(error);
      this.#stops?.delete(answer.request);
    } else if (answer.type === 'failed') {
      this.#end();
      events.failed(failureFromWire(answer.failure, spec.file, spec.args));
    } else if (answer.type === 'closed') {
      const { failure } = answer;
      this.#end();
      const error = failure && failureFromWire(failure, spec.file, spec.args);
      events.closed(statusFromWire(answer.status), error);
    }
    return this.#over;
  }

  lose(error: SlotError): void {
    this.#end();
    this.events.lost(error);
  }

  #end(): void {
    this.#over = true;
    for (const done of this.#stops?.values() ?? []) done(undefined);
    this.#stops = undefined;
  }

  write(fd: number, bytes: Uint8Array): void {
    this.#send({ type: 'data', id: this.id, fd, bytes });
  }

  endInput(fd: number): void {
    if (!this.#over) this.#send({ type: 'end', id: this.id, fd });
  }

  /** So many bytes of an output were taken, and as many more may come. */
  credit(fd: number, count: number): void {
    if (!this.#over && count > 0) this.#send({ type: 'credit', id: this.id, fd, count });
  }

  discard(fd: number): void {
    if (!this.#over) this.#send({ type: 'discard', id: this.id, fd });
  }

  signal(signal: number, scope: Scope): void {
    if (!this.#over) this.#send({ type: 'signal', id: this.id, signal, scope });
  }

  blame(reason: 'aborted' | 'maxBuffer' | 'timeout'): void {
    if (!this.#over) this.#send({ type: 'blame', id: this.id, reason });
  }

  /** Climbs a stop ladder on its slot; resolves when that is at its end. */
  async stop(options?: StopOptions): Promise<void> {
    if (this.#over) return;
    this.#requests += 1;
    const request = this.#requests;
    await new Promise<void>((resolve, reject) => {
      this.#stops ??= new Map();
      this.#stops.set(request, (error) => (error === undefined ? resolve() : reject(error)));
      this.#send({ type: 'stop', id: this.id, request, options });
    });
  }
}
