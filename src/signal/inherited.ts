/**
 * The signal dispositions, mask and limits that this process was started with.
 *
 * @module
 */
import { native } from '../native.js';
import { ACTION } from '../protocol.js';
import type { SignalName } from '../syscall/signals.js';
import { status } from '../thread.js';
import { record } from './record.js';
import { table } from './table.js';

/** The state that a process was started with. */
export interface Inherited {
  /** Signals that were ignored, as nohup(1) does with SIGHUP. */
  readonly ignored: readonly SignalName[];
  /** Signals that were blocked. */
  readonly blocked: readonly SignalName[];
  /**
   * Where the values come from: `'launcher'` is `forkexec node`, which reads them before the
   * runtime starts; `'process'` is this process, in which the runtime has reset most of them.
   */
  readonly source: 'launcher' | 'process';
  /** The soft and hard limit of open files; undefined without the launcher. */
  readonly nofile?: readonly [soft: number, hard: number];
}

/** SIGPIPE and SIGXFSZ: the runtime ignores them, whatever was inherited. */
const RUNTIME_IGNORES = (1n << 12n) | (1n << 24n);

function names(set: bigint): SignalName[] {
  return table.filter(({ number }) => (set >> BigInt(number - 1)) & 1n).map(({ name }) => name);
}

function ignoredNow(): bigint {
  let set = 0n;
  for (const { number } of table) {
    if (native.signalAction(number) === ACTION.ignored) set |= 1n << BigInt(number - 1);
  }
  return set;
}

/** The sets of this thread, as the kernel shows them: the addon need not be loaded for it. */
function kernelSets(): { ignored: bigint; blocked: bigint } | undefined {
  const [, blocked, ignored] = /^SigBlk:\t(\w+)\nSigIgn:\t(\w+)$/m.exec(status) ?? [];
  if (blocked === undefined) return undefined;
  return { ignored: BigInt(`0x${ignored}`), blocked: BigInt(`0x${blocked}`) };
}

/** Taken now, because the program may change them from here on. */
function setsNow(): Inherited {
  const sets = kernelSets() ?? { ignored: ignoredNow(), blocked: native.signalMask() };
  const ignored = names(sets.ignored & ~RUNTIME_IGNORES);
  return { ignored, blocked: names(sets.blocked), source: 'process' };
}

/** The signals and limits that this process was started with. */
export const inherited: Inherited =
  record === undefined
    ? setsNow()
    : {
        ignored: names(record.ignored),
        blocked: names(record.blocked),
        source: 'launcher',
        nofile: record.nofile,
      };
