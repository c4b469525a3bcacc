/**
 * The launcher's record of what this process was started with.
 *
 * A JavaScript runtime resets signals before anything of ours runs. bin/forkexec.js looks at them
 * first and leaves a record in the environment: FORKEXEC_INHERITED is `ignored:blocked:soft:hard`,
 * the sets in hexadecimal as /proc/PID/status has them and the limits of open files as
 * /proc/PID/limits does.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';

/** The launcher's record; sets have bit n-1 for signal n. */
export interface LauncherRecord {
  readonly ignored: bigint;
  readonly blocked: bigint;
  readonly nofile: readonly [soft: number, hard: number];
}

const VARIABLE = 'FORKEXEC_INHERITED';
const RECORD = /^([0-9a-f]{1,16}):([0-9a-f]{1,16}):(\d+|unlimited):(\d+|unlimited)$/i;

function toLimit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

/** The text is handed on to Workers and to other copies of this library. */
function takeText(): string {
  const text = isMainThread ? process.env[VARIABLE] : undefined;
  if (text === undefined) return String(getEnvironmentData(VARIABLE) ?? '');
  // It is of this process: its children are told anew, or not at all.
  delete process.env[VARIABLE];
  setEnvironmentData(VARIABLE, text);
  return text;
}

function parse(text: string): LauncherRecord | undefined {
  const [, ignored, blocked, soft, hard] = (RECORD.exec(text) ?? []) as (string | undefined)[];
  if (ignored === undefined || blocked === undefined) return undefined;
  return {
    ignored: BigInt(`0x${ignored}`),
    blocked: BigInt(`0x${blocked}`),
    nofile: [toLimit(soft as string), toLimit(hard as string)],
  };
}

/** Undefined where the launcher did not start this process. */
export const record: LauncherRecord | undefined = parse(takeText());
