// Status words, bit by bit.

import assert from 'node:assert/strict';
import { PTRACE, SIG } from '#dist/syscall/constants.js';
import { tables } from '#dist/syscall/tables.js';
import { type StatusPlatform, WaitStatus } from '#dist/syscall/wait.js';
import { test } from '../helpers/test.js';

/** What is true of a status; what is not named is false or -1. */
interface Meaning {
  exited?: true;
  signaled?: true;
  stopped?: true;
  continued?: true;
  coreDump?: true;
  exitStatus?: number;
  signal?: number;
  stopSignal?: number;
  trapCause?: number;
}

const exit = (code: number): number => code << 8;
const stop = (signal: number, event = 0): number => (event << 16) | (signal << 8) | 0x7f;
const CORE = 0x80;
const { darwin, freebsd } = tables;

const rows: [StatusPlatform, name: string, value: number, Meaning][] = [
  ['linux', 'exit 0', 0, { exited: true, exitStatus: 0 }],
  ['linux', 'exit 1', exit(1), { exited: true, exitStatus: 1 }],
  ['linux', 'exit 127', exit(127), { exited: true, exitStatus: 127 }],
  ['linux', 'exit 255', exit(255), { exited: true, exitStatus: 255 }],
  ['linux', 'SIGHUP', 1, { signaled: true, signal: 1 }],
  ['linux', 'SIGKILL', 9, { signaled: true, signal: 9 }],
  ['linux', 'SIGABRT, core', 6 | CORE, { signaled: true, signal: 6, coreDump: true }],
  ['linux', 'the last signal', 64, { signaled: true, signal: 64 }],
  ['linux', 'the last signal, core', 64 | CORE, { signaled: true, signal: 64, coreDump: true }],
  ['linux', 'SIGSTOP', stop(SIG.SIGSTOP), { stopped: true, stopSignal: 19 }],
  ['linux', 'SIGTSTP', stop(SIG.SIGTSTP), { stopped: true, stopSignal: 20 }],
  ['linux', 'SIGTRAP', stop(SIG.SIGTRAP), { stopped: true, stopSignal: 5, trapCause: 0 }],
  [
    'linux',
    'an execve that is traced',
    stop(SIG.SIGTRAP, PTRACE.PTRACE_EVENT_EXEC),
    { stopped: true, stopSignal: 5, trapCause: PTRACE.PTRACE_EVENT_EXEC },
  ],
  [
    'linux',
    'PTRACE_INTERRUPT',
    stop(SIG.SIGTRAP, PTRACE.PTRACE_EVENT_STOP),
    { stopped: true, stopSignal: 5, trapCause: PTRACE.PTRACE_EVENT_STOP },
  ],
  ['linux', 'a group stop that is traced', stop(19, 128), { stopped: true, stopSignal: 19 }],
  ['linux', 'a system call, with sysgood', stop(0x85), { stopped: true, stopSignal: 0x85 }],
  ['linux', 'continued', 0xffff, { continued: true }],

  ['darwin', 'exit 3', exit(3), { exited: true, exitStatus: 3 }],
  ['darwin', 'SIGTERM', 15, { signaled: true, signal: 15 }],
  ['darwin', 'SIGSEGV, core', 11 | CORE, { signaled: true, signal: 11, coreDump: true }],
  ['darwin', 'SIGSTOP', stop(darwin.SIG.SIGSTOP), { stopped: true, stopSignal: 17 }],
  ['darwin', 'SIGTRAP', stop(darwin.SIG.SIGTRAP), { stopped: true, stopSignal: 5 }],
  ['darwin', 'continued', stop(darwin.SIG.SIGCONT), { continued: true }],

  ['freebsd', 'exit 3', exit(3), { exited: true, exitStatus: 3 }],
  ['freebsd', 'SIGTERM', 15, { signaled: true, signal: 15 }],
  ['freebsd', 'SIGSEGV, core', 11 | CORE, { signaled: true, signal: 11, coreDump: true }],
  ['freebsd', 'SIGSTOP', stop(freebsd.SIG.SIGSTOP), { stopped: true, stopSignal: 17 }],
  ['freebsd', 'the last signal', 126, { signaled: true, signal: 126 }],
  ['freebsd', 'continued', freebsd.SIG.SIGCONT, { continued: true }],
];

for (const [platform, name, value, meaning] of rows) {
  test(`WaitStatus on ${platform} decodes ${name}`, () => {
    const status = new WaitStatus(value, platform);
    assert.deepEqual(
      {
        exited: status.exited(),
        signaled: status.signaled(),
        stopped: status.stopped(),
        continued: status.continued(),
        coreDump: status.coreDump(),
        exitStatus: status.exitStatus(),
        signal: status.signal(),
        stopSignal: status.stopSignal(),
        trapCause: status.trapCause(),
      },
      {
        exited: false,
        signaled: false,
        stopped: false,
        continued: false,
        coreDump: false,
        exitStatus: -1,
        signal: -1,
        stopSignal: -1,
        trapCause: -1,
        ...meaning,
      },
    );
    assert.equal(status.value, value);
  });
}

test('WaitStatus decodes for Linux by default', () => {
  assert.equal(new WaitStatus(0xffff).continued(), true);
});

test('the systems agree on signals and errors that POSIX fixes, and differ on others', () => {
  for (const table of Object.values(tables)) {
    for (const name of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM'] as const) {
      assert.equal(table.SIG[name], SIG[name], name);
    }
    const numbers = Object.values<number>(table.E);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].sort((a, b) => a - b),
    );
    assert.deepEqual(Object.keys(table.E_MESSAGE), Object.keys(table.E));
    const named = Object.keys(table.SIG).filter((name) => !name.startsWith('SIGRT'));
    assert.deepEqual(Object.keys(table.SIG_DESCRIPTION), named);
    const signals = Object.values<number>(table.SIG);
    assert.deepEqual(
      signals.slice(0, 31),
      Array.from({ length: 31 }, (_, index) => index + 1),
    );
  }
  assert.deepEqual([SIG.SIGCHLD, darwin.SIG.SIGCHLD, freebsd.SIG.SIGCHLD], [17, 20, 20]);
  assert.deepEqual([darwin.E.EAGAIN, freebsd.E.EAGAIN], [35, 35]);
  assert.deepEqual([darwin.E.ECANCELED, freebsd.E.ECANCELED], [89, 85]);
});
