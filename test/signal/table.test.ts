import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Process, startProcess } from '#dist/process/index.js';
import { notify, type SignalEntry, table } from '#dist/signal/index.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

notify('SIGURG').stop(); // what the first stream starts, it keeps

interface Header {
  name: string;
  number: number;
  description: string;
}

const headers = JSON.parse(
  execFileSync(helper('signals'), ['table'], { encoding: 'utf8', env: { LC_ALL: 'C' } }),
) as Header[];

test('the signal table has the names and numbers of the headers', () => {
  assert.deepEqual(
    table.map(({ name, number }) => ({ name, number })),
    headers.map(({ name, number }) => ({ name, number })),
  );
});

test('the signal table has the descriptions of strsignal(3) in small letters', () => {
  for (const [index, { name, description }] of table.entries()) {
    assert.equal(description.toLowerCase(), headers[index]?.description.toLowerCase(), name);
  }
});

test("notify without names leaves faults, the runtime's signals and uncatchable ones", () => {
  const named = (policy: string): string[] =>
    table.filter((entry) => entry.policy === policy).map(({ name }) => name);
  assert.deepEqual(named('ignore'), ['SIGCHLD', 'SIGURG', 'SIGWINCH']);
  assert.deepEqual(named('leave'), [
    ...['SIGILL', 'SIGTRAP', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGSTKFLT'],
    ...['SIGSTOP', 'SIGPROF', 'SIGSYS'],
  ]);
});

test('notify refuses signals that cannot be caught and restarts system calls for the others', () => {
  for (const { name, number, restart } of table) {
    for (const signal of [name, number]) {
      if (restart) {
        notify(signal).stop();
        continue;
      }
      const error = {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^signals\[0\] must be /,
      };
      assert.throws(() => notify(signal), error, name);
    }
  }
  // libc keeps these to itself.
  for (const number of [32, 33]) assert.throws(() => notify(number), TypeError);
});

test('notify of several signals takes none if one cannot be caught', () => {
  const before = readFileSync('/proc/self/status', 'utf8');
  assert.throws(() => notify('SIGUSR2', 'SIGKILL'), TypeError);
  const caught = (status: string): string | undefined => /^SigCgt:.*$/m.exec(status)?.[0];
  assert.equal(caught(readFileSync('/proc/self/status', 'utf8')), caught(before));
});

/** The state of a process: S sleeping, T stopped; and whether a signal still waits for it. */
function look({ pid }: Process): { state: string; pending: boolean } {
  let status = '';
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    // it has ended
  }
  const [, state = ''] = /^State:\s+(\w)/m.exec(status) ?? [];
  return { state, pending: !/^SigPnd:\s+0+\nShdPnd:\s+0+$/m.test(status) };
}

async function reaches(process: Process, state: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const now = look(process);
    if (now.state === state && !now.pending) return;
    await sleep(2);
  }
  assert.fail(`it is ${JSON.stringify(look(process))} and not ${state}`);
}

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
const [, hard] =
  /^Max core file size\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
/** Whether the kernel would write a core file into the working directory. */
const writesCores = hard === 'unlimited' && !pattern.startsWith('|') && !pattern.includes('/');

/** What the kernel does with a process that gets a signal nobody set an action for. */
async function defaultOf({ name }: SignalEntry, folder: string): Promise<SignalEntry['default']> {
  const child = await startProcess('/bin/sleep', ['sleep', '60'], {
    cwd: folder,
    processGroup: 0, // the kernel stops no member of a group without a parent outside it
    rlimits: { core: writesCores ? 'unlimited' : 0 },
  });
  let status = child.status();
  child.wait().then((end) => {
    status = end;
  });
  try {
    await reaches(child, 'S');
    if (name === 'SIGCONT') {
      child.signal('SIGSTOP');
      await reaches(child, 'T');
      child.signal(name);
      await reaches(child, 'S');
      return 'continue';
    }
    child.signal(name);
    for (;;) {
      await sleep(1);
      if (status !== undefined) {
        assert.equal(status.signal, name);
        return status.coreDumped ? 'core' : 'terminate';
      }
      const { state, pending } = look(child);
      if (state === 'T') return 'stop';
      if (state === 'S' && !pending) return 'ignore';
    }
  } finally {
    child.signal('SIGKILL');
    await child.wait();
  }
}

test('the signal table has the default actions of the kernel', (context) =>
  withFolder(async (folder) => {
    if (!writesCores) context.diagnostic('no cores can be had here: they count as terminations');
    for (const entry of table) {
      const wanted = entry.default === 'core' && !writesCores ? 'terminate' : entry.default;
      assert.equal(await defaultOf(entry, folder), wanted, entry.name);
    }
  }));
