// What tests of signals have in common, and the programs of helpers/signal-program.ts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Child, type SpawnOptions, spawn } from '#dist/index.js';
import { notify, type SignalInfo, type SignalStream } from '#dist/signal/index.js';
import { bin } from './cli.js';
import { patience } from './patience.js';
import { runtime } from './runtime.js';
import type { State } from './state.js';

notify('SIGURG').stop(); // what the first stream starts, it keeps

/** The command, which is a launcher as well. */
export { bin };

/** How long something that happens at once is given to happen. */
const PATIENCE_MS = patience(30_000);

/** Waits until it is so. */
export async function until(isSo: () => boolean, what = String(isSo)): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, `never: ${what}`);
    await sleep(2);
  }
}

/** Time enough for what must not happen. */
export function aMoment(): Promise<void> {
  return sleep(50);
}

/** Gathers what comes to a stream from now on. */
export function gather(stream: SignalStream): SignalInfo[] {
  const gathered: SignalInfo[] = [];
  stream.on('signal', (info) => gathered.push(info));
  return gathered;
}

/** The signals of a list by name. */
export function names(infos: readonly SignalInfo[]): string[] {
  return infos.map(({ signal }) => signal);
}

/** SIGHUP, SIGINT, SIGUSR1 and SIGTERM: a runtime that keeps its handlers has some of its own. */
const KEPT = runtime.keepsHandlers ? 0x4203n : 0n;

/** A line of /proc/self/status: a set of signals. */
export function signalsOfThisProcess(line: 'SigBlk' | 'SigIgn' | 'SigCgt'): bigint {
  const status = readFileSync('/proc/self/status', 'latin1');
  const set = BigInt(`0x${new RegExp(`^${line}:\\s+(\\w+)`, 'm').exec(status)?.[1]}`);
  return line === 'SigCgt' ? set & ~KEPT : set;
}

/** Ignored signals by number and blocked ones as a set, of what the helper `state` reported. */
export function signalsOf({ dispositions, status }: State): { ignored: bigint; blocked: bigint } {
  let ignored = 0n;
  for (const [number, disposition] of Object.entries(dispositions)) {
    assert.equal(disposition, 1, `signal ${number} is ignored or at default`);
    ignored |= 1n << BigInt(Number(number) - 1);
  }
  return { ignored, blocked: BigInt(`0x${status['SigBlk']}`) };
}

/** A program of which lines are read one after the other. */
export interface Program extends AsyncDisposable {
  readonly child: Pick<Child, 'pid' | 'kill' | 'exited' | 'closed'>;
  /** The next line of its stdout; undefined after the last. */
  line(): Promise<string | undefined>;
}

export async function start(
  file: string,
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Program> {
  const child = await spawn(file, args, { stdin: 'null', ...options, stdout: 'pipe' });
  const lines = child.lines()[Symbol.asyncIterator]();
  return {
    child,
    async line() {
      const { value } = await lines.next();
      return value as string | undefined;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      while (!(await lines.next()).done); // it is closed once all was read
      await child.closed;
    },
  };
}

export const signalProgram: string = fileURLToPath(new URL('signal-program.js', import.meta.url));

/** Runs a mode of helpers/signal-program.ts, by Node or by `forkexec node`. */
export function startMode(
  mode: string,
  args: readonly string[] = [],
  { launcher = false, ...options }: SpawnOptions & { launcher?: boolean } = {},
): Promise<Program> {
  return launcher
    ? start(bin, ['node', signalProgram, mode, ...args], options)
    : start(process.execPath, [signalProgram, mode, ...args], options);
}
