// A program of its own, to see what keeps its event loop alive and how it ends.
//
//   loop MODE     writes one line of JSON when it exits

import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type LaunchOptions,
  Process,
  startProcess,
  startProcessSync,
} from '#dist/process/index.js';

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
  startProcess('/bin/sleep', ['sleep', '1000'], { ...QUIET, ...options });

const aMoment = (): Promise<Process> => startProcess('/bin/sleep', ['sleep', '0.2'], QUIET);

/** Each returns the process to report on. */
const modes: Record<string, (report: Partial<LoopReport>) => Promise<Process> | Process> = {
  /** A child keeps the event loop alive even if nobody waits for it. */
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

  /** A process that was opened keeps nothing alive by itself. */
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

  exit: async () => {
    const child = await forever();
    setImmediate(() => process.exit(7));
    return child;
  },

  /** Killed by a signal with a child that is to follow it. */
  async killed() {
    const child = await forever({ parentDeathSignal: 'SIGUSR1' });
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report: Partial<LoopReport> = {};
  const shown = await modes[process.argv[2] as string]?.(report);
  const tell = (): void => {
    const ended = shown?.status()?.toString() ?? null;
    writeSync(1, `${JSON.stringify({ ...report, pid: shown?.pid, ended })}\n`);
  };
  if (process.argv[2] === 'killed') tell();
  else process.on('exit', tell);
}
