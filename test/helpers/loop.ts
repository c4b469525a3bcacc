// A program of its own, to see what keeps its event loop alive and how it ends.
//
//   loop MODE ARGUMENT     writes one line of JSON when it exits

import assert from 'node:assert/strict';
import { existsSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import {
  type LaunchOptions,
  Process,
  startProcess,
  startProcessSync,
} from '#dist/process/index.js';
import { patience } from './patience.js';

/** What a mode has to tell. */
export interface LoopReport {
  /** The pid of the child, which may run on. */
  pid: number;
  /** How the child had ended when this program exited, or null while it ran. */
  ended: string | null;
  /** Anything else. */
  note?: string;
}

/** Without this program's stdout, which would not end before the child does. */
const QUIET = { files: ['null', 'null', 'null'] } as const;

const forever = (options: LaunchOptions = {}): Promise<Process> =>
  startProcess('/bin/sleep', ['sleep', '60'], { ...QUIET, ...options });

const aMoment = (): Promise<Process> => startProcess('/bin/sleep', ['sleep', '0.2'], QUIET);

/** Each returns the process to report on. */
const modes: Record<
  string,
  (report: Partial<LoopReport>, argument: string) => Promise<Process> | Process
> = {
  /** A child keeps the event loop alive even if no promise waits for it. */
  child: aMoment,
  childSync: () => startProcessSync('/bin/sleep', ['sleep', '0.2'], QUIET),

  async unref() {
    const child = await forever();
    child.unref();
    child.unref(); // twice is as good as once
    return child;
  },

  async unrefWhileAwaited(report) {
    const child = await forever();
    child.unref();
    void child.wait().then(() => {
      report.note = 'awaited';
    });
    return child;
  },

  async refAgain() {
    const child = await aMoment();
    child.unref();
    child.ref();
    child.ref();
    return child;
  },

  /** A process that was opened does not keep the event loop alive. */
  async opened() {
    const child = await forever();
    child.unref();
    return Process.open(child.pid);
  },

  async openedAndAwaited() {
    const child = await aMoment();
    child.unref();
    const opened = Process.open(child.pid);
    void opened.wait();
    return opened;
  },

  async openedAndReferenced() {
    const child = await aMoment();
    child.unref();
    const opened = Process.open(child.pid);
    opened.ref();
    void opened.wait();
    return opened;
  },

  /** Its waiters are not left waiting when the handle is given up. */
  async disposedWhileAwaited(report) {
    const child = await aMoment();
    const opened = Process.open(child.pid);
    const over = (): void => {
      report.note = 'settled';
    };
    opened.wait().then(over, over);
    opened[Symbol.dispose]();
    await child.wait();
    return child;
  },

  /** What is done with it after that reaches no other, which may have its descriptor's number. */
  async disposedThenSignalled(report) {
    const [one, two] = await Promise.all([forever(), forever()]);
    const first = Process.open(one.pid);
    first.wait().catch(() => {});
    first[Symbol.dispose]();
    using second = Process.open(two.pid);
    report.note = `${second.pid !== first.pid && first.signal('SIGKILL')}`;
    for (const child of [one, two]) child.signal('SIGTERM');
    await one.wait();
    await two.wait();
    return two;
  },

  exit: async () => {
    const child = await forever();
    setImmediate(() => process.exit(7));
    return child;
  },

  /** Killed with a child that is to follow it, and writes to the file when it does. */
  async killed(_report, file) {
    const script = `trap 'echo got USR1 > "$0"; exit' USR1; echo > "$0"; while :; do sleep 0.05; done`;
    const child = await startProcess('/bin/sh', ['sh', '-c', script, file], {
      ...QUIET,
      parentDeathSignal: 'SIGUSR1',
    });
    while (!existsSync(file)) await new Promise((resolve) => setImmediate(resolve));
    setImmediate(() => process.kill(process.pid, 'SIGKILL'));
    return child;
  },

  /** As if this process had ended before the child could arm the signal. */
  async parentGone(report) {
    Object.defineProperty(process, 'pid', { value: 0x3fff_fff0 });
    const args = ['sh', '-c', 'echo it ran'];
    const child = await startProcess('/bin/sh', args, { parentDeathSignal: 'SIGUSR1' });
    report.note = String(await child.wait());
    return child;
  },
};

/** Runs a mode to its end. */
export async function loop(
  mode: string,
  argument = '',
): Promise<LoopReport & { code: number | null }> {
  const args = [fileURLToPath(import.meta.url), mode, argument];
  const { stdout, status } = await run(process.execPath, args, {
    stderr: 'inherit',
    reject: false,
    timeout: patience(10_000),
    stop: { signal: 'SIGKILL' },
  });
  assert.notEqual(status.reason, 'timeout', 'its event loop did not end');
  return { ...(JSON.parse(stdout) as LoopReport), code: status.code };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [mode, argument] = process.argv.slice(2) as [string, string];
  const report: Partial<LoopReport> = {};
  const shown = await modes[mode]?.(report, argument);
  const tell = (): void => {
    const ended = shown?.status()?.toString() ?? null;
    writeSync(1, `${JSON.stringify({ ...report, pid: shown?.pid, ended })}\n`);
  };
  if (mode === 'killed') tell();
  else process.on('exit', tell);
}
