// What is done to a descriptor here, as a child sees it.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { E, F, FD, O, TIOC } from '#dist/syscall/constants.js';
import {
  close,
  closeOnExec,
  dup,
  dup2,
  dup3,
  fcntl,
  ioctl,
  open,
  pipe2,
  read,
  setNonblock,
  write,
} from '#dist/syscall/descriptors.js';
import { SystemError } from '#dist/syscall/errors.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { runFixture } from './fixtures/run.js';

const NO_FD = 1_000_000;

function fails(syscall: string, code: keyof typeof E, body: () => unknown): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof SystemError);
    assert.deepEqual([error.syscall, error.code, error.errno], [syscall, code, E[code]]);
    return true;
  });
}

/** Calls `use` with an open file, and closes it and whatever `use` returns. */
async function withFile(use: (fd: number, file: string) => number[] | Promise<number[]>) {
  await withFolder(async (folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, 'abc');
    const fd = open(file, O.O_RDWR | O.O_CLOEXEC);
    try {
      for (const made of await use(fd, file)) close(made);
    } finally {
      close(fd);
    }
  });
}

const cloexec = (fd: number): boolean => (fcntl(fd, F.F_GETFD) & FD.FD_CLOEXEC) !== 0;
const target = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`);

test('open, read, write and close agree with node:fs', () =>
  withFolder((folder) => {
    const file = join(folder, 'ünïcode');
    const fd = open(file, O.O_RDWR | O.O_CREAT | O.O_EXCL, 0o640);
    try {
      assert.deepEqual([target(fd), cloexec(fd)], [file, false]);
      assert.equal(statSync(file).mode & 0o777, 0o640 & ~process.umask());
      assert.equal(write(fd, Uint16Array.of(0x6261, 0x6463)), 4);
      assert.equal(readFileSync(file, 'utf8'), 'abcd');
      assert.equal(read(fd, new Uint8Array(4)), 0, 'the end');
      fails('open', 'EEXIST', () => open(file, O.O_CREAT | O.O_EXCL));
    } finally {
      close(fd);
    }
    fails('close', 'EBADF', () => close(fd));
    fails('read', 'EBADF', () => read(fd, new Uint8Array(1)));
    fails('write', 'EBADF', () => write(fd, new Uint8Array(1)));
    fails('open', 'ENOENT', () => open(join(folder, 'none')));
    const again = open(file);
    const bytes = Buffer.alloc(6, '.');
    assert.deepEqual([cloexec(again), read(again, bytes.subarray(1, 4))], [true, 3]);
    assert.equal(bytes.toString(), '.abc..');
    fails('write', 'EBADF', () => write(again, bytes));
    close(again);
  }));

test('dup makes a copy that programs inherit', () =>
  withFile((fd, file) => {
    const copy = dup(fd);
    assert.deepEqual([target(copy), cloexec(fd), cloexec(copy)], [file, true, false]);
    // One open file: they share its position.
    read(copy, new Uint8Array(2));
    const rest = Buffer.alloc(3);
    assert.equal(rest.toString('utf8', 0, read(fd, rest)), 'c');
    return [copy];
  }));

test('dup2 and dup3 replace a descriptor, dup3 with close-on-exec', () =>
  withFile((fd, file) => {
    const [from, to] = pipe2();
    assert.equal(dup2(fd, to), to);
    assert.deepEqual([target(to), cloexec(to)], [file, false]);
    // The pipe lost its only writer.
    assert.equal(read(from, new Uint8Array(1)), 0);
    assert.equal(dup3(fd, to, O.O_CLOEXEC), to);
    assert.equal(cloexec(to), true);
    dup3(fd, to, 0);
    assert.equal(cloexec(to), false);
    return [from, to];
  }));

test('dup2 onto the same descriptor changes nothing, and dup3 refuses it', () =>
  withFile((fd) => {
    assert.equal(dup2(fd, fd), fd);
    assert.equal(cloexec(fd), true);
    fails('dup3', 'EINVAL', () => dup3(fd, fd, 0));
    fails('dup2', 'EBADF', () => dup2(NO_FD, NO_FD));
    return [];
  }));

test('fcntl sets and clears flags', () =>
  withFile((fd) => {
    fcntl(fd, F.F_SETFD, 0);
    assert.equal(cloexec(fd), false);
    closeOnExec(fd);
    assert.equal(cloexec(fd), true);
    const copy = fcntl(fd, F.F_DUPFD_CLOEXEC, 100);
    assert.ok(copy >= 100);
    assert.equal(cloexec(copy), true);
    const flock = new BigInt64Array(4);
    new Int16Array(flock.buffer)[0] = F.F_WRLCK;
    assert.equal(fcntl(fd, F.F_GETLK, flock), 0);
    assert.equal(new Int16Array(flock.buffer)[0], F.F_UNLCK);
    return [copy];
  }));

test('setNonblock holds for all copies of a descriptor', () => {
  const [from, to] = pipe2();
  const copy = dup(from);
  try {
    setNonblock(from, true);
    assert.ok((fcntl(copy, F.F_GETFL) & O.O_NONBLOCK) !== 0);
    assert.throws(() => read(copy, new Uint8Array(1)), { code: 'EAGAIN' });
    setNonblock(copy, false);
    assert.ok((fcntl(from, F.F_GETFL) & O.O_NONBLOCK) === 0);
  } finally {
    for (const fd of [from, to, copy]) close(fd);
  }
});

test('pipe2 is close-on-exec unless asked otherwise', () => {
  const [from, to] = pipe2();
  const [plainFrom, plainTo] = pipe2(0);
  const [quickFrom, quickTo] = pipe2(O.O_NONBLOCK | O.O_CLOEXEC);
  try {
    assert.deepEqual([cloexec(from), cloexec(to)], [true, true]);
    assert.deepEqual([cloexec(plainFrom), cloexec(plainTo)], [false, false]);
    assert.ok((fcntl(quickFrom, F.F_GETFL) & O.O_NONBLOCK) !== 0);
    write(to, Buffer.from('x'));
    const waiting = new Int32Array(1);
    assert.equal(ioctl(from, TIOC.FIONREAD, waiting), 0);
    assert.equal(waiting[0], 1);
    assert.ok(statSync(`/proc/self/fd/${from}`).isFIFO());
  } finally {
    for (const fd of [from, to, plainFrom, plainTo, quickFrom, quickTo]) close(fd);
  }
});

test('exec keeps the descriptors without FD_CLOEXEC and no others', () =>
  withFolder((folder) => {
    const state = join(folder, 'state.json');
    const outcome = runFixture('execve', ['flags', helper('state'), state]);
    assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
    const { fds } = JSON.parse(readFileSync(state, 'utf8')) as State;
    const made = Object.entries(fds).filter(([fd]) => Number(fd) >= 100);
    assert.deepEqual(
      made.map(([fd, { target }]) => [fd, target]),
      ['102', '104', '105', '107', '108'].map((fd) => [fd, '/dev/zero']),
    );
  }));

test('a child has the descriptors it is given, at the numbers given', () =>
  withFile(async (fd, file) => {
    const copy = dup3(fd, 40, O.O_CLOEXEC);
    closeOnExec(copy);
    const append = open(file, O.O_WRONLY | O.O_APPEND | O.O_CLOEXEC);
    const { fds } = await stateOf({ files: ['null', 'null', 'null', copy, null, append, fd] });
    assert.deepEqual(Object.keys(fds), ['0', '1', '2', '3', '5', '6']);
    for (const number of ['3', '5', '6']) {
      assert.deepEqual([fds[number]?.target, fds[number]?.cloexec], [file, false]);
    }
    assert.ok(((fds['5']?.flags ?? 0) & O.O_APPEND) !== 0);
    return [copy, append];
  }));

test('a child of this library has no descriptor that was made without close-on-exec', () =>
  withFile(async (fd) => {
    const copy = dup(fd);
    const { fds } = await stateOf({ files: ['null', 'null', 'null'] });
    assert.deepEqual(Object.keys(fds), ['0', '1', '2']);
    return [copy];
  }));

test('errors of descriptor calls name the call and the errno', () => {
  fails('dup', 'EBADF', () => dup(NO_FD));
  fails('dup', 'EBADF', () => dup(-1));
  fails('dup3', 'EINVAL', () => dup3(0, 50, 0x1234));
  fails('fcntl', 'EBADF', () => closeOnExec(NO_FD));
  fails('fcntl', 'EBADF', () => setNonblock(NO_FD, true));
  fails('fcntl', 'EINVAL', () => fcntl(0, 99_999));
  fails('pipe2', 'EINVAL', () => pipe2(0x10));
  withNull((fd) => fails('ioctl', 'ENOTTY', () => ioctl(fd, TIOC.TIOCGWINSZ, new Uint8Array(8))));
});

function withNull(use: (fd: number) => void): void {
  const fd = open('/dev/null');
  try {
    use(fd);
  } finally {
    close(fd);
  }
}

test('descriptors that are not numbers are refused', () => {
  for (const wrong of [undefined, null, '0', 1.5, Number.NaN, 2 ** 31, {}]) {
    const fd = wrong as number;
    for (const body of [
      () => close(fd),
      () => read(fd, new Uint8Array(1)),
      () => read(0, wrong as Uint8Array),
      () => write(fd, new Uint8Array(1)),
      () => write(2, wrong as Uint8Array),
      () => open(wrong as string, fd),
      () => open('/dev/null', wrong === undefined ? 1.5 : fd),
      () => dup(fd),
      () => dup2(fd, 50),
      () => dup3(0, fd, 0),
      () => closeOnExec(fd),
      () => setNonblock(fd, true),
      () => fcntl(fd, F.F_GETFD),
      () => ioctl(fd, 0),
    ]) {
      assert.throws(body, { code: 'ERR_INVALID_ARG_VALUE' }, String(body));
    }
  }
});
