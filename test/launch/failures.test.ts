import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '#dist/process/index.js';
import {
  ALL,
  assertLaunchError,
  COMMANDS,
  type Expected,
  type LauncherName,
  PROCESSES,
} from '../helpers/launchers.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Launch = readonly [file: string, args?: readonly string[], options?: object];

/** What fails, and how; `folder` is empty and gone afterwards. */
type Case = (folder: string) => {
  launch: Launch;
  expected: Expected;
  /** Part of the error's message. */
  message?: string;
  /** Checked once the launch has failed. */
  after?: () => void;
};

function failsAlike(name: string, prepare: Case, launchers: readonly LauncherName[] = ALL): void {
  test(name, () =>
    withFolder(async (folder) => {
      const { launch, expected, message, after } = prepare(folder);
      for (const launcher of launchers) {
        const error = await assertLaunchError(launcher, launch, expected);
        if (message !== undefined) assert.ok(error.message.includes(message), error.message);
      }
      after?.();
    }),
  );
}

/** An executable file with this text. */
function script(folder: string, name: string, text: string, mode = 0o755): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const ENOENT = { code: 'ENOENT', errno: 2 };
const EACCES = { code: 'EACCES', errno: 13 };
const EBADF = { code: 'EBADF', errno: 9 };

failsAlike('a program that does not exist', () => ({
  launch: ['/no/such/program', ['a', 'b']],
  expected: { step: 'execve', ...ENOENT, argument: '/no/such/program' },
}));

failsAlike('launching a path below a file fails at execve with ENOTDIR', (folder) => {
  const path = `${script(folder, 'file', '')}/program`;
  return {
    launch: [path],
    expected: { step: 'execve', code: 'ENOTDIR', errno: 20, argument: path },
  };
});

failsAlike(
  'a name that is in no directory of `path`',
  () => ({
    launch: ['no-such-program', ['a'], { path: '/usr/bin::bin:/bin/' }],
    expected: {
      step: 'execve',
      ...ENOENT,
      argument: 'no-such-program',
      searched: ['/usr/bin/no-such-program', '/bin/no-such-program'],
    },
    message: 'no such program in PATH (/usr/bin, /bin)',
  }),
  COMMANDS,
);

failsAlike(
  "a name that is in no directory of the child's PATH",
  () => ({
    launch: ['sh', [], { env: { PATH: '/no:/nowhere' } }],
    expected: { step: 'execve', ...ENOENT, argument: 'sh', searched: ['/no/sh', '/nowhere/sh'] },
  }),
  COMMANDS,
);

failsAlike(
  'a name, with an empty path',
  () => ({
    launch: ['sh', [], { path: '' }],
    expected: { step: 'execve', ...ENOENT, argument: 'sh', searched: [] },
  }),
  COMMANDS,
);

failsAlike(
  'a name whose first match may not be executed',
  (folder) => {
    for (const name of ['one', 'two']) mkdirSync(join(folder, name));
    const blamed = script(join(folder, 'one'), 'program', '', 0o644);
    return {
      launch: [
        'program',
        [],
        { path: ['/no', join(folder, 'one'), join(folder, 'two')].join(':') },
      ],
      expected: {
        step: 'execve',
        ...EACCES,
        argument: blamed,
        searched: ['/no/program', blamed, join(folder, 'two', 'program')],
      },
    };
  },
  COMMANDS,
);

failsAlike(
  'a name for startProcess, which does not search PATH',
  () => ({
    launch: ['true', ['a'], { path: '/bin', env: { PATH: '/bin' }, cwd: '/' }],
    expected: { step: 'execve', ...ENOENT, argument: 'true' },
  }),
  PROCESSES,
);

failsAlike('a working directory that does not exist', () => ({
  launch: ['/bin/true', [], { cwd: '/no/dir' }],
  expected: { step: 'chdir', ...ENOENT, argument: '/no/dir' },
}));

failsAlike('a cwd that is a file fails at chdir with ENOTDIR', (folder) => {
  const cwd = script(folder, 'file', '');
  return {
    launch: ['true', [], { cwd }],
    expected: { step: 'chdir', code: 'ENOTDIR', errno: 20, argument: cwd },
  };
});

failsAlike('launching a directory fails at execve with EACCES', (folder) => ({
  launch: [folder],
  expected: { step: 'execve', ...EACCES, argument: folder },
}));

failsAlike('launching a file without execute permission fails at execve with EACCES', (folder) => {
  const path = script(folder, 'program', '#!/bin/sh\n', 0o644);
  return { launch: [path], expected: { step: 'execve', ...EACCES, argument: path } };
});

failsAlike('a script whose interpreter does not exist', (folder) => {
  const path = script(folder, 'script', '#! /no/interpreter -x\n');
  return {
    launch: [path],
    expected: { step: 'execve', ...ENOENT, argument: path },
    message: 'the script\'s interpreter "/no/interpreter" was not found',
  };
});

failsAlike('a script without #! fails with ENOEXEC and is not run by sh', (folder) => {
  const marker = join(folder, 'marker');
  const path = script(folder, 'script', `touch ${marker}\n`);
  return {
    launch: [path],
    expected: { step: 'execve', code: 'ENOEXEC', errno: 8, argument: path },
    message: 'neither a binary for this machine nor a script with a #! line',
    after: () => assert.ok(!existsSync(marker)),
  };
});

failsAlike('launching an empty file fails at execve with ENOEXEC', (folder) => {
  const path = script(folder, 'empty', '');
  return {
    launch: [path],
    expected: { step: 'execve', code: 'ENOEXEC', errno: 8, argument: path },
  };
});

failsAlike('3 MB of arguments fail at execve with E2BIG', () => ({
  launch: ['/bin/true', Array.from({ length: 30 }, () => 'x'.repeat(100_000))],
  expected: { step: 'execve', code: 'E2BIG', errno: 7, argument: '/bin/true' },
}));

failsAlike('an argument of more than 128 KiB fails at execve with E2BIG', () => ({
  launch: ['/bin/true', ['x'.repeat(128 * 1024)]],
  expected: { step: 'execve', code: 'E2BIG', errno: 7, argument: '/bin/true' },
}));

failsAlike('a path that is too long fails at execve with ENAMETOOLONG', () => {
  const path = `/${'x'.repeat(4096)}`;
  return {
    launch: [path],
    expected: { step: 'execve', code: 'ENAMETOOLONG', errno: 36, argument: path },
  };
});

failsAlike('launching a link to itself fails at execve with ELOOP', (folder) => {
  const path = join(folder, 'loop');
  symlinkSync(path, path);
  return {
    launch: [path],
    expected: { step: 'execve', code: 'ELOOP', errno: 40, argument: path },
  };
});

test('launching a program that is open for writing fails with ETXTBSY', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'true');
    copyFileSync('/bin/true', path);
    const fd = openSync(path, 'r+');
    const expected = { step: 'execve', code: 'ETXTBSY', errno: 26, argument: path };
    try {
      for (const launcher of ALL) await assertLaunchError(launcher, [path], expected);
    } finally {
      closeSync(fd);
    }
  }));

failsAlike('a process group that does not exist', () => ({
  launch: ['/bin/true', [], { processGroup: 0x3fff_ffff }],
  expected: { step: 'setpgid', code: 'EPERM', errno: 1, argument: String(0x3fff_ffff) },
}));

test('the process group of another session fails at setpgid with EPERM', async () => {
  const other = await startProcess('/bin/sleep', ['sleep', '60'], { session: true });
  try {
    const expected = { step: 'setpgid', code: 'EPERM', errno: 1, argument: String(other.pid) };
    const launch = ['/bin/true', [], { processGroup: other.pid }] as const;
    for (const launcher of ALL) await assertLaunchError(launcher, launch, expected);
  } finally {
    other.signal('SIGKILL');
    await other.wait();
  }
});

// 9,999 is above what this process has open, and below its limit of 20,000 or more.
failsAlike('a closed descriptor, for a lower descriptor of the child', () => ({
  launch: ['/bin/true', [], { stdin: 9999 }],
  expected: { step: 'fcntl', ...EBADF, argument: '9999' },
}));

failsAlike(
  'a closed descriptor, for a higher descriptor of the child',
  () => ({
    launch: ['/bin/true', [], { fds: { 9999: 9998 } }],
    expected: { step: 'fcntl', ...EBADF, argument: '9998' },
  }),
  COMMANDS,
);

failsAlike(
  'a closed descriptor, for the same descriptor of the child',
  () => ({
    launch: ['/bin/true', [], { files: [...Array(9999).fill(null), 9999] }],
    expected: { step: 'fcntl', ...EBADF, argument: '9999' },
  }),
  PROCESSES,
);

failsAlike(
  'a file for stdin that does not exist, and a file for stdout that cannot be created',
  () => ({
    launch: ['/bin/true', [], { stdin: { file: '/no/file' } }],
    expected: { step: 'open', ...ENOENT, argument: '/no/file' },
  }),
  COMMANDS,
);

failsAlike(
  'a directory for stdout',
  (folder) => ({
    launch: ['/bin/true', [], { stdin: { file: '/dev/null' }, stdout: { file: folder } }],
    expected: { step: 'open', code: 'EISDIR', errno: 21, argument: folder },
  }),
  COMMANDS,
);
