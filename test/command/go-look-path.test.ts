// What Go's os/exec promises of finding a program, by the names of its tests (os/exec/dot_test.go,
// lp_test.go, lp_unix_test.go, lp_linux_test.go).
//
// Go finds a program in a directory of PATH that is not absolute and then refuses to run it (ErrDot),
// unless it is told to. Here such a directory is passed over from the start: what lies in the working
// directory is run as ./name.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LaunchError, lookPath, run } from '#dist/index.js';
import { asRoot } from '../helpers/identity.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Makes a program that says where it is from. */
function makeProgram(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\necho from ${folder}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** What lookPath throws. */
function failure(file: string, options?: { path?: string; cwd?: string }): LaunchError {
  try {
    return assert.fail(`it has found ${lookPath(file, options)}`);
  } catch (error) {
    assert.ok(error instanceof LaunchError, String(error));
    return error;
  }
}

/** That a name is found neither by lookPath nor by whoever runs it. */
async function assertNotFound(
  file: string,
  options: { path: string; cwd?: string },
): Promise<LaunchError> {
  await assert.rejects(run(file, options), { name: 'LaunchError', code: 'ENOENT' });
  const error = failure(file, options);
  assert.equal(error.code, 'ENOENT');
  return error;
}

test('TestLookPath: relative directories of PATH are not searched', () =>
  withFolder(async (folder) => {
    const cwd = join(folder, 'root');
    makeProgram(cwd, 'execabs-test');
    for (const path of ['.', '../root', './', 'root/..', relative('/', cwd)]) {
      const error = await assertNotFound('execabs-test', { path, cwd });
      assert.deepEqual(error.searched, [], path);
    }
  }));

test('TestLookPath: a name with a slash is resolved in the working directory', () =>
  withFolder(async (folder) => {
    const cwd = join(folder, 'root');
    const program = makeProgram(cwd, 'execabs-test');
    for (const file of ['./execabs-test', '../root/execabs-test', program]) {
      for (const path of ['.', '', '/nowhere']) {
        assert.equal(lookPath(file, { path, cwd }), program);
        assert.equal((await run(file, { path, cwd })).stdout, `from ${cwd}`);
      }
    }
  }));

test('TestLookPath: absolute directories are searched, also after relative ones', () =>
  withFolder(async (folder) => {
    const cwd = join(folder, 'root');
    const other = join(folder, 'other');
    makeProgram(cwd, 'execabs-test');
    makeProgram(other, 'execabs-test');
    const table = [
      [cwd, cwd],
      [other, other],
      [`.:${other}`, other],
      [`${other}:.`, other],
      [`${folder}:${other}:${cwd}`, other],
      [`::${cwd}:`, cwd],
    ] as const;
    for (const [path, found] of table) {
      assert.equal(lookPath('execabs-test', { path, cwd }), join(found, 'execabs-test'), path);
      assert.equal((await run('execabs-test', { path, cwd })).stdout, `from ${found}`, path);
    }
  }));

test('TestLookPathUnixEmptyPath: an empty PATH does not mean the working directory', () =>
  withFolder(async (folder) => {
    makeProgram(folder, 'exec_me');
    for (const path of ['', ':', '::']) {
      const error = await assertNotFound('exec_me', { path, cwd: folder });
      assert.deepEqual(error.searched, []);
    }
  }));

test('TestLookPathNotFound: the error has the name and the directories', async () => {
  const error = failure('nobody-calls-a-program-so', { path: '/bin:/usr/bin' });
  assert.equal(error.file, 'nobody-calls-a-program-so');
  assert.deepEqual(error.searched, [
    '/bin/nobody-calls-a-program-so',
    '/usr/bin/nobody-calls-a-program-so',
  ]);
  for (const file of ['.', '..']) assert.equal(failure(file, { path: '/bin' }).code, 'EACCES');
  assert.throws(() => lookPath(''), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('validateLookPath: directories and files without execute permission are not programs', () =>
  withFolder(async (folder) => {
    mkdirSync(join(folder, 'a', 'program'), { recursive: true });
    const plain = makeProgram(join(folder, 'b'), 'program');
    chmodSync(plain, 0o644);
    const good = makeProgram(join(folder, 'c'), 'program');
    const path = ['a', 'b', 'c'].map((name) => join(folder, name)).join(':');
    assert.equal(lookPath('program', { path }), good);
    assert.equal((await run('program', { path })).stdout, `from ${join(folder, 'c')}`);
    const without = path.split(':').slice(0, 2).join(':');
    assert.equal(failure('program', { path: without }).code, 'EACCES');
    await assert.rejects(run('program', { path: without }), { code: 'EACCES', step: 'execve' });
  }));

test('programs are searched in PATH of the new process', () =>
  withFolder(async (folder) => {
    makeProgram(folder, 'mine-alone');
    const { stdout } = await run('mine-alone', { env: { PATH: `${folder}:/bin:/usr/bin` } });
    assert.equal(stdout, `from ${folder}`);
    await assert.rejects(run('mine-alone'), { code: 'ENOENT' });
  }));

/** Why nothing can be mounted here, or false. */
async function withoutMounts(): Promise<string | false> {
  const namespaces = { mount: true } as const;
  const script = 'mount -t tmpfs none /mnt';
  return run('sh', ['-c', script], { namespaces }).then(
    () => false as const,
    (error: Error) => `no tmpfs can be mounted: ${error.message}`,
  );
}

test(
  'TestFindExecutableVsNoexec: files on a noexec file system are not programs',
  async (context) => {
    const lack = await withoutMounts();
    if (lack !== false) return context.skip(lack);
    // In a mount namespace of its own, where a program looks for itself and runs itself.
    const program = `
      import { copyFileSync } from 'node:fs';
      import { lookPath, run } from ${JSON.stringify(import.meta.resolve('#dist/index.js'))};
      copyFileSync(lookPath('true'), '/mnt/program');
      await run('/mnt/program');
      const found = lookPath('/mnt/program');
      await run('mount', ['-o', 'remount,noexec', '/mnt']);
      const code = (error) => error.code;
      let looked = 'found';
      try { lookPath('/mnt/program'); } catch (error) { looked = code(error); }
      const ran = await run('/mnt/program').then(() => 'ran', code);
      const searched = await run('program', { path: '/mnt:/bin' }).then(() => 'ran', code);
      console.log([found, looked, ran, searched].join());
    `;
    const mount = 'mount -t tmpfs none /mnt && exec "$0" --input-type=module -e "$1"';
    const { stdout } = await run('sh', ['-c', mount, process.execPath, program], {
      namespaces: { mount: true },
    });
    assert.equal(stdout, '/mnt/program,EACCES,EACCES,EACCES');
  },
  asRoot,
);
