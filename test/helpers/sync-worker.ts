// A Worker that runs commands while its event loop stands still, and posts what came of it.

import { parentPort } from 'node:worker_threads';
import { LaunchError, runSync } from '#dist/index.js';

export interface SyncReport {
  outputs: string[];
  failure: string;
}

if (parentPort !== null) {
  const report: SyncReport = { outputs: [], failure: 'none' };
  for (let index = 0; index < 20; index++) {
    report.outputs.push(runSync('cat', { input: `${index}` }).stdout);
  }
  try {
    runSync('/no/such/program');
  } catch (error) {
    if (error instanceof LaunchError) report.failure = error.code;
  }
  parentPort.postMessage(report);
}
