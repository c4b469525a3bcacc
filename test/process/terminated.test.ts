import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { needsLinux } from '../helpers/backend.js';
import type { Busy } from '../helpers/busy-worker.js';
import { needsTermination } from '../helpers/runtime.js';
import { until } from '../helpers/streams.js';
import { children, openDescriptors, test, threads } from '../helpers/test.js';

const file = fileURLToPath(new URL('../helpers/busy-worker.js', import.meta.url));

/** The threads of the runtime; those of the library come and go. */
function runtimeThreads(): number {
  return threads().filter((name) => !name.startsWith('forkexec')).length;
}

/** Ends a Worker `ms` after it began. */
async function terminateAfter(ms: number, workerData: Busy): Promise<void> {
  const before = runtimeThreads();
  const worker = new Worker(file, { workerData });
  await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await new Promise((resolve) => setTimeout(resolve, ms));
  await worker.terminate();
  // A thread that was joined is listed for a moment yet, and would be counted as of the next test.
  await until('the thread is gone', () => runtimeThreads() <= before);
}

/** Ends Workers in the midst of what they do, and compares what is left with what was there. */
async function assertNothingIsLeft(busy: Busy): Promise<void> {
  await terminateAfter(5, busy); // what the runtime keeps once there was a Worker
  const before = openDescriptors().length;
  for (let round = 0; round < 5; round++) await terminateAfter(1 + 3 * round, busy);
  await until('nothing is left', () => {
    return children().length === 0 && openDescriptors().length <= before;
  });
}

test('a Worker that is terminated while it runs pipelines leaves no descriptor and no child', () =>
  assertNothingIsLeft('pipeline'));

test('a Worker that is terminated while it opens files leaves no descriptor and no child', () =>
  assertNothingIsLeft('files'));

test('a Worker that is terminated while it runs commands synchronously leaves no descriptor and no child', () => {
  needsTermination();
  return assertNothingIsLeft('sync');
});

test('a Worker that is terminated while it opens processes leaves no descriptor', () => {
  needsLinux('pidfds');
  needsTermination();
  return assertNothingIsLeft('opened');
});

test('a Worker that is terminated while it opens terminals leaves no descriptor', () => {
  needsTermination();
  return assertNothingIsLeft('terminal');
});

test('a Worker that waits in runSync is terminated before its child ends, which is reaped then', async () => {
  needsTermination();
  let left: string[] = [];
  await terminateAfter(0, 'waiting');
  // Whether the child had been started by then is the scheduler's choice.
  for (let round = 0; left.length === 0 && round < 20; round++) {
    await terminateAfter(50, 'waiting');
    left = children();
  }
  assert.ok(left.length > 0, 'the Worker ended before its child');
  await until('the child is reaped', () => children().length === 0);
});
