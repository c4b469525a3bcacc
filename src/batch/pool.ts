/**
 * Pools: commands on many slots, as on this machine.
 *
 * @module
 */
import { HEARTBEAT } from '../agent/protocol.js';
import { splitArguments } from '../command/checked.js';
import type { RunOptions, SpawnOptions } from '../command/options.js';
import type { Result } from '../command/result.js';
import type { NoOptions, Output } from '../command/types.js';
import { takeOptions } from '../launch/values.js';
import { checkInteger, invalid } from '../syscall/check.js';
import { attempt } from './attempt.js';
import { type SlotChild, startOn } from './child.js';
import type { Engine } from './engines.js';
import { mapOver } from './map.js';
import type { MapOptions, Mapped, Mapper, Source } from './map-options.js';
import { Scheduler } from './scheduler.js';
import { settle } from './settle.js';
import type { SlotInfo } from './slot.js';
import { planRun, planSpawn } from './spec.js';
import { Tries } from './tries.js';

/** Options of `openPool`. */
export interface PoolOptions {
  /** The engines, each with as many jobs at once as it says. */
  slots: readonly (Engine | readonly Engine[])[];
  /**
   * Milliseconds of silence after which an agent takes its coordinator for lost and kills its jobs; the
   * coordinator gives an agent up half as much later. Default: 10000.
   */
  heartbeat?: number | undefined;
  /** How often `run` runs a command again whose slot was lost. Default: 0. */
  retries?: number | undefined;
}

/** Slots on which commands run. */
export interface Pool extends AsyncDisposable {
  /** What is known of each slot. */
  readonly slots: readonly SlotInfo[];
  /** Jobs that can run at once, as far as agents have answered. */
  readonly capacity: number;
  /**
   * As `spawn`, on the first slot with room. What belongs to this process (descriptors, terminals)
   * is refused; paths are those of the machine of the slot. Rejects with a SlotError when the slot is lost
   * before the program runs, or none is left.
   */
  spawn(file: string, args?: readonly string[]): Promise<SlotChild<NoOptions>>;
  /** The same with options. */
  spawn<const O extends SpawnOptions>(
    file: string,
    args: readonly string[] | undefined,
    options: O | undefined,
  ): Promise<SlotChild<O>>;
  /** The same for a program without arguments. */
  spawn<const O extends SpawnOptions>(file: string, options: O | undefined): Promise<SlotChild<O>>;
  /**
   * As `run`, on the first slot with room. When its slot is lost and `retries` of the pool are used up, it
   * rejects with an ExitError whose `status.reason` is `'lost'`, and whose cause is a SlotError.
   */
  run(file: string, args?: readonly string[]): Promise<Result<NoOptions>>;
  /** The same with options. */
  run<const O extends RunOptions>(
    file: string,
    args: readonly string[] | undefined,
    options: O | undefined,
  ): Promise<Result<O>>;
  /** The same for a program without arguments. */
  run<const O extends RunOptions>(file: string, options: O | undefined): Promise<Result<O>>;
  /**
   * Runs a command for each item, as many at once as there is room, and yields what came of each. No
   * more items are asked for than can run; leaving the loop ends the commands that still run.
   */
  map<T, Out extends Output>(
    items: Source<T>,
    mapper: Mapper<T, Out>,
    options?: MapOptions,
  ): AsyncIterableIterator<Mapped<T, Out>>;
  /** Ends all jobs, each by its own stop ladder, and all agents. */
  close(): Promise<void>;
}

class OpenPool implements Pool {
  readonly #scheduler: Scheduler;
  readonly #retries: number;

  constructor(engines: readonly Engine[], heartbeat: number, retries: number) {
    this.#scheduler = new Scheduler(engines, heartbeat);
    this.#retries = retries;
  }

  get slots(): readonly SlotInfo[] {
    return this.#scheduler.slots;
  }

  get capacity(): number {
    return this.#scheduler.capacity;
  }

  async spawn(
    file: string,
    args?: readonly string[] | SpawnOptions,
    options?: SpawnOptions,
    ...rest: readonly unknown[]
  ): Promise<never> {
    const [words, given] = splitArguments(args, options, rest);
    const planned = planSpawn(file, words, given);
    const lease = await this.#scheduler.acquire({ signal: given.signal });
    try {
      return (await startOn(lease, planned)) as never;
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  async run(
    file: string,
    args?: readonly string[] | RunOptions,
    options?: RunOptions,
    ...rest: readonly unknown[]
  ): Promise<never> {
    const [words, given] = splitArguments(args, options, rest);
    const planned = planRun(file, words, given);
    const tries = new Tries(this.#retries);
    for (;;) {
      const lease = await tries.acquire(this.#scheduler, given.signal);
      const ending = await attempt(lease, planned).finally(() => lease.release());
      if (ending.kind === 'lost' && tries.add(ending, lease.slot)) continue;
      return (await settle(planned, ending)) as never;
    }
  }

  map<T, Out extends Output>(
    items: Source<T>,
    mapper: Mapper<T, Out>,
    options: MapOptions = {},
  ): AsyncIterableIterator<Mapped<T, Out>> {
    return mapOver(this.#scheduler, items, mapper, options);
  }

  close(): Promise<void> {
    return this.#scheduler.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkEngine(option: string, engine: unknown): asserts engine is Engine {
  const { name, argv, connectTimeout } = Object(engine) as Partial<Engine>;
  const hasArgv = argv === undefined || Array.isArray(argv);
  if (typeof name === 'string' && hasArgv && typeof connectTimeout === 'number') return;
  throw invalid(option, engine, 'an engine, such as local(8) or ssh("host", 4)');
}

/**
 * Opens a pool: starts an agent on each slot. Resolves at once; jobs wait until an agent has answered.
 *
 * @throws TypeError for slots that are not engines.
 */
export async function openPool(given: PoolOptions): Promise<Pool> {
  const options = takeOptions('options', given, ['slots', 'heartbeat', 'retries']);
  const { slots, heartbeat = HEARTBEAT, retries = 0 } = options;
  if (!Array.isArray(slots)) throw invalid('slots', slots, 'an array of engines');
  const engines = slots.flat() as readonly unknown[];
  if (engines.length === 0) throw invalid('slots', slots, 'at least one engine');
  for (const [index, engine] of engines.entries()) checkEngine(`slots[${index}]`, engine);
  checkInteger('heartbeat', heartbeat, 100, 2 ** 31 - 1);
  checkInteger('retries', retries, 0, Number.MAX_SAFE_INTEGER);
  return new OpenPool(engines as readonly Engine[], heartbeat, retries);
}
