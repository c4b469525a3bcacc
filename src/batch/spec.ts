/**
 * From the options of a command to what an agent is asked for, and to the streams on this side.
 *
 * @module
 */
import type { JobSpec, WireStdio } from '../agent/protocol.js';
import type { Checked } from '../command/checked.js';
import { checkRun, checkSpawn } from '../command/checked.js';
import type { RunOptions, SpawnOptions, Stdio } from '../command/options.js';
import { isFile } from '../command/stdio.js';
import { isSink, isSource, type Sink, type Source } from '../command/transfer.js';
import { attributes } from '../launch/order.js';
import { checkPath, refused } from '../syscall/check.js';

/** A job, and what is at our ends of its streams. */
export interface Planned {
  readonly spec: JobSpec;
  /** With the defaults of this process worked in; for results and messages. */
  readonly checked: Checked;
  readonly inputs: ReadonlyMap<number, Source | undefined>;
  readonly outputs: ReadonlyMap<number, Sink | undefined>;
}

const NAMES = ['stdin', 'stdout', 'stderr'];

const nameOf = (fd: number): string => NAMES[fd] ?? `fds.${fd}`;

/** What has no meaning on a slot, which may be another machine. */
function refuseLocal(options: RunOptions): void {
  const on = 'cannot be used on a slot, which may be on another machine';
  for (const name of ['terminal', 'detached', 'ptrace', 'lifetime', 'ready'] as const) {
    if (options[name] !== undefined && options[name] !== false) {
      const why = name === 'lifetime' ? 'is that of the slot, whose jobs end with it' : on;
      throw refused(name, why);
    }
  }
  for (const { descriptorsIn } of attributes) {
    for (const [path, value] of Object.entries(descriptorsIn?.(options) ?? {})) {
      if (typeof value === 'number') throw refused(path, `is a descriptor, which ${on}`);
    }
  }
}

function wireOf(
  fd: number,
  stdio: Stdio,
  isGiven: boolean,
): { wire: WireStdio; attached?: Source | Sink | undefined } {
  if (stdio === 'null') return { wire: stdio };
  if (stdio === 'stdout') return { wire: stdio };
  if (stdio === 'pipe') return { wire: fd === 0 ? 'in' : 'out' };
  if (stdio === 'inherit' && fd === 0 && !isGiven) return { wire: 'null' };
  if (stdio === 'inherit' && (fd === 1 || fd === 2)) {
    return { wire: 'out', attached: fd === 1 ? process.stdout : process.stderr };
  }
  if (typeof stdio === 'number' || stdio === 'inherit') {
    throw refused(nameOf(fd), 'cannot be a descriptor of this process on a slot');
  }
  if (stdio === 'socket') throw refused(nameOf(fd), "cannot be 'socket' on a slot: use 'pipe'");
  if (isFile(stdio)) {
    const { file } = stdio;
    return { wire: { ...stdio, file: checkPath(nameOf(fd), file) } };
  }
  // What is both is meant to be read at stdin alone.
  if (fd !== 0 && isSink(stdio)) return { wire: 'out', attached: stdio };
  if (isSource(stdio)) return { wire: 'in', attached: stdio };
  return { wire: 'out', attached: stdio as Sink };
}

/** Options that stay on this side. */
const OURS = [
  'stdin',
  'stdout',
  'stderr',
  'fds',
  'signal',
  'verbose',
  'input',
  'lines',
  'encoding',
];
const OF_RESULTS = [
  'maxBuffer',
  'exitCodes',
  'reject',
  'stripFinalNewline',
  'lifetime',
  'detached',
];
const KEPT = new Set([...OURS, ...OF_RESULTS, 'terminal']);

function optionsOf(given: RunOptions, waitDelay: number): RunOptions {
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!KEPT.has(name) && value !== undefined) options[name] = value;
  }
  options['waitDelay'] ??= waitDelay;
  return options;
}

function plan(checked: Checked, given: RunOptions, waitDelay: number, isRun: boolean): Planned {
  refuseLocal(given);
  const inputs = new Map<number, Source | undefined>();
  const outputs = new Map<number, Sink | undefined>();
  const stdio: [number, WireStdio][] = [];
  for (const [fd, each] of checked.stdio) {
    const isGiven = fd !== 0 || given.stdin !== undefined;
    const { wire, attached } = wireOf(fd, each, isGiven);
    stdio.push([fd, wire]);
    if (wire === 'in') inputs.set(fd, attached as Source | undefined);
    if (wire === 'out') outputs.set(fd, attached as Sink | undefined);
  }
  const { file, args } = checked;
  const scope = isRun ? 'tree' : 'process';
  const sent = optionsOf(given, waitDelay);
  const spec = { file, args, options: sent, stdio, scope, watched: !isRun } as const;
  return { spec, checked, inputs, outputs };
}

/** What `run` takes, for a slot. */
export function planRun(file: string, args: readonly string[], options: RunOptions): Planned {
  return plan(checkRun(file, args, options), options, 1000, true);
}

/** What `spawn` takes, for a slot. */
export function planSpawn(file: string, args: readonly string[], options: SpawnOptions): Planned {
  return plan(checkSpawn(file, args, options), options, Number.POSITIVE_INFINITY, false);
}
