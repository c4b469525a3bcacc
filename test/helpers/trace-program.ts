// A tracer that can be killed.
//
//   trace-program MODE FILE     writes the pid of its tracee to FILE, and waits forever

import { writeFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { startProcess, startProcessSync, trace } from '#dist/process/index.js';

const QUIET = { files: ['null', 'null', 'null'] } as const;

/** What a Worker reports: how its tracee stopped and ended. */
async function traceHere(): Promise<string[]> {
  const child = await startProcess('/bin/sh', ['sh', '-c', 'kill -USR1 $$; exit 4'], {
    ...QUIET,
    ptrace: true,
  });
  const tracee = await trace(child);
  const seen: string[] = [];
  await tracee.continue();
  for (let stop = await tracee.next(); stop !== undefined; stop = await tracee.next()) {
    seen.push(stop.signal);
    await tracee.continue();
  }
  return [...seen, String(await child.wait())];
}

if (isMainThread) {
  const [mode = '', file = ''] = process.argv.slice(2);
  if (mode === 'worker') {
    new Worker(new URL(import.meta.url)).on('message', (seen: string[]) => {
      writeFileSync(file, seen.join());
    });
  } else {
    const options = { ...QUIET, ptrace: true };
    const child =
      mode === 'sync'
        ? startProcessSync('/bin/sleep', ['sleep', '60'], options)
        : await startProcess('/bin/sleep', ['sleep', '60'], options);
    if (mode === 'traced') {
      const tracee = await trace(child);
      await tracee.continue();
    }
    setImmediate(() => setImmediate(() => writeFileSync(file, String(child.pid))));
    setInterval(() => {}, 60_000);
  }
} else {
  parentPort?.postMessage(await traceHere());
}
