import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '#dist/index.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { optionsOf } from '../helpers/flags.js';
import { asRoot, assertFails, assertRefused, attemptBy, NOBODY } from '../helpers/identity.js';
import { stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Calls `use` with a root directory in which /bin/sleep can run and /inner/most is a directory. */
function withRoot(use: (root: string) => Promise<void>): Promise<void> {
  return withFolder(async (root) => {
    chmodSync(root, 0o755);
    const sleep = execFileSync('which', ['sleep'], { encoding: 'utf8' }).trim();
    const libraries = execFileSync('ldd', [sleep], { encoding: 'utf8' }).match(/\/\S+/g) ?? [];
    const copies: [from: string, to: string][] = [[sleep, '/bin/sleep']];
    for (const library of libraries) copies.push([library, library]);
    for (const [from, to] of copies) {
      mkdirSync(join(root, dirname(to)), { recursive: true });
      copyFileSync(from, join(root, to));
    }
    mkdirSync(join(root, 'inner/most'), { recursive: true });
    await use(root);
  });
}

/** Root and working directory of a child, as this process sees them. */
async function placesOf(attributes: ProcessAttributes, file = '/bin/sleep'): Promise<string[]> {
  const child = await startProcess(file, ['sleep', '60'], attributes);
  try {
    return ['root', 'cwd'].map((name) => readlinkSync(`/proc/${child.pid}/${name}`));
  } finally {
    child.signal('SIGKILL');
    await child.wait();
  }
}

test(
  'chroot starts the process in the new root, or in cwd inside it',
  () =>
    withRoot(async (root) => {
      const inner = join(root, 'inner');
      assert.deepEqual(await placesOf({ chroot: root }), [root, root]);
      assert.deepEqual(await placesOf({ chroot: root, cwd: '/inner' }), [root, inner]);
      assert.deepEqual(await placesOf({ chroot: root, cwd: 'inner/most' }), [
        root,
        `${inner}/most`,
      ]);
      assert.deepEqual(await placesOf({ chroot: root, cwd: '../..' }), [root, root]);
      // A relative program is relative to cwd, there as everywhere.
      assert.deepEqual(await placesOf({ chroot: root, cwd: 'bin' }, './sleep'), [
        root,
        `${root}/bin`,
      ]);
    }),
  asRoot,
);

test(
  'chroot resolves links and programs inside the new root',
  () =>
    withRoot(async (root) => {
      symlinkSync('/inner/most', join(root, 'link'));
      const places = await placesOf({ chroot: root, cwd: '/link' });
      assert.deepEqual(places, [root, join(root, 'inner/most')]);
      const script = join(root, 'script');
      writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 });
      for (const file of ['/bin/true', '/script']) {
        await assert.rejects(startProcess(file, ['x'], { chroot: root }), {
          step: 'execve',
          code: 'ENOENT',
          argument: file,
        });
      }
    }),
  asRoot,
);

test(
  'chroot works with a credential, and /dev/null comes from outside',
  () =>
    withRoot(async (root) => {
      const child = await startProcess('/bin/sleep', ['sleep', '60'], {
        chroot: root,
        credential: NOBODY,
        files: ['null', 'null', 'inherit'],
      });
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        assert.match(status, /^Uid:\s65534\s65534\s65534\s/m);
        // Read as that user: root takes CAP_SYS_PTRACE for it, which a container's has not.
        const links = ['root', 'fd/0'].map((name) => `/proc/${child.pid}/${name}`);
        const { stdout } = await run('readlink', links, { credential: NOBODY });
        assert.equal(stdout, `${root}\n/dev/null`);
      } finally {
        child.signal('SIGKILL');
        await child.wait();
      }
    }),
  asRoot,
);

test(
  'PWD is the path inside the new root',
  async () => {
    const pwd = async (attributes: ProcessAttributes): Promise<string[]> => {
      const { env } = await stateOf({ chroot: '/', ...attributes });
      return env.filter((text) => text.startsWith('PWD='));
    };
    assert.deepEqual(await pwd({}), ['PWD=/']);
    assert.deepEqual(await pwd({ cwd: 'usr/bin' }), ['PWD=/usr/bin']);
    assert.deepEqual(await pwd({ cwd: '/usr/bin', env: { PWD: '/x' } }), ['PWD=/x']);
    assert.deepEqual(await pwd({ clearEnv: true }), []);
  },
  asRoot,
);

test(
  'a chroot that fails names its step',
  () =>
    withRoot(async (root) => {
      const none = join(root, 'none');
      await assertFails({ chroot: none }, { step: 'chroot', code: 'ENOENT', argument: none });
      const sleep = join(root, 'bin/sleep');
      await assertFails({ chroot: sleep }, { step: 'chroot', code: 'ENOTDIR', argument: sleep });
      const inside = { chroot: root, cwd: '/etc/none' };
      await assertFails(inside, { step: 'chdir', code: 'ENOENT', argument: '/etc/none' });
      const { failure } = await attemptBy({ credential: NOBODY }, { chroot: '/' });
      assert.deepEqual(failure, { step: 'chroot', code: 'EPERM', argument: '/' });
    }),
  asRoot,
);

test('invalid values of chroot are refused by name', async () => {
  await assertRefused({ chroot: 1 }, 'chroot');
  await assertRefused({ chroot: '/a\0b' }, 'chroot');
});

test('--chroot sets the option', () => {
  assert.deepEqual(optionsOf('--chroot /srv'), { chroot: '/srv' });
});
