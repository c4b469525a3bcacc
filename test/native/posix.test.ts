import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What POSIX.1-2024 says is async-signal-safe (2.4.3), as far as the child may come to it. */
const SAFE = [
  '_exit',
  'chdir',
  'close',
  'dup',
  'dup2',
  'execve',
  'faccessat',
  'fchdir',
  'fcntl',
  'getegid',
  'geteuid',
  'getgid',
  'getgroups',
  'getpid',
  'getppid',
  'getuid',
  'kill',
  'openat',
  'pipe',
  'poll',
  'pthread_sigmask',
  'read',
  'setgid',
  'setpgid',
  'setsid',
  'setuid',
  'shutdown',
  'sigaction',
  'sigaddset',
  'sigemptyset',
  'sigismember',
  'socketpair',
  'tcsetpgrp',
  'umask',
  'write',
];

/** Not in that list, and nothing but a system call on every system there is. */
const CALLS = [
  'chroot',
  'flock',
  'getpgid',
  'getpriority',
  'getresgid',
  'getresuid',
  'getrlimit',
  'getrusage',
  'getsid',
  'ioctl',
  'ptrace',
  'setgroups',
  'setpriority',
  'setrlimit',
  'wait4',
  'waitid',
];

/** Where errno is, by libc; and what these files have of each other. */
const OTHER = ['__errno_location', 'call_kernel', 'wait_for_child'];

test('a forked child calls only async-signal-safe functions', async () => {
  const folder = 'build/native/forkexec-posix.objects';
  for (const [file, expected] of [
    ['launch.o', 'sigaction'],
    ['calls_posix.o', 'execve'],
    ['struct_calls_posix.o', 'waitid'],
  ] as const) {
    const words = ['--format=posix', '--undefined-only', join(folder, file)];
    const { stdout } = await run('nm', words, { cwd: root, lines: true });
    const needed = stdout.map((line) => line.split(' ')[0]?.split('@')[0] as string);
    assert.ok(needed.includes(expected), `${file} is what was looked at`);
    const allowed = new Set([...SAFE, ...CALLS, ...OTHER]);
    assert.deepEqual(
      needed.filter((name) => !allowed.has(name) && !name.startsWith('call_')),
      [],
    );
  }
});
