// What Go's os/exec promises of descriptors beyond the standard three, by the names of its tests
// (os/exec/exec_test.go).

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { run } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { attempt } from '#dist/syscall/call.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** What each descriptor of a child is, by its number. */
async function targetsOf(fds: Record<number, number>, folder: string): Promise<string[][]> {
  const file = join(folder, 'state.json');
  await run(helper('state'), [file], { stdin: 'null', stdout: 'null', stderr: 'null', fds });
  const state = JSON.parse(readFileSync(file, 'utf8')) as State;
  return Object.entries(state.fds).map(([fd, { target }]) => [fd, target]);
}

/** Opens files with the numbers of which some are also wanted in the child. */
function openFiles(folder: string, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const path = join(folder, `file-${index}`);
    writeFileSync(path, `content ${index}`);
    return openSync(path, 'r');
  });
}

const NULLS = [
  ['0', '/dev/null'],
  ['1', '/dev/null'],
  ['2', '/dev/null'],
];

test('TestExtraFilesFDShuffle (#5780): numbers that overlap do not overwrite each other', () =>
  withFolder(async (folder) => {
    const fds = openFiles(folder, 6);
    const path = (fd: number): string => join(folder, `file-${fds.indexOf(fd)}`);
    try {
      // Each in the place of another, and in every rotation of that.
      for (let shift = 0; shift < fds.length; shift++) {
        const wanted = fds.map((_, index) => fds[(index + shift) % fds.length] as number);
        const low = Object.fromEntries(wanted.map((fd, index) => [3 + index, fd]));
        const same = Object.fromEntries(wanted.map((fd, index) => [fds[index] as number, fd]));
        for (const map of [low, same]) {
          const expected = Object.entries(map).map(([fd, source]) => [fd, path(source)]);
          assert.deepEqual(await targetsOf(map, folder), [...NULLS, ...expected]);
        }
      }
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }));

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

test('TestExtraFiles: a child has only its descriptors while servers and files are open', () =>
  withFolder(async (folder) => {
    const servers = [createServer(), createTlsServer()];
    await Promise.all(servers.map(listen));
    const file = join(folder, 'input');
    writeFileSync(file, 'Hello, fd 3!');
    // Open in this process without close-on-exec, as a library of others would do it.
    const fd = openSync(file, 'r');
    const copies = Array.from({ length: 5 }, () => attempt('dup', fd));
    try {
      const { stdout } = await run('sh', ['-c', 'cat <&3'], { fds: { 3: fd } });
      assert.equal(stdout, 'Hello, fd 3!');
      assert.deepEqual(await targetsOf({ 3: fd }, folder), [...NULLS, ['3', file]]);
    } finally {
      closeSync(fd);
      for (const copy of copies) attempt('close', copy);
      await Promise.all(servers.map(close));
    }
  }));

test('TestExtraFilesRace: two commands at once each have their own file as descriptor 3', () =>
  withFolder(async (folder) => {
    for (let round = 0; round < 10; round++) {
      const files = ['a', 'b'].map((name) => join(folder, name));
      const fds = files.map((file) => openSync(file, 'w+'));
      try {
        const outputs = await Promise.all(
          fds.map((fd) => run('readlink', ['/proc/self/fd/3'], { fds: { 3: fd } })),
        );
        assert.deepEqual(
          outputs.map(({ stdout }) => stdout),
          files,
        );
      } finally {
        for (const fd of fds) closeSync(fd);
        for (const file of files) rmSync(file);
      }
    }
  }));

test('TestExecErrPermutedFds: a missing program is reported in any order of files', async () => {
  const files = [0, 2, 1] as const;
  await assert.rejects(startProcess('/nonexistent', ['x'], { files }), { code: 'ENOENT' });
});

test('TestExtraFiles: a descriptor number that is left out is closed', () =>
  withFolder(async (folder) => {
    const [fd] = openFiles(folder, 1) as [number];
    try {
      const target = join(folder, 'file-0');
      assert.deepEqual(await targetsOf({ 9: fd }, folder), [...NULLS, ['9', target]]);
    } finally {
      closeSync(fd);
    }
  }));
