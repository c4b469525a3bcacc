import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LaunchError, lookPath, run, spawn } from '#dist/index.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { openPath } from '../helpers/open-copy.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const index = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));

/** Calls `use` with folders one, two and three, of which each has a program of its own name. */
function withPrograms(
  use: (folder: string, add: (path: string, mode?: number) => string) => void | Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const add = (path: string, mode = 0o755): string => {
      const file = join(folder, path);
      writeFileSync(file, `#!/bin/sh\necho ${path}\n`);
      chmodSync(file, mode);
      return file;
    };
    for (const name of ['one', 'two']) mkdirSync(join(folder, name));
    await use(folder, add);
  });
}

function error(file: string, options?: Parameters<typeof lookPath>[1]): LaunchError {
  try {
    return assert.fail(`found ${lookPath(file, options)}`);
  } catch (error) {
    assert.ok(error instanceof LaunchError, String(error));
    return error;
  }
}

test('lookPath finds the program that spawn runs', () =>
  withPrograms(async (folder, add) => {
    add('one/other');
    add('one/program', 0o644);
    mkdirSync(join(folder, 'two', 'folder'));
    const program = add('two/program');
    const path = `/no:${folder}/one:relative::${folder}/two/`;
    assert.equal(lookPath('program', { path }), program);
    assert.equal((await run('program', { path })).stdout, 'two/program');
    symlinkSync(program, join(folder, 'one', 'link'));
    assert.equal(lookPath('link', { path }), join(folder, 'one', 'link'), 'links stay links');
    assert.equal((await run('link', { path })).stdout, 'two/program');
  }));

test('lookPath without path searches PATH of this process', () =>
  withPrograms((folder, add) => {
    const program = add('one/program-of-a-test');
    const before = process.env['PATH'];
    assert.match(lookPath('sh'), /^\/.*\/sh$/);
    try {
      process.env['PATH'] = join(folder, 'one');
      assert.equal(lookPath('program-of-a-test'), program);
      assert.equal(error('sh').code, 'ENOENT');
      delete process.env['PATH'];
      assert.match(lookPath('sh'), /^(\/usr)?\/bin\/sh$/, 'the default');
    } finally {
      process.env['PATH'] = before;
    }
  }));

test('lookPath makes a path absolute without a search', () =>
  withPrograms((folder, add) => {
    const program = add('one/program');
    assert.equal(lookPath(program, { path: '/no' }), program);
    assert.equal(lookPath('./program', { cwd: join(folder, 'one') }), program);
    assert.equal(lookPath('../one/program', { cwd: join(folder, 'two') }), program);
    assert.equal(lookPath('/bin/../bin/sh'), resolve('/bin/sh'));
  }));

test('lookPath of a missing program is ENOENT with the paths that were tried', () => {
  const { name, code, errno, step, argument, searched, file, args, message } = error('no-such', {
    path: '/bin:/usr/bin/:relative:',
  });
  const got = { name, code, errno, step, argument, searched, file, args };
  assert.deepEqual(got, {
    name: 'LaunchError',
    code: 'ENOENT',
    errno: 2,
    step: 'execve',
    argument: 'no-such',
    searched: ['/bin/no-such', '/usr/bin/no-such'],
    file: 'no-such',
    args: [],
  });
  assert.ok(message.includes('no such program in PATH (/bin, /usr/bin)'), message);
});

test('lookPath of a program that may not be executed is EACCES', () =>
  withPrograms((folder, add) => {
    const program = add('one/program', 0o644);
    mkdirSync(join(folder, 'two', 'program'));
    const path = `${folder}/one:${folder}/two`;
    const byName = error('program', { path });
    assert.deepEqual([byName.code, byName.argument], ['EACCES', program]);
    assert.deepEqual(byName.searched, [program, join(folder, 'two', 'program')]);
    const byPath = error(program);
    assert.deepEqual(
      [byPath.code, byPath.argument, byPath.searched],
      ['EACCES', program, undefined],
    );
    assert.equal(error(folder).code, 'EACCES');
    assert.equal(error(join(folder, 'one', 'nothing')).code, 'ENOENT');
  }));

test(
  'lookPath continues after a directory that may not be searched',
  () =>
    withPrograms(async (folder, add) => {
      const program = add('two/program', 0o644);
      mkdirSync(join(folder, 'closed'), { mode: 0o700 });
      chmodSync(folder, 0o755);
      const script = `
        import { lookPath, run } from ${JSON.stringify(openPath(index))};
        const path = '${folder}/closed:${folder}/two';
        for (const name of ['no-such', 'program']) {
          const launch = await run(name, { path }).catch((error) => error);
          let look;
          try { lookPath(name, { path }); } catch (error) { look = error; }
          console.log(launch.code, launch.argument, look.code, look.argument);
        }`;
      const words = ['--input-type=module', '--eval', script];
      const { stdout } = await run(process.execPath, words, { credential: NOBODY, cwd: '/' });
      const found = ['ENOENT no-such', `EACCES ${program}`].map((told) => `${told} ${told}`);
      assert.equal(stdout, found.join('\n'));
      const path = `${folder}/closed`;
      await assert.rejects(run('no-such', { path, credential: NOBODY }), { code: 'ENOENT' });
    }),
  asRoot,
);

test('lookPath of a path has the errors of spawn', async () => {
  const paths = ['/bin/sh/below', '/no/such/program', '/etc/passwd', '/etc', `/${'x'.repeat(300)}`];
  for (const path of paths) {
    const found = await spawn(path).catch((error: unknown) => error);
    assert.ok(found instanceof LaunchError, path);
    const { code, step, argument } = found;
    assert.throws(() => lookPath(path), { name: 'LaunchError', code, step, argument });
  }
});

test('lookPath refuses invalid names', () => {
  for (const file of ['', 'a\0b', 5, undefined]) {
    const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
    assert.throws(() => lookPath(file as string), expected);
  }
  assert.throws(() => lookPath('sh', { path: 'a\0b' }), { code: 'ERR_INVALID_ARG_VALUE' });
});
