/**
 * The signals that this process was started with.
 *
 * A JavaScript runtime resets them before anything of ours runs. The launcher, `forkexec node`,
 * looks at them first and leaves a record in the environment: FORKEXEC_INHERITED is
 * `ignored:blocked:soft:hard`, the sets in hexadecimal as /proc/PID/status has them and the limits
 * of open files as ulimit prints them.
 *
 * @module
 */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { native } from '../native.js';
import { call } from '../syscall/call.js';
import { SIG_HOW } from '../syscall/constants.js';
import type { SignalName } from '../syscall/signals.js';
import { setIgnored } from './hub.js';
import { table } from './table.js';

/** What a process was started with. */
export interface Inherited {
  /** Signals that were ignored, as nohup(1) does with SIGHUP. */
  readonly ignored: readonly SignalName[];
  /** Signals that were blocked. */
  readonly blocked: readonly SignalName[];
  /** Who says so: the launcher, or this process as the runtime left it. */
  readonly source: 'launcher' | 'process';
  /** The soft and hard limit of open files; undefined without the launcher. */
  readonly nofile?: readonly [soft: number, hard: number];
}

const VARIABLE = 'FORKEXEC_INHERITED';
const RECORD = /^([0-9a-f]{1,16}):([0-9a-f]{1,16}):(\d+|unlimited):(\d+|unlimited)$/i;

/** SIGPIPE and SIGXFSZ: what the runtime ignores is no inheritance. */
const RUNTIME_IGNORES = (1n << 12n) | (1n << 24n);

function names(set: bigint): SignalName[] {
  return table.filter(({ number }) => (set >> BigInt(number - 1)) & 1n).map(({ name }) => name);
}

function toLimit(text: string): number {
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text);
}

function ignoredNow(): bigint {
  let set = 0n;
  for (const { number } of table) {
    if (native.signalAction(number) === 1) set |= 1n << BigInt(number - 1);
  }
  return set & ~RUNTIME_IGNORES;
}

/** The launcher's record, which is handed on to Workers and to other copies of this library. */
function recordOf(): string {
  const record = isMainThread ? process.env[VARIABLE] : undefined;
  if (record === undefined) return String(getEnvironmentData(VARIABLE) ?? '');
  // It is of this process: its children are told anew, or not at all.
  delete process.env[VARIABLE];
  setEnvironmentData(VARIABLE, record);
  return record;
}

function find(): Inherited {
  const record = RECORD.exec(recordOf());
  if (record === null) {
    return { ignored: names(ignoredNow()), blocked: names(native.signalMask()), source: 'process' };
  }
  const [, ignoredSet, blockedSet, soft, hard] = record as unknown as [string, ...string[]];
  return {
    ignored: names(BigInt(`0x${ignoredSet}`)),
    blocked: names(BigInt(`0x${blockedSet}`)),
    source: 'launcher',
    nofile: [toLimit(soft as string), toLimit(hard as string)],
  };
}

/** What this process was started with. */
export const inherited: Inherited = find();

/**
 * Puts back what the runtime undid: what was ignored is ignored, what was blocked is blocked. SIGCHLD
 * is not: of a process that ignores it the kernel forgets how its children end.
 */
export function restoreInherited(): void {
  // A Worker has all of it from the main thread, which may have changed it since.
  if (inherited.source !== 'launcher' || !isMainThread) return;
  let blocked = 0n;
  for (const { name, number } of table) {
    if (inherited.ignored.includes(name) && name !== 'SIGCHLD') setIgnored(number, true);
    if (inherited.blocked.includes(name)) blocked |= 1n << BigInt(number - 1);
  }
  const set = new BigUint64Array([blocked]);
  call('rt_sigprocmask', SIG_HOW.SIG_BLOCK, set, null, 8);
}
