import assert from 'node:assert/strict';
import { backend } from '#dist/backend.js';
import { attempt, call, close } from '#dist/syscall/call.js';
import { E, F, RLIMIT } from '#dist/syscall/constants.js';
import { noHandles } from '../helpers/facilities.js';
import { assertLaunchError, COMMANDS, PROCESSES } from '../helpers/launchers.js';
import { descriptorNumbers, test } from '../helpers/test.js';

/** Calls `use` while only `spare` descriptors can be opened. */
async function withSpare(spare: number, use: () => Promise<void>): Promise<void> {
  const limit = new BigUint64Array(2);
  call('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, null, limit);
  const highest = Math.max(...descriptorNumbers());
  const lowered = BigUint64Array.of(BigInt(highest + 9), limit[1] as bigint);
  const fds: number[] = [];
  call('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, lowered, null);
  try {
    for (;;) {
      const fd = attempt('fcntl', 2, 1030, 0); // F_DUPFD_CLOEXEC
      if (fd < 0) {
        assert.equal(fd, -E.EMFILE);
        break;
      }
      fds.push(fd);
    }
    for (const fd of fds.splice(0, spare)) close(fd);
    await use();
  } finally {
    for (const fd of fds) close(fd);
    call('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, limit, null);
  }
}

const EMFILE = { code: 'EMFILE', errno: 24 };
const inherit = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' };

test(
  'a launch without a free descriptor for the pidfd fails with EMFILE',
  () =>
    withSpare(0, async () => {
      const expected = { step: 'clone', ...EMFILE };
      for (const name of COMMANDS)
        await assertLaunchError(name, ['/bin/true', [], inherit], expected);
      for (const name of PROCESSES) await assertLaunchError(name, ['/bin/true', ['x']], expected);
    }),
  { skip: noHandles },
);

test('a launch without two free descriptors for a pipe fails', () =>
  withSpare(1, async () => {
    const launch = ['/bin/true', [], { ...inherit, stdout: 'pipe' }] as const;
    for (const name of COMMANDS) {
      await assertLaunchError(name, launch, { step: 'pipe2', ...EMFILE });
    }
  }));

test('a launch without two free descriptors for a socket fails', () =>
  withSpare(1, async () => {
    const launch = ['/bin/true', [], { ...inherit, stderr: 'socket' }] as const;
    for (const name of COMMANDS) {
      await assertLaunchError(name, launch, { step: 'socketpair', ...EMFILE });
    }
  }));

test(
  'pipes are closed if no descriptor is left for the pidfd',
  () =>
    withSpare(4, async () => {
      const launch = ['/bin/true', [], { ...inherit, stdin: 'pipe', stdout: 'pipe' }] as const;
      for (const name of COMMANDS) {
        await assertLaunchError(name, launch, { step: 'clone', ...EMFILE });
      }
    }),
  { skip: noHandles },
);

test('pipes are closed if no descriptor is left for the next pipe', () =>
  withSpare(5, async () => {
    const stdio = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' };
    for (const name of COMMANDS) {
      const launch = ['/bin/true', [], stdio] as const;
      await assertLaunchError(name, launch, { step: 'pipe2', ...EMFILE });
    }
  }));

test('a launch without a free descriptor for a file fails', () =>
  withSpare(0, async () => {
    const launch = ['/bin/true', [], { ...inherit, stdin: { file: '/dev/zero' } }] as const;
    const expected = { step: 'open', ...EMFILE, argument: '/dev/zero' };
    for (const name of COMMANDS) await assertLaunchError(name, launch, expected);
  }));

test('files are closed if no descriptor is left for the next file', () =>
  withSpare(1, async () => {
    const files = { stdin: { file: '/dev/zero' }, stdout: { file: '/dev/full' } };
    const expected = { step: 'open', ...EMFILE, argument: '/dev/full' };
    for (const name of COMMANDS) {
      await assertLaunchError(name, ['/bin/true', [], { ...inherit, ...files }], expected);
    }
  }));

test('a child without a free descriptor for /dev/null fails', () =>
  // By fork the child has the pipe as well by which it tells what failed.
  withSpare(backend === 'linux' ? 1 : 3, async () => {
    const launch = ['/bin/true', [], { files: ['null', 'inherit', 'inherit'] }] as const;
    const expected = { step: 'fcntl', ...EMFILE, argument: '/dev/null' };
    for (const name of PROCESSES) await assertLaunchError(name, launch, expected);
  }));

test('a descriptor of the child above the limit fails by name', () =>
  withSpare(8, async () => {
    const files = [0, 1, 2, ...Array(500).fill(null), 2];
    const launch = ['/bin/true', [], { files }] as const;
    for (const name of PROCESSES) {
      await assertLaunchError(name, launch, {
        step: 'fcntl',
        code: 'EINVAL',
        errno: 22,
        argument: '2',
      });
    }
  }));

test(
  'a handle is refused if it could only be at a number of stdio',
  () =>
    withSpare(1, async () => {
      // Now the only number that is free is 0.
      const saved = call('fcntl', 0, F.F_DUPFD_CLOEXEC, 3);
      close(0);
      try {
        const expected = { step: 'clone', ...EMFILE };
        for (const name of PROCESSES) await assertLaunchError(name, ['/bin/true', ['x']], expected);
        assert.equal(attempt('fcntl', 0, F.F_GETFD), -E.EBADF, '0 is closed still');
      } finally {
        call('dup3', saved, 0, 0);
        close(saved);
      }
    }),
  { skip: noHandles },
);
