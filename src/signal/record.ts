/**
 * The launcher's record of the state that this process was started with.
 *
 * A JavaScript runtime resets signals, and opens descriptors, before this library is loaded.
 * bin/forkexec.js runs first and leaves a record in the environment: FORKEXEC_INHERITED is
 * `ignored:blocked:soft:hard:descriptors`, the sets in hexadecimal as in /proc/PID/status, the
 * limits of open files as in /proc/PID/limits, and the open descriptors each after a comma.
 *
 * `forkexec node` loads this module before every program, so it does not import the tables of
 * constants.
 *
 * @module
 */
import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { isMainThread } from '../thread.js';

/** The launcher's record; sets have bit n-1 for signal n. */
export interface LauncherRecord {
  readonly ignored: bigint;
  readonly blocked: bigint;
  readonly nofile: readonly [soft: number, hard: number];
  /** The descriptors that were open. */
  readonly descriptors: ReadonlySet<number>;
}

const VARIABLE = 'FORKEXEC_INHERITED';
const RECORD = /^([0-9a-f]{1,16}):([0-9a-f]{1,16}):(\d+|unlimited):(\d+|unlimited):((?:,\d+)*)$/i;

function toLimit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** Where this thread keeps the text for other copies of this library, which find no variable. */
const KEPT = Symbol.for('forkexec.inherited');

/**
 * Takes the text from the environment, and keeps it for Workers and other copies of this library.
 */
function takeText(): string {
  const kept: unknown = Reflect.get(process, KEPT);
  if (typeof kept === 'string') return kept;
  const set = isMainThread ? process.env[VARIABLE] : getEnvironmentData(VARIABLE);
  if (typeof set !== 'string') return '';
  Object.defineProperty(process, KEPT, { value: set });
  if (isMainThread) {
    // The record is of this process alone: its children get their own, or none.
    delete process.env[VARIABLE];
    setEnvironmentData(VARIABLE, set);
  }
  return set;
}

function parse(text: string): LauncherRecord | undefined {
  const [, ignored, blocked, soft, hard, descriptors] = (RECORD.exec(text) ?? []) as (
    | string
    | undefined
  )[];
  if (ignored === undefined || blocked === undefined) return undefined;
  return {
    ignored: BigInt(`0x${ignored}`),
    blocked: BigInt(`0x${blocked}`),
    nofile: [toLimit(soft as string), toLimit(hard as string)],
    descriptors: new Set((descriptors as string).split(',').slice(1).map(Number)),
  };
}

/** The record; undefined if the launcher did not start this process. */
export const record: LauncherRecord | undefined = parse(takeText());
