// A Worker that opens and closes descriptors without FD_CLOEXEC, as fast as it can.
//
// workerData is the SharedArrayBuffer of two numbers: how many were opened, and 1 to end.

import { parentPort, workerData } from 'node:worker_threads';
import { attempt, close } from '#dist/syscall/call.js';

if (parentPort !== null) {
  const shared = new Int32Array(workerData as SharedArrayBuffer);
  while (Atomics.load(shared, 1) === 0) {
    const fds = Array.from({ length: 8 }, () => attempt('dup', 1));
    Atomics.add(shared, 0, fds.filter((fd) => fd >= 0).length);
    for (const fd of fds) if (fd >= 0) close(fd);
  }
}
