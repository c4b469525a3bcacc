// Tracing on the main thread, which forkExecSync makes the parent.

import assert from 'node:assert/strict';
import { closeSync, openSync, readSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { forkExec, forkExecSync } from '#dist/process/fork-exec.js';
import { PTRACE, SIG, W } from '#dist/syscall/constants.js';
import { kill } from '#dist/syscall/groups.js';
import * as trace from '#dist/syscall/ptrace.js';
import { type WaitStatus, wait4, wait4Sync } from '#dist/syscall/wait.js';
import { needsLinux } from '../helpers/backend.js';
import { test } from '../helpers/test.js';
import { fixture } from './fixtures/run.js';

const sys = { ptrace: true };

function next(pid: number, options = 0): WaitStatus {
  return wait4Sync(pid, options)?.status as WaitStatus;
}

/** A shell that is stopped before its first instruction. */
function tracee(script: string): number {
  const pid = forkExecSync('/bin/sh', ['sh', '-c', script], { sys });
  const status = next(pid);
  assert.deepEqual([status.stopSignal(), status.trapCause()], [SIG.SIGTRAP, 0]);
  return pid;
}

function end(pid: number): void {
  kill(pid, 'SIGKILL');
  assert.equal(next(pid).signal(), SIG.SIGKILL);
}

/** What both architectures have, under one name. */
function registers(pid: number): { pc: bigint; sp: bigint } {
  const all = trace.ptraceGetRegs(pid);
  return 'rip' in all ? { pc: all.rip, sp: all.rsp } : all;
}

const ESRCH = { name: 'SystemError', code: 'ESRCH', syscall: 'ptrace' };

test('ptrace follows a child from its execve to its exit', () => {
  const pid = tracee('exit 3');
  const { PTRACE_O_TRACEEXIT, PTRACE_O_EXITKILL, PTRACE_EVENT_EXIT } = PTRACE;
  trace.ptraceSetOptions(pid, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
  trace.ptraceCont(pid);
  assert.equal(next(pid).trapCause(), PTRACE_EVENT_EXIT);
  assert.equal(trace.ptraceGetEventMsg(pid), 3 << 8);
  trace.ptraceCont(pid);
  assert.equal(next(pid).exitStatus(), 3);
});

test('a signal stops a tracee, and ptraceCont delivers it or not', () => {
  for (const [deliver, code] of [
    [true, 4],
    [false, 5],
  ] as const) {
    const pid = tracee("trap 'exit 4' USR1; kill -USR1 $$; exit 5");
    trace.ptraceCont(pid);
    assert.equal(next(pid).stopSignal(), SIG.SIGUSR1);
    trace.ptraceCont(pid, deliver ? 'SIGUSR1' : 0);
    assert.equal(next(pid).exitStatus(), code);
  }
});

test('PTRACE_O_TRACEFORK stops a tracee at a fork, with the pid of the child', () => {
  const pid = tracee('/bin/true; exit 6');
  const { PTRACE_O_TRACEFORK, PTRACE_O_TRACEVFORK, PTRACE_O_TRACECLONE } = PTRACE;
  const { PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE } = PTRACE;
  trace.ptraceSetOptions(pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE);
  trace.ptraceCont(pid);
  const event = next(pid).trapCause();
  assert.ok([PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE].includes(event));
  const child = trace.ptraceGetEventMsg(pid);
  assert.ok(next(child, W.__WALL).stopped());
  trace.ptraceDetach(child);
  trace.ptraceDetach(pid);
  assert.equal(next(pid).exitStatus(), 6);
});

test('ptracePeekData and ptracePokeData take any address and length', () => {
  needsLinux('memfd_create'); // before there is a tracee
  const pid = tracee('exit 0');
  const { sp } = registers(pid);
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const inMemory = (address: bigint, length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      readSync(memory, bytes, 0, length, address);
      return bytes;
    };
    for (const offset of [0n, 1n, 7n]) {
      for (const length of [0, 1, 7, 8, 9, 16, 41]) {
        const at = sp + 64n + offset;
        assert.deepEqual(trace.ptracePeekData(pid, at, length), inMemory(at, length));
        const around = inMemory(at - 16n, length + 32);
        const bytes = Uint8Array.from({ length }, (_, index) => 0xa0 + index);
        trace.ptracePokeData(pid, at, bytes);
        around.set(bytes, 16);
        assert.deepEqual(inMemory(at - 16n, length + 32), around);
      }
    }
  } finally {
    closeSync(memory);
  }
  assert.equal(trace.ptracePeekData(pid, Number(sp), 4).length, 4);
  assert.throws(() => trace.ptracePeekData(pid, 8, 8), { code: 'EIO' });
  assert.throws(() => trace.ptracePokeData(pid, 8, new Uint8Array(8)), { code: 'EIO' });
  for (const wrong of [undefined, '1', 1.5, -1]) {
    const peek = (): unknown => trace.ptracePeekData(pid, wrong as number, 8);
    assert.throws(peek, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  end(pid);
});

test('ptracePeekData reads the last bytes before unmapped memory', () => {
  needsLinux('memfd_create');
  const pid = tracee('exit 0');
  // The stack begins above the environment and ends with a page.
  const { sp } = registers(pid);
  let top = (sp | 4095n) + 1n;
  const there = (address: bigint): boolean => {
    try {
      return trace.ptracePeekData(pid, address, 1).length === 1;
    } catch {
      return false;
    }
  };
  while (there(top)) top += 4096n;
  for (const length of [1, 3, 8, 13]) {
    assert.equal(trace.ptracePeekData(pid, top - BigInt(length), length).length, length);
  }
  end(pid);
});

test('ptraceSetRegs turns exit(3) of a tracee into exit(9)', () => {
  needsLinux('memfd_create');
  const pid = tracee('exit 3');
  trace.ptraceSetOptions(pid, PTRACE.PTRACE_O_TRACESYSGOOD);
  const exitGroup = process.arch === 'arm64' ? 94n : 231n;
  for (;;) {
    trace.ptraceSyscall(pid);
    assert.equal(next(pid).stopSignal(), SIG.SIGTRAP | 0x80);
    const all = trace.ptraceGetRegs(pid);
    const number = 'orig_rax' in all ? all.orig_rax : all.regs[8];
    if (number !== exitGroup) continue;
    assert.equal('rdi' in all ? all.rdi : all.regs[0], 3n);
    if ('rdi' in all) trace.ptraceSetRegs(pid, { rdi: 9n });
    else trace.ptraceSetRegs(pid, { regs: [9n, ...all.regs.slice(1)] });
    const { pc } = registers(pid);
    assert.equal('rip' in all ? all.rip : all.pc, pc);
    break;
  }
  assert.throws(() => trace.ptraceSetRegs(pid, { none: 1n } as object), RangeError);
  trace.ptraceCont(pid);
  assert.equal(next(pid).exitStatus(), 9);
});

test('ptraceSingleStep runs one instruction at a time', () => {
  needsLinux('memfd_create');
  const pid = tracee('exit 0');
  const seen = new Set<bigint>();
  for (let step = 0; step < 20; step++) {
    seen.add(registers(pid).pc);
    trace.ptraceSingleStep(pid);
    assert.equal(next(pid).stopSignal(), SIG.SIGTRAP);
  }
  assert.ok(seen.size > 5);
  end(pid);
});

test('ptraceAttach stops a process with SIGSTOP, and ptraceDetach lets it run', () => {
  const pid = forkExecSync('/bin/sleep', ['sleep', '60']);
  trace.ptraceAttach(pid);
  let stop = next(pid);
  // The launch is over when the old memory is left, a moment before execve: that stops a tracee too.
  if (stop.stopSignal() === SIG.SIGTRAP) {
    trace.ptraceCont(pid);
    stop = next(pid);
  }
  assert.equal(stop.stopSignal(), SIG.SIGSTOP);
  assert.throws(() => trace.ptraceAttach(pid), { code: 'EPERM' });
  trace.ptraceDetach(pid);
  assert.throws(() => trace.ptraceCont(pid), ESRCH);
  trace.ptraceAttach(pid);
  next(pid);
  trace.ptraceDetach(pid, 'SIGTERM');
  assert.equal(next(pid).signal(), SIG.SIGTERM);
});

test('ptraceSeize does not stop a process, and ptraceInterrupt does', async () => {
  needsLinux('memfd_create');
  const pid = forkExecSync('/bin/sleep', ['sleep', '60']);
  trace.ptraceSeize(pid, PTRACE.PTRACE_O_TRACESYSGOOD);
  assert.equal(wait4Sync(pid, W.WNOHANG | W.WUNTRACED), undefined);
  assert.throws(() => trace.ptraceGetRegs(pid), ESRCH);
  trace.ptraceInterrupt(pid);
  // Any thread may wait for the stop.
  const { status } = await wait4(pid);
  assert.deepEqual(
    [status.stopSignal(), status.trapCause()],
    [SIG.SIGTRAP, PTRACE.PTRACE_EVENT_STOP],
  );
  trace.ptraceDetach(pid);
  end(pid);
});

test('ptraceTraceme makes the launching thread the tracer', () => {
  const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  const files = [null, null, 2];
  const pid = forkExecSync(process.execPath, ['node', fixture('traceme')], { env, files });
  assert.equal(next(pid).stopSignal(), SIG.SIGTERM);
  trace.ptraceCont(pid); // it never learns of the signal
  assert.equal(next(pid).exitStatus(), 8);
});

test('ptrace functions on a thread that is not the tracer are ESRCH', async () => {
  const pid = await forkExec('/bin/sh', ['sh', '-c', 'exit 0'], { sys });
  assert.equal((await wait4(pid)).status.stopSignal(), SIG.SIGTRAP);
  assert.throws(() => trace.ptraceCont(pid), ESRCH);
  end(pid);
  const mine = tracee('exit 0');
  const worker = new Worker(fixture('trace-worker'), { workerData: mine });
  const [code] = await new Promise<string[]>((resolve) => worker.once('message', resolve));
  await worker.terminate();
  assert.equal(code, 'ESRCH');
  end(mine);
});

test('ptrace functions refuse pids without a process', () => {
  for (const call of [trace.ptraceAttach, trace.ptraceSeize, trace.ptraceCont]) {
    assert.throws(() => call(999_999_999), ESRCH);
    assert.throws(() => call(undefined as unknown as number), { code: 'ERR_INVALID_ARG_VALUE' });
  }
});
