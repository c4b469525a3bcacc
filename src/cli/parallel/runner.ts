/**
 * Runs the jobs of `forkexec parallel`.
 *
 * @module
 */
import type { JobSpec } from '../../agent/protocol.js';
import type { Halting } from '../../batch/halt.js';
import type { RemoteJob } from '../../batch/remote-job.js';
import type { Lease, Scheduler } from '../../batch/scheduler.js';
import { pauseFor, Tries } from '../../batch/tries.js';
import type { RunOptions } from '../../command/options.js';
import { encodeText } from '../../syscall/text.js';
import { now, timeOrigin } from '../../time.js';
import { Failure } from '../exit.js';
import { startTry } from './attempt.js';
import { BAD, codeOf, type End, hasFailed, MOST_FAILURES } from './end.js';
import type { Joblog } from './joblog.js';
import type { JobOutput, Printer } from './output.js';
import type { Plan, Work } from './plan.js';
import { expand, type Template } from './replace.js';
import type { Results } from './results.js';
import type { Supply } from './supply.js';

/** What a run is of. */
export interface RunnerOptions {
  readonly scheduler: Scheduler;
  readonly plan: Plan;
  readonly supply: Supply;
  /** How many jobs there are, where that is known. */
  readonly total: number | undefined;
  readonly printer: Printer;
  readonly joblog: Joblog | undefined;
  readonly results: Results | undefined;
  readonly tag: Template | undefined;
  /** Options of each job. */
  readonly options: RunOptions;
  readonly stdio: JobSpec['stdio'];
  readonly retries: number;
  readonly backoff: number;
  readonly delay: number;
  readonly halting: Halting;
  readonly progress: { started(): void; ended(failed: boolean): void };
}

const NO_TAG = new Uint8Array();

export class Runner {
  readonly #options: RunnerOptions;
  readonly #running = new Set<RemoteJob>();
  readonly #stopping = new AbortController();
  /** No more is started. */
  #isOver = false;
  #active = 0;
  #wake: (() => void) | undefined;
  /** Ends the waiting for room. */
  #giveUp: ((reason: Error) => void) | undefined;
  /** Makes all jobs alike: see JobSpec. */
  readonly #alike = {};
  #seq = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** By --halt, or because something else went wrong. */
  #code: number | undefined;
  #problem: string | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Resolves to the exit code. */
  async run(): Promise<number> {
    const { supply, printer } = this.#options;
    try {
      for (;;) {
        if (printer.isBehind) await printer.room();
        if (this.#isOver || !(await this.#begin())) break;
      }
    } catch (error) {
      this.fail(error);
    }
    this.#isOver = true;
    while (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    supply.end();
    await printer.flushed();
    if (printer.writer.failure !== undefined) this.#problem ??= printer.writer.failure.message;
    if (this.#problem !== undefined) throw new Failure(this.#problem);
    return this.#exitCode();
  }

  /** Ends all: nothing is started any more, and what runs is stopped. */
  stop(code: number): void {
    this.#code ??= code;
    this.#end();
    this.#stopping.abort();
    this.#giveUp?.(this.#stopping.signal.reason as Error);
    for (const job of this.#running) void job.stop().catch(() => {});
    this.#wake?.();
  }

  /** Nothing is started any more, and no item is waited for. */
  #end(): void {
    this.#isOver = true;
    this.#options.supply.leave();
  }

  /** Something went wrong that is not of a job. */
  fail(error: unknown): void {
    if (!this.#stopping.signal.aborted || this.#code === undefined) {
      this.#problem ??= (error as Error).message;
    }
    this.stop(BAD);
  }

  #exitCode(): number {
    const { halting } = this.#options;
    if (this.#code !== undefined) return this.#code;
    if (halting.when !== 'never' && halting.isPercentage && halting.failed > 0) {
      return Math.ceil((halting.failed / Math.max(this.#seq, 1)) * 100);
    }
    return Math.min(halting.failed, MOST_FAILURES);
  }

  /** Takes the next items and starts their job once there is room; false when there are no more. */
  async #begin(): Promise<boolean> {
    const { joblog, printer, scheduler, supply, delay } = this.#options;
    // Room comes first, so that items are not read ahead.
    let lease = scheduler.tryAcquire() ?? (await this.#room());
    for (;;) {
      const value = lease === undefined || this.#isOver ? undefined : await supply.next();
      if (lease === undefined || value === undefined || this.#isOver) {
        lease?.release();
        return false;
      }
      this.#seq += 1;
      if (joblog?.has(this.#seq)) {
        printer.skip(this.#seq);
        continue;
      }
      if (delay > 0) await this.#delay(delay);
      // An item may take its time, in which a slot can be lost.
      while (lease !== undefined && lease.slot.state !== 'ready') {
        lease.release();
        lease = scheduler.tryAcquire() ?? (await this.#room());
      }
      if (lease === undefined || this.#isOver) {
        lease?.release();
        return false;
      }
      this.#active += 1;
      void this.#runOne({ items: value, seq: this.#seq }, lease);
      return true;
    }
  }

  async #runOne(work: Work, lease: Lease): Promise<void> {
    try {
      await this.#run(work, lease);
    } catch (error) {
      this.fail(error);
    }
    this.#active -= 1;
    if (this.#active === 0) this.#wake?.();
  }

  /** Waits for room for one job; undefined when all is stopped first. */
  async #room(): Promise<Lease | undefined> {
    if (this.#stopping.signal.aborted) return undefined;
    const { lease, giveUp } = this.#options.scheduler.wait();
    this.#giveUp = giveUp;
    const given = await this.#acquire(() => lease);
    this.#giveUp = undefined;
    return given;
  }

  async #acquire(acquire: () => Promise<Lease>): Promise<Lease | undefined> {
    try {
      return await acquire();
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Waits for the time between two starts. */
  async #delay(delay: number): Promise<void> {
    await pauseFor(this.#startedAt + delay - now(), this.#stopping.signal);
    this.#startedAt = now();
  }

  /** All tries of one job. */
  async #run(work: Work, first: Lease): Promise<void> {
    const { printer, scheduler, retries, backoff, plan, results, tag, progress } = this.#options;
    const { items, seq } = work;
    const tries = new Tries(retries);
    let lease = first;
    const valuesOn = ({ number }: Lease) => ({ items, seq, slot: number });
    const values = valuesOn(lease);
    const tagged = tag === undefined ? NO_TAG : encodeText(`${expand(tag, values)}\t`);
    const output = printer.begin(seq, tagged, results?.open(values));
    progress.started();
    for (;;) {
      const started = timeOrigin + now();
      const begun = now();
      const end = await this.#try(work, lease, output);
      const runtime = now() - begun;
      const failed = hasFailed(end);
      const ending =
        end.lost === undefined
          ? ({ kind: 'failure' } as const)
          : ({ kind: 'lost', company: end.lost.company, error: undefined as never } as const);
      const wasStopped = this.#stopping.signal.aborted && failed;
      if (failed && !wasStopped && tries.add(ending, lease.slot)) {
        lease.release();
        await pauseFor(backoff * 2 ** (tries.count - 1), this.#stopping.signal);
        const next = await this.#acquire(() =>
          tries.acquire(scheduler, this.#stopping.signal),
        ).catch((error: unknown) => this.fail(error)); // no slot is left: its line is written all the same
        if (next !== undefined) {
          output.restart();
          lease = next;
          continue;
        }
      }
      // Before another takes its place: it has ended whatever becomes of this process.
      this.#options.joblog?.add({
        seq,
        host: hostOf(lease),
        started: started / 1000,
        runtime: runtime / 1000,
        sent: 0,
        received: output.received,
        exitval: end.exitval,
        signal: end.signal,
        command: plan.show(valuesOn(lease)),
        wasKilled: wasStopped || end.lost !== undefined || end.isCut === true,
      });
      if (end.message !== undefined) void output.add(2, encodeText(`${end.message}\n`));
      printer.end(seq, !wasStopped);
      progress.ended(failed);
      if (!wasStopped) this.#count(end, failed);
      lease.release();
      return;
    }
  }

  /** One more has ended: whether that ends all. */
  #count(end: End, failed: boolean): void {
    const { halting, total } = this.#options;
    if (!halting.add(failed, total) || this.#code !== undefined) return;
    let code = 0;
    if (halting.on !== 'success') {
      const all = total ?? this.#seq;
      if (halting.isFirst(all)) code = codeOf(end);
      else if (halting.isPercentage) code = Math.ceil((halting.failed / all) * 100);
      else code = Math.min(halting.failed, MOST_FAILURES);
    }
    this.#code = code;
    this.#end();
    if (halting.when === 'now') this.stop(code);
  }

  #specOf(work: Work, lease: Lease): JobSpec {
    const { plan, options, stdio } = this.#options;
    const { items, seq } = work;
    const isHere = lease.slot.engine.argv === undefined;
    const [file = '', ...args] = plan.argv({ items, seq, slot: lease.number }, isHere);
    const env = {
      ...options.env,
      PARALLEL_SEQ: String(seq),
      PARALLEL_JOBSLOT: String(lease.number),
    };
    const alike = this.#alike;
    return { file, args, options: { ...options, env }, stdio, scope: 'tree', alike };
  }

  async #try(work: Work, lease: Lease, output: JobOutput): Promise<End> {
    const spec = this.#specOf(work, lease);
    const { job, end } = startTry(lease, spec, output, (error) => this.fail(error));
    this.#running.add(job);
    if (this.#stopping.signal.aborted) void job.stop().catch(() => {});
    try {
      return await end;
    } finally {
      this.#running.delete(job);
    }
  }
}

/** As GNU parallel names them: `:` is this machine. */
function hostOf({ slot }: Lease): string {
  const { name } = slot.engine;
  return name === 'local' ? ':' : name.replace(/^ssh:/, '').replaceAll(/\s/g, '_');
}
