// Our own thread that hands signals on, kept from running while this one does.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { call } from '#dist/syscall/call.js';

const SCHED_OTHER = 0;
const SCHED_IDLE = 5;

function watcher(): number {
  const names = readdirSync('/proc/self/task');
  const found = names.find((tid) => {
    return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8') === 'forkexec-watch\n';
  });
  assert.ok(found !== undefined, 'the watching thread runs');
  return Number(found);
}

/**
 * Calls `use` while this thread and the watching thread share one processor, which the latter gets only
 * when nothing else wants it: sched(7). `use` must not wait for anything.
 */
export function whileWatcherStarves(use: () => void): void {
  const tid = watcher();
  const own = new BigUint64Array(128);
  const size = call('sched_getaffinity', 0, own.byteLength, own);
  const one = new BigUint64Array(own.length);
  const at = own.findIndex((word) => word !== 0n);
  const word = own[at] as bigint;
  one[at] = word & -word;
  const set = (cpus: BigUint64Array, policy: number): void => {
    for (const thread of [0, tid]) call('sched_setaffinity', thread, size, cpus);
    call('sched_setscheduler', tid, policy, Int32Array.of(0));
  };
  set(one, SCHED_IDLE);
  try {
    use();
  } finally {
    set(own, SCHED_OTHER);
  }
}
