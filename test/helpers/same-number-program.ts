// Starts two processes of one number, one after the other, in a pid namespace of its own, where it can
// say which number is next; prints what signals for the first do, as JSON.

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Process, startProcess, startProcessSync } from '#dist/process/index.js';

/** Undefined where a thread of this process got the number. */
async function twoOfOneNumber(): Promise<[Process, Process] | undefined> {
  const one = await startProcess('/bin/true', ['true']);
  await one.wait();
  await sleep(20); // where the time of its start is in its id, it counts in hundredths
  writeFileSync('/proc/sys/kernel/ns_last_pid', String(one.pid - 1));
  const two = startProcessSync('/bin/sleep', ['sleep', '1000']);
  if (two.pid === one.pid) return [one, two];
  two.signal('SIGKILL');
  await two.wait();
  return undefined;
}

let two: [Process, Process] | undefined;
while (two === undefined) two = await twoOfOneNumber();
const [old, young] = two;
const reached = [old.signal('SIGKILL'), old.signal('SIGKILL', { scope: 'tree' })];
const terminated = young.signal('SIGTERM');
const { signal } = await young.wait();
console.log(JSON.stringify({ reached, terminated, signal, differ: old.id !== young.id }));
