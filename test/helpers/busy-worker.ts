// A Worker that makes descriptors without end, and is terminated at any moment; workerData says how it
// makes them.

import { parentPort, workerData } from 'node:worker_threads';
import { command, run, runSync } from '#dist/index.js';
import { Process } from '#dist/process/index.js';
import { openTerminal } from '#dist/terminal/index.js';

const forever = async (once: () => Promise<unknown>): Promise<never> => {
  for (;;) await once();
};

/** Each works until the Worker is terminated. */
const BUSY = {
  pipeline: () =>
    forever(() => command('echo', ['word']).pipe(command('cat')).pipe(command('wc')).run()),
  files: () => forever(() => run('true', { stdin: { file: '/dev/null' }, stdout: 'pipe' })),
  sync: async () => {
    for (;;) runSync('echo', ['word']);
  },
  opened: async () => {
    for (;;) Process.open(process.pid)[Symbol.dispose]();
  },
  terminal: () => forever(() => openTerminal().close()),
  waiting: async () => runSync('sleep', ['1']),
};

export type Busy = keyof typeof BUSY;

if (parentPort !== null) {
  parentPort.postMessage('begins');
  await BUSY[workerData as Busy]();
}
