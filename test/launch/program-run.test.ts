// What the interpreter makes of each mode and kind, seen from inside the child.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProgramBuilder, type Slot } from '#dist/launch/program.js';
import { ExitStatus } from '#dist/process/index.js';
import { OWN_CALL, PROGRAM } from '#dist/protocol.js';
import { attempt, call, close } from '#dist/syscall/call.js';
import { E, F, PR, SYS } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { lastSkipped, type ProgramEnd, runProgram } from '../helpers/programs.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { descriptorNumbers, test } from '../helpers/test.js';

const step = { name: 'getpid' } as const;

/** Runs what `write` writes. */
function ran(write: (program: ProgramBuilder) => void): ProgramEnd {
  const program = new ProgramBuilder();
  write(program);
  return runProgram(program.finish());
}

/** The exit code that the program itself gave. */
function code(write: (program: ProgramBuilder) => void): number | null {
  const end = ran(write);
  assert.ok(end instanceof ExitStatus, JSON.stringify(end));
  return end.code;
}

const exit = (program: ProgramBuilder, value: number | Slot): void =>
  program.must(step, SYS.exit_group, value);

test('a required call that fails ends the launch', () => {
  const end = ran((program) => {
    program.must(step, SYS.getpid);
    program.must(step, SYS.close, -1);
    exit(program, 0);
  });
  assert.deepEqual(end, { step: 1, errno: E.EBADF });
});

test('an ignored call that fails does not end the launch', () => {
  const end = code((program) => {
    program.ignore(step, SYS.close, -1);
    exit(program, 7);
  });
  assert.equal(end, 7);
});

test('a stored result can be an argument of a later call', () => {
  const end = code((program) => {
    const slot = program.slot();
    program.ignore(step, SYS.umask, 0o123);
    program.store(step, slot, SYS.umask, 0);
    exit(program, slot);
  });
  assert.equal(end, 0o123);
});

test('a stored call that fails ends the launch', () => {
  const end = ran((program) => program.store(step, program.slot(), SYS.close, -1));
  assert.deepEqual(end, { step: 0, errno: E.EBADF });
});

test('instructions are skipped only if a result has the given value', () => {
  for (const [value, expected] of [
    [-E.EBADF, 3],
    [-E.EINVAL, 1],
    [0, 1],
  ] as const) {
    const end = code((program) => {
      program.skipIf(value, 2, step, SYS.close, -1);
      exit(program, 1);
      exit(program, 2);
      exit(program, 3);
    });
    assert.equal(end, expected, `close(-1) compared with ${value}`);
  }
});

test('a program that skips all instructions fails at its end', () => {
  const end = ran((program) => {
    program.skipIf(-E.EBADF, 1, step, SYS.close, -1);
    exit(program, 0);
  });
  assert.deepEqual(end, { step: 2, errno: E.ENOENT });
});

test('the reported candidate is the first whose error is not "not found"', () => {
  const calls = { ENOENT: '/no/such', ENOTDIR: '/dev/null/x' };
  const failures: [names: (keyof typeof calls | 'EBADF')[], step: number, errno: number][] = [
    [[], 0, E.ENOENT],
    [['ENOENT'], 0, E.ENOENT],
    [['ENOENT', 'ENOENT', 'ENOENT'], 2, E.ENOENT],
    [['ENOENT', 'ENOTDIR'], 1, E.ENOTDIR],
    [['ENOENT', 'EBADF', 'ENOENT'], 1, E.EBADF],
    [['EBADF', 'ENOTDIR', 'EBADF'], 0, E.EBADF],
  ];
  for (const [names, blamed, errno] of failures) {
    const end = ran((program) => {
      for (const name of names) {
        if (name === 'EBADF') program.candidate(step, SYS.close, -1);
        else program.candidate(step, SYS.chdir, program.string(calls[name]));
      }
    });
    assert.deepEqual(end, { step: blamed, errno }, names.join());
  }
});

test('a degrading call that fails is skipped with its followers and reported', () => {
  const end = code((program) => {
    program.must(step, SYS.getpid);
    program.degrade(2, step, SYS.close, -1);
    exit(program, 1);
    exit(program, 2);
    program.degrade(1, step, SYS.getpid);
    program.degrade(0, step, SYS.chdir, program.string('/no/such'));
    exit(program, 3);
  });
  assert.equal(end, 3);
  assert.deepEqual(lastSkipped(), [
    { step: 1, errno: E.EBADF },
    { step: 5, errno: E.ENOENT },
  ]);
});

test('a child with its own memory reports skipped steps and the failed step', () => {
  for (const fails of [false, true]) {
    const end = ran((program) => {
      program.cloneFlags = PROGRAM.ownMemory;
      for (let i = 0; i < PROGRAM.mostDegrading; i++) program.degrade(0, step, SYS.close, -1);
      if (fails) program.must(step, SYS.chdir, program.string('/no/such'));
      exit(program, 7);
    });
    if (fails) assert.deepEqual(end, { step: PROGRAM.mostDegrading, errno: E.ENOENT });
    else assert.ok(end instanceof ExitStatus && end.code === 7);
    const skipped = Array.from({ length: PROGRAM.mostDegrading }, (_, index) => index);
    assert.deepEqual(
      lastSkipped(),
      skipped.map((index) => ({ step: index, errno: E.EBADF })),
    );
  }
});

test('a launch without skipped steps reports none', () => {
  assert.equal(
    code((program) => exit(program, 4)),
    4,
  );
  assert.deepEqual(lastSkipped(), []);
});

test('words of the data can be pointers into the data', () => {
  const end = code((program) => {
    const argv = ['sh', '-c', 'exit $(($# + $1))', 'sh', '40', '2'];
    const pointers = argv.map((text) => program.string(text));
    const envp = program.words([0n]);
    const list = program.words([...pointers, 0n]);
    program.must(step, SYS.execve, program.string('/bin/sh'), list, envp);
  });
  assert.equal(end, 42);
});

test('a struct with a pointer in the data is accepted by the kernel: a seccomp filter', () => {
  needsLinux('seccomp');
  const [refuse, allow] = [0x5_0000, 0x7fff_0000]; // SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW
  /** struct sock_filter: the operation, where to go on, a constant. */
  const line = (operation: number, ifTrue: number, ifFalse: number, constant: number): bigint =>
    BigInt(operation | (ifTrue << 16) | (ifFalse << 24)) | (BigInt(constant) << 32n);
  const filter = [
    line(0x20, 0, 0, 0), // load the number of the call
    line(0x15, 0, 1, SYS.getppid), // if it is getppid
    line(0x06, 0, 0, refuse | 42),
    line(0x06, 0, 0, allow),
  ];
  const end = code((program) => {
    const lines = program.words(filter);
    program.must(step, SYS.prctl, PR.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    program.must(step, SYS.seccomp, 1, 0, program.words([BigInt(filter.length), lines]));
    program.degrade(0, step, SYS.getppid);
    exit(program, 6);
  });
  assert.equal(end, 6);
  assert.deepEqual(lastSkipped(), [{ step: 2, errno: 42 }]);
});

test('descriptors are closed with /proc if close_range(2) is missing', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'state');
    // More than one reading of the directory yields; none of them is close-on-exec.
    const dups = Array.from({ length: 300 }, () => call('dup', 2)).sort((a, b) => a - b);
    try {
      for (const last of [dups[150] as number, 0xffff_ffff]) {
        const program = new ProgramBuilder();
        for (const fd of [0, 1, 2]) program.must(step, SYS.fcntl, fd, F.F_SETFD, 0);
        program.must(step, OWN_CALL.closeOnExecRange, 3, last);
        const argv = program.strings(['state', file]);
        const path = program.string(helper('state'));
        program.must(step, SYS.execve, path, argv, program.strings([]));
        const end = runProgram(program.finish());
        assert.ok(end instanceof ExitStatus && end.ok, String(end));
        const { fds } = JSON.parse(readFileSync(file, 'utf8')) as State;
        const inherited = descriptorNumbers();
        const left = inherited.filter((fd) => fd > last && attempt('fcntl', fd, F.F_GETFD) === 0);
        assert.ok(last > 0xffff || left.length >= 149, 'there are some behind the range');
        const open = [0, 1, 2, ...left].sort((a, b) => a - b);
        assert.deepEqual(Object.keys(fds).map(Number), open);
      }
    } finally {
      for (const fd of dups) close(fd);
    }
  }));
