// Blocked signals: those of the process wait, whatever threads the runtime has.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { block, mask, notify, unblock } from '#dist/signal/index.js';
import { call } from '#dist/syscall/call.js';
import { SIG } from '#dist/syscall/constants.js';
import { kill } from '#dist/syscall/groups.js';
import { needsLinux } from '../helpers/backend.js';
import { needsMaskWhileWaiting, needsThreadsWithTheirMask } from '../helpers/runtime.js';
import { aMoment, gather, names, startMode, until } from '../helpers/signals.js';
import { test } from '../helpers/test.js';

const { pid } = process;

/** The threads of this process that would take a signal. */
function takers(number: number, of = pid): string[] {
  return readdirSync(`/proc/${of}/task`).filter((thread) => {
    const status = readFileSync(`/proc/${of}/task/${thread}/status`, 'latin1');
    const blocked = BigInt(`0x${/^SigBlk:\s+(\w+)/m.exec(status)?.[1]}`);
    return (blocked & (1n << BigInt(number - 1))) === 0n;
  });
}

test('a blocked signal waits until it is unblocked', async () => {
  needsLinux('A mask for all threads');
  await needsMaskWhileWaiting();
  needsThreadsWithTheirMask();
  for (const name of ['SIGUSR2', 'SIGTERM', 'SIGRTMIN+6'] as const) {
    const number = name === 'SIGRTMIN+6' ? SIG.SIGRTMIN + 6 : SIG[name];
    using stream = notify(name);
    const gathered = gather(stream);
    block(name);
    assert.deepEqual(takers(number), [], 'no thread takes it');
    assert.deepEqual(mask(), [name]);
    kill(pid, number);
    await aMoment();
    assert.deepEqual(gathered, []);
    unblock(name);
    assert.deepEqual(mask(), []);
    await until(() => gathered.length === 1);
    assert.deepEqual(names(gathered), [name]);
    kill(pid, number);
    await until(() => gathered.length === 2);
  }
});

test('block and unblock may be repeated', () => {
  block('SIGHUP', 'SIGUSR2');
  block('SIGHUP');
  assert.deepEqual(mask(), ['SIGHUP', 'SIGUSR2']);
  unblock('SIGHUP', 'SIGWINCH');
  assert.deepEqual(mask(), ['SIGUSR2']);
  block();
  unblock();
  assert.deepEqual(mask(), ['SIGUSR2']);
  unblock('SIGUSR2');
  assert.throws(() => block('SIGNO' as 'SIGHUP'), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('signals of faults and SIGCHLD are not blocked on other threads', () => {
  const names = ['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGCHLD'] as const;
  block(...names);
  try {
    for (const name of names) {
      const others = takers(SIG[name]);
      assert.ok(others.length > 0 && !others.includes(String(pid)), name);
    }
  } finally {
    unblock(...names);
  }
});

test('a signal sent to one blocking thread waits for this thread', async () => {
  needsLinux('tgkill');
  await needsMaskWhileWaiting();
  using stream = notify('SIGUSR2');
  const gathered = gather(stream);
  block('SIGUSR2');
  call('tgkill', pid, pid, SIG.SIGUSR2);
  await aMoment();
  assert.deepEqual(gathered, []);
  unblock('SIGUSR2');
  await until(() => gathered.length === 1);
});

test('a signal that was blocked when forkexec node began does not end the program', async () => {
  needsLinux('A mask for all threads');
  const signals = { mask: ['SIGTERM', 'SIGUSR2'] } as const;
  await using program = await startMode('unblock', ['SIGTERM'], { launcher: true, signals });
  assert.deepEqual(JSON.parse((await program.line()) ?? ''), ['SIGUSR2', 'SIGTERM']);
  assert.deepEqual(takers(SIG.SIGTERM, program.child.pid), []);
  program.child.kill('SIGTERM');
  assert.equal(await program.line(), 'alive');
  assert.equal((await program.child.exited).signal, 'SIGTERM');
});
