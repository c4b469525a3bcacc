// For bench/signal.mjs: queues real-time signals with the values 0, 1, … to a process, and prints how
// often the kernel's queue was full.
import { E, rawSyscall, SI, SYS } from '../lib/syscall.js';

const [pid, number, count] = process.argv.slice(2).map(Number);
const info = new Int32Array(32);
info.set([number, 0, SI.SI_QUEUE, 0, process.pid, process.getuid()]);
let full = 0;
for (let value = 0; value < count; value++) {
  info[6] = value;
  for (;;) {
    const { errno } = rawSyscall(SYS.rt_sigqueueinfo, pid, number, info);
    if (errno === 0) break;
    if (errno !== E.EAGAIN) throw new Error(`rt_sigqueueinfo: errno ${errno}`);
    full++;
  }
}
console.log(full);
