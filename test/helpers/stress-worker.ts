// A Worker that is ended in the midst of what it does; workerData says which it is.

import { parentPort, workerData } from 'node:worker_threads';
import { run, spawn } from '#dist/index.js';
import { startProcess, startProcessSync } from '#dist/process/index.js';
import { forkExec } from '#dist/syscall.js';

export const KINDS = ['children', 'childrenSync', 'launching', 'reading', 'writing'] as const;
export type Kind = (typeof KINDS)[number] | 'forking';

/** Posted once it may be ended. */
export interface Ready {
  /** Children that outlive the Worker and end with the process. */
  survivors: number[];
}

const SLEEP = ['sleep', '1000'];
const MORTAL = { parentDeathSignal: 'SIGKILL', files: ['null', 'null', 'null'] } as const;

async function begin(kind: Kind): Promise<number[]> {
  switch (kind) {
    case 'children': {
      const children = [1, 2].map(() => startProcess('/bin/sleep', SLEEP, MORTAL));
      return (await Promise.all(children)).map(({ pid }) => pid);
    }
    case 'childrenSync':
      return [1, 2].map(() => startProcessSync('/bin/sleep', SLEEP, MORTAL).pid);
    case 'launching':
      for (let count = 0; count < 20; count++) void startProcess('/bin/true', ['true']);
      return [];
    // Its caller is the one to reap: until it was told the pid, nobody but the library can.
    case 'forking':
      for (let count = 0; count < 20; count++) void forkExec('/bin/true', ['true']);
      return [];
    case 'reading': {
      const child = await spawn('yes', { stdout: 'pipe' });
      child.stdout.on('data', () => {});
      return [];
    }
    case 'writing':
      void run('cat', { input: Buffer.alloc(50_000_000), encoding: 'buffer' });
      return [];
  }
}

if (parentPort !== null) {
  setInterval(() => {}, 1000);
  const survivors = await begin(workerData as Kind);
  parentPort.postMessage({ survivors } satisfies Ready);
}
