// Ten system calls done raw, each beside what Node says by its own means.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, readSync, statSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { AT, E, LAYOUT, MFD, O, RLIMIT, SYS } from '#dist/syscall/constants.js';
import { close, open } from '#dist/syscall/descriptors.js';
import { readStruct } from '#dist/syscall/layout.js';
import { rawSyscall, type SyscallArg } from '#dist/syscall/raw.js';
import { needsForeignDescriptors } from '../helpers/runtime.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** The result of a call that must not fail. */
function must(number: number, ...args: SyscallArg[]): bigint {
  const { r1, errno } = rawSyscall(number, ...args);
  assert.equal(errno, 0);
  return r1;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString();
}

test('rawSyscall getpid returns process.pid', () => {
  assert.deepEqual(rawSyscall(SYS.getpid), { r1: BigInt(process.pid), errno: 0 });
});

/** Deno's os.version() is the release. */
const VERSION = process.versions['deno']
  ? readFileSync('/proc/sys/kernel/version', 'utf8').trim()
  : os.version();

test('rawSyscall uname agrees with node:os', () => {
  const FIELD = 65;
  const bytes = new Uint8Array(6 * FIELD);
  must(SYS.uname, bytes);
  const field = (index: number): string => text(bytes.subarray(index * FIELD, (index + 1) * FIELD));
  assert.deepEqual(
    [field(0), field(1), field(2), field(3), field(4)],
    [os.type(), os.hostname(), os.release(), VERSION, os.machine()],
  );
});

test('rawSyscall openat opens a file that node:fs sees', () =>
  withFolder((folder) => {
    const file = join(folder, 'ünïcode');
    const fd = Number(must(SYS.openat, AT.AT_FDCWD, file, O.O_RDWR | O.O_CREAT, 0o640));
    try {
      assert.equal(readlinkSync(`/proc/self/fd/${fd}`), file);
      assert.equal(statSync(file).mode & 0o777, 0o640 & ~process.umask());
    } finally {
      close(fd);
    }
    const missing = rawSyscall(SYS.openat, AT.AT_FDCWD, join(folder, 'no'), O.O_RDONLY);
    assert.deepEqual(missing, { r1: -1n, errno: E.ENOENT });
  }));

test('rawSyscall read fills the middle of a buffer', () =>
  withFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, 'hello, world');
    const fd = open(file);
    try {
      const bytes = Buffer.alloc(16, '.');
      assert.equal(must(SYS.read, fd, bytes.subarray(2, 7), 5), 5n);
      assert.equal(bytes.toString(), '..hello.........');
      assert.equal(must(SYS.pread64, fd, bytes, 16, 7), 5n);
      assert.equal(bytes.toString('utf8', 0, 5), 'world');
    } finally {
      close(fd);
    }
  }));

test('rawSyscall write takes every kind of view', () =>
  withFolder((folder) => {
    const file = join(folder, 'file');
    const fd = open(file, O.O_WRONLY | O.O_CREAT | O.O_TRUNC);
    try {
      const wide = new Uint16Array([0x6261, 0x6463]);
      assert.equal(must(SYS.write, fd, wide, wide.byteLength), 4n);
      assert.equal(must(SYS.write, fd, new DataView(Buffer.from('>ef<').buffer, 0), 0), 0n);
      assert.equal(must(SYS.write, fd, 'a string', 8), 8n);
    } finally {
      close(fd);
    }
    assert.equal(readFileSync(file, 'utf8'), 'abcda string');
  }));

test('rawSyscall pipe2 returns two descriptors that node:fs can use', () => {
  const fds = new Int32Array(2);
  must(SYS.pipe2, fds, O.O_CLOEXEC);
  const [from, to] = fds as unknown as [number, number];
  try {
    needsForeignDescriptors(to);
    writeSync(to, 'through');
    const bytes = Buffer.alloc(16);
    assert.equal(bytes.toString('utf8', 0, readSync(from, bytes)), 'through');
  } finally {
    close(from);
    close(to);
  }
});

test('rawSyscall getrlimit agrees with process.report and /proc', () => {
  const bytes = new Uint8Array(LAYOUT.rlimit.size);
  must(SYS.prlimit64, 0, RLIMIT.RLIMIT_NOFILE, null, bytes);
  const { cur, max } = readStruct(LAYOUT.rlimit, bytes);
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const line = /^Max open files +(\w+) +(\w+)/m.exec(limits);
  assert.deepEqual([String(cur), String(max)], line?.slice(1));
  const report = process.report.getReport() as unknown as {
    userLimits?: { open_files: { soft: number | string; hard: number | string } };
  };
  if (report.userLimits === undefined) return; // Deno's says nothing of them
  const { soft, hard } = report.userLimits.open_files;
  assert.deepEqual([String(cur), String(max)], [String(soft), String(hard)]);
});

test('rawSyscall sched_getaffinity has the processors that Node counts', () => {
  const mask = new Uint8Array(1024);
  const size = Number(must(SYS.sched_getaffinity, 0, mask.byteLength, mask));
  let count = 0;
  for (const byte of mask.subarray(0, size)) {
    for (let bits = byte; bits !== 0; bits &= bits - 1) count += 1;
  }
  // Newer versions of Node count no more than a cgroup's quota allows.
  assert.ok(os.availableParallelism() <= count);
  assert.ok(count <= os.cpus().length);
});

test('rawSyscall memfd_create makes a file, with 64-bit offsets', () => {
  const fd = Number(must(SYS.memfd_create, 'forkexec-test', MFD.MFD_CLOEXEC));
  try {
    assert.equal(readlinkSync(`/proc/self/fd/${fd}`), '/memfd:forkexec-test (deleted)');
    must(SYS.write, fd, 'contents', 8);
    assert.equal(statSync(`/proc/self/fd/${fd}`).size, 8);
    // More than a double holds exactly, there and back.
    const far = 2n ** 62n + 1n;
    assert.equal(must(SYS.lseek, fd, far, 0), far);
  } finally {
    close(fd);
  }
});

test('rawSyscall getrandom fills the bytes it is asked to and no others', () => {
  const bytes = new Uint8Array(64);
  assert.equal(must(SYS.getrandom, bytes.subarray(16, 48), 32, 0), 32n);
  assert.ok(bytes.subarray(0, 16).every((byte) => byte === 0));
  assert.ok(bytes.subarray(48).every((byte) => byte === 0));
  assert.ok(new Set(bytes.subarray(16, 48)).size > 8);
});

test('an unknown system call fails with ENOSYS', () => {
  assert.deepEqual(rawSyscall(100_000), { r1: -1n, errno: E.ENOSYS });
});
