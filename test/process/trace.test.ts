import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, runSync, spawn } from '#dist/index.js';
import {
  type Process,
  startProcess,
  startProcessSync,
  type Trace,
  type TraceOption,
  trace,
} from '#dist/process/index.js';
import { SYS } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { untilEnded } from '../helpers/other.js';
import { patience } from '../helpers/patience.js';
import { helper, stateOf, withFolder } from '../helpers/state.js';
import { processState } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

/** A shell that is stopped before its first instruction, and what traces it. */
async function traced(script: string): Promise<[child: Process, tracee: Trace]> {
  const child = await startProcess('/bin/sh', ['sh', '-c', script], { ptrace: true });
  return [child, await trace(child)];
}

async function end(child: Process): Promise<void> {
  child.signal('SIGKILL');
  assert.equal((await child.wait()).signal, 'SIGKILL');
}

/** The state letter and the tracer, as /proc/PID/status has them. */
function statusOf({ pid }: Process): { state: string; tracer: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    state: /^State:\s+(\S)/m.exec(text)?.[1] ?? '',
    tracer: Number(/^TracerPid:\s+(\d+)/m.exec(text)?.[1]),
  };
}

// Go's TestExecPtrace
test('a traced process stops at its execve before its first instruction', () =>
  withFolder(async (folder) => {
    for (const start of [startProcess, startProcessSync]) {
      const file = join(folder, start.name);
      const child = await start('/bin/touch', ['touch', file], { ptrace: true });
      const tracee = await trace(child);
      const { state, tracer } = statusOf(child);
      assert.equal(state, 't');
      assert.ok(existsSync(`/proc/self/task/${tracer}`), 'a thread of this process traces it');
      assert.equal(existsSync(file), false);
      assert.equal(readFileSync(`/proc/${child.pid}/comm`, 'utf8'), 'touch\n', 'it is the program');
      await tracee.continue();
      assert.equal(await tracee.next(), undefined);
      assert.equal(String(await child.wait()), 'exit status 0');
      assert.ok(existsSync(file));
    }
  }));

test('the first stop of a traced process is SIGTRAP without an event', async () => {
  const child = await startProcess('/bin/true', ['true'], { ptrace: true });
  const tracee = await trace(child);
  await tracee.setOptions(['exec', 'exit']);
  await tracee.continue();
  assert.deepEqual(await tracee.next(), { signal: 'SIGTRAP', event: 'exit' });
  assert.equal(await tracee.eventMessage(), 0n);
  await tracee.continue();
  assert.equal(await tracee.next(), undefined);
  assert.equal(await tracee.next(), undefined, 'and again');
  await child.wait();
});

test('a signal stops a traced process, and is delivered or not', async () => {
  for (const [signal, code] of [
    ['SIGUSR1', 4],
    [undefined, 5],
    ['SIGUSR2', 6],
  ] as const) {
    const [child, tracee] = await traced(
      "trap 'exit 4' USR1; trap 'exit 6' USR2; kill -USR1 $$; exit 5",
    );
    await tracee.continue();
    assert.deepEqual(await tracee.next(), { signal: 'SIGUSR1' });
    await tracee.continue(signal);
    // The other one that is sent instead is no new stop.
    assert.equal(await tracee.next(), undefined);
    assert.equal((await child.wait()).code, code);
  }
});

test('detach lets a traced process run untraced', async () => {
  const [child, tracee] = await traced('exec sleep 60');
  await tracee.detach();
  assert.equal(statusOf(child).tracer, 0);
  await assert.rejects(tracee.continue(), { name: 'SystemError', code: 'ESRCH' });
  await end(child);
  const [ended, other] = await traced("trap 'exit 7' TERM; sleep 60");
  await other.detach('SIGTERM');
  assert.equal((await ended.wait()).signal, 'SIGTERM', 'before the trap was set');
});

test('trace events have a name and the new pid or exit status', async () => {
  const [child, tracee] = await traced('/bin/true; exit 3');
  await tracee.setOptions(['fork', 'vfork', 'clone', 'exit', 'exec']);
  const seen: string[] = [];
  await tracee.continue();
  for (let stop = await tracee.next(); stop !== undefined; stop = await tracee.next()) {
    seen.push(stop.event ?? stop.signal);
    if (stop.event === 'exit') assert.equal(await tracee.eventMessage(), 3n << 8n);
    if (stop.event === 'fork' || stop.event === 'vfork' || stop.event === 'clone') {
      const descendant = tracee.child(Number(await tracee.eventMessage()));
      void tracee.continue();
      assert.deepEqual(await descendant.next(), { signal: 'SIGSTOP' });
      await descendant.continue();
      // What the first has been told holds for it too.
      assert.deepEqual(await descendant.next(), { signal: 'SIGTRAP', event: 'exec' });
      await descendant.continue();
      assert.deepEqual(await descendant.next(), { signal: 'SIGTRAP', event: 'exit' });
      await descendant.continue();
      assert.equal(await descendant.next(), undefined);
      continue;
    }
    await tracee.continue(stop.event === undefined ? stop.signal : undefined);
  }
  assert.match(seen.join(), /^(fork|vfork|clone),SIGCHLD,exit$/);
  assert.equal((await child.wait()).code, 3);
});

test('a tracer changes a system call: exit(3) becomes exit(9)', async () => {
  needsLinux('the registers of a tracee');
  const [child, tracee] = await traced('exit 3');
  await tracee.setOptions(['sysgood']);
  for (;;) {
    await tracee.continueToSyscall();
    assert.deepEqual(await tracee.next(), { signal: 'SIGTRAP', event: 'syscall' });
    const registers = await tracee.registers();
    const number = 'orig_rax' in registers ? registers.orig_rax : registers.regs[8];
    if (number !== BigInt(SYS.exit_group)) continue;
    if ('rdi' in registers) await tracee.setRegisters({ rdi: 9n });
    else await tracee.setRegisters({ regs: [9n, ...registers.regs.slice(1)] });
    break;
  }
  await tracee.continue();
  assert.equal(await tracee.next(), undefined);
  assert.equal((await child.wait()).code, 9);
});

test('trace reads and writes memory', async () => {
  needsLinux('the registers of a tracee');
  const [child, tracee] = await traced('exit 0');
  const registers = await tracee.registers();
  const stack = 'rsp' in registers ? registers.rsp : registers.sp;
  // At the first instruction the stack begins with argc: sh -c '…'.
  assert.equal(new DataView(tracee.readMemory(stack, 8).slice().buffer).getBigUint64(0, true), 3n);
  const first = new DataView(tracee.readMemory(stack + 8n, 8).slice().buffer).getBigUint64(0, true);
  assert.equal(Buffer.from(tracee.readMemory(first, 3)).toString(), 'sh\0');
  assert.equal(tracee.writeMemory(first, Buffer.from('SH')), 2);
  assert.match(readFileSync(`/proc/${child.pid}/cmdline`, 'latin1'), /^SH\0/);
  // The code itself, which the process may not write.
  const pc = 'rip' in registers ? registers.rip : registers.pc;
  const code = tracee.readMemory(pc, 8).slice();
  assert.equal(tracee.writeMemory(pc, new Uint8Array(8).fill(0xcc)), 8);
  assert.deepEqual(tracee.readMemory(pc, 8), new Uint8Array(8).fill(0xcc));
  tracee.writeMemory(pc, code);
  assert.throws(() => tracee.readMemory(8n, 8), { code: 'EIO' });
  await tracee.step();
  assert.deepEqual(await tracee.next(), { signal: 'SIGTRAP' });
  const after = await tracee.registers();
  assert.notEqual('rip' in after ? after.rip : after.pc, pc);
  await end(child);
});

test('trace works with other launch options', async () => {
  const child = await spawn('/bin/true', {
    ptrace: true,
    session: true,
    umask: 0o77,
    stdin: 'null',
  });
  const tracee = await trace(child.process);
  assert.equal(statusOf(child.process).state, 't');
  await tracee.continue();
  assert.equal((await child.exited).code, 0);
  const { status } = await stateOf({ ptrace: false });
  assert.equal(status['TracerPid'], '0');
});

test('a traced process that is killed while stopped ends', async () => {
  const [child, tracee] = await traced('exit 0');
  await end(child);
  assert.equal(await tracee.next(), undefined);
  await assert.rejects(tracee.continue(), { code: 'ESRCH' });
});

test('trace of a process without the option ptrace is refused', async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '60']);
  await assert.rejects(trace(child), { name: 'SystemError', code: 'ESRCH', syscall: 'ptrace' });
  await end(child);
  await assert.rejects(trace(child), { name: 'SystemError', code: 'ESRCH' });
});

test('invalid trace arguments are refused by name', async () => {
  const [child, tracee] = await traced('exit 0');
  const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
  await assert.rejects(tracee.setOptions(['forks' as TraceOption]), wrong);
  await assert.rejects(tracee.continue('SIGNOTHING' as 'SIGTERM'), wrong);
  await end(child);
  // Nobody could let these go on.
  assert.throws(() => runSync('/bin/true', { ptrace: true }), wrong);
  await assert.rejects(run('/bin/true', { ptrace: true }), wrong);
});

for (const mode of ['untouched', 'sync', 'traced']) {
  test(`a tracee dies with its tracer: ${mode}`, () =>
    withFolder(async (folder) => {
      needsLinux('a handle for a process that is no child');
      const file = join(folder, 'pid');
      const tracer = await startProcess(process.execPath, [
        'node',
        helper('trace-program.js'),
        mode,
        file,
      ]);
      const deadline = Date.now() + patience(20_000);
      while (!existsSync(file) || readFileSync(file, 'utf8') === '') {
        assert.ok(Date.now() < deadline, 'it does not trace');
        await sleep(5);
      }
      const tracee = Number(readFileSync(file, 'utf8'));
      assert.notEqual(processState(tracee), '');
      await end(tracer);
      await untilEnded(tracee);
    }));
}

test('trace works in a Worker', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'seen');
    const words = ['node', helper('trace-program.js'), 'worker', file];
    const child = await startProcess(process.execPath, words);
    assert.equal(String(await child.wait()), 'exit status 0');
    assert.equal(readFileSync(file, 'utf8'), 'SIGUSR1,exit status 4');
  }));
