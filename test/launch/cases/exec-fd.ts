import assert from 'node:assert/strict';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, runSync } from '#dist/index.js';
import type { execFd as attribute } from '#dist/launch/exec-fd.js';
import { call } from '#dist/syscall/call.js';
import { F, FD, O } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { withFolder } from '../../helpers/state.js';

async function withFile<T>(
  path: string,
  flags: number,
  use: (fd: number) => Promise<T>,
): Promise<T> {
  const fd = openSync(path, flags);
  try {
    return await use(fd);
  } finally {
    closeSync(fd);
  }
}

const failure = (code: string, step = 'execveat') => ({ name: 'LaunchError', step, code });

/** A binary has its arguments, its environment and no other descriptor, wherever its own lies. */
async function seenBinary(fd: number): Promise<void> {
  const words = ['-c', 'echo "$0 $1 $A"; ls /proc/$$/fd', 'name', 'one'];
  const options = { execFd: fd, env: { A: 'two' }, lines: true } as const;
  const assertOutput = ([said, ...fds]: readonly string[], expected: readonly number[]): void => {
    assert.equal(said, 'name one two');
    assert.deepEqual(new Set(fds.map(Number)), new Set(expected));
  };
  assertOutput((await run('not looked for', words, options)).stdout, [0, 1, 2]);
  assertOutput(runSync('not looked for', words, options).stdout, [0, 1, 2]);
  // Its number belongs to another descriptor in the child.
  const taken = await run('sh', words, { ...options, fds: { [fd]: 'null' } });
  assertOutput(taken.stdout, [0, 1, 2, fd]);
  const fds = { 3: fd + 1000 };
  await assert.rejects(run('sh', words, { ...options, fds }), failure('EBADF', 'fcntl'));
}

/** A script is opened by its interpreter, and so has to be there. */
async function seenScript(folder: string): Promise<void> {
  const path = join(folder, 'script');
  writeFileSync(path, '#!/bin/sh\necho "$0 $1"\n', { mode: 0o755 });
  await withFile(path, O.O_RDONLY, async (fd) => {
    assert.equal(call('fcntl', fd, F.F_GETFD) & FD.FD_CLOEXEC, FD.FD_CLOEXEC);
    await assert.rejects(run('script', { execFd: fd }), failure('ENOENT'));
    const passed = await run('script', ['x'], { execFd: fd, fds: { 9: fd } });
    assert.equal(passed.stdout, '/dev/fd/9 x');
    const same = await run('script', ['x'], { execFd: fd, fds: { [fd]: 'inherit' } });
    assert.equal(same.stdout, `/dev/fd/${fd} x`);
    rmSync(path);
    const deleted = await run('script', ['x'], { execFd: fd, fds: { 9: fd } });
    assert.equal(deleted.stdout, '/dev/fd/9 x');
  });
}

export const execFd: CasesOf<typeof attribute> = {
  options: {
    execFd: {
      sample: 0,
      withSample: (use) => withFile('/bin/true', O.O_PATH, use),
      flags: (fd) => [`--exec-fd ${fd}`],
      refused: [['3'], [-1], [1.5], [2 ** 30], [true]],
      how: 'otherProgram',
    },
  },
  steps: {
    fcntl: { options: { execFd: 999 }, code: 'EBADF', argument: '999' },
    execveat: { options: { execFd: 0 }, deny: denied('execveat'), argument: '0' },
  },
  async seen() {
    await withFile('/bin/sh', O.O_RDONLY, seenBinary);
    await withFile('/bin/sh', O.O_PATH, seenBinary);
    await withFolder(async (folder) => {
      await seenScript(folder);
      const text = join(folder, 'text');
      writeFileSync(text, 'neither\n', { mode: 0o755 });
      await withFile(text, O.O_RDONLY, (fd) =>
        assert.rejects(run('text', { execFd: fd }), failure('ENOEXEC')),
      );
      await withFile(folder, O.O_RDONLY, (fd) =>
        assert.rejects(run('folder', { execFd: fd }), failure('EACCES')),
      );
    });
  },
};
