// Which files a sandbox lets a program read, write and execute, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '#dist/index.js';
import { inSandbox, linkedWith, PROGRAMS, RUNTIME, test } from '../helpers/sandbox.js';

test('what is listed can be read or written, and nothing else', async (strength, d) => {
  mkdirSync(join(d, 'out'));
  writeFileSync(join(d, 'secret'), 'secret\n');
  const sandbox = { read: PROGRAMS, write: [join(d, 'out')], strength };
  const script = `echo x >${d}/out/f; cat ${d}/out/f; cat ${d}/secret; echo x >${d}/new; echo x >/etc/x`;
  const output = await inSandbox(script, sandbox);
  assert.match(output, /^x$/m);
  assert.doesNotMatch(output, /^secret$/m);
  assert.equal(existsSync(join(d, 'new')) || existsSync('/etc/x'), false);
});

test('a program in /tmp that is not listed does not run, and the policy is named', async (strength, d) => {
  const program = join(d, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  await assert.rejects(run(program, { sandbox: { read: PROGRAMS, strength } }), {
    step: 'execve',
    code: strength === 'kernel' ? 'EACCES' : 'ENOENT',
  });
});

test('files move between two trees that may be written, with ports in the policy (case 4)', async (strength, d) => {
  for (const name of ['a', 'b']) mkdirSync(join(d, name));
  writeFileSync(join(d, 'a/f'), 'text\n');
  const sandbox = { read: PROGRAMS, write: [d], network: { connect: [443] }, strength };
  assert.equal(await inSandbox(`mv ${d}/a/f ${d}/b/f && cat ${d}/b/f`, sandbox), 'text');
});

test('a link in a tree leads only where the policy goes (case 21)', async (strength, d) => {
  for (const name of ['etc', 'run']) mkdirSync(join(d, name));
  symlinkSync('../run/conf', join(d, 'etc/conf'));
  writeFileSync(join(d, 'run/conf'), 'conf\n');
  const sandbox = { read: ['/usr', ...PROGRAMS, join(d, 'etc')], strength };
  const expected = strength === 'kernel' ? /Permission denied/ : /No such file/;
  assert.match(await inSandbox(`cat ${d}/etc/conf`, sandbox), expected);
  const resolver = { ...sandbox, read: PROGRAMS.filter((path) => path !== '/etc') };
  const withNetwork = { ...resolver, network: true };
  if (existsSync('/etc/hosts')) {
    assert.doesNotMatch(await inSandbox('cat /etc/hosts >&2', resolver), /localhost/);
    assert.match(await inSandbox('cat /etc/hosts', withNetwork), /localhost/);
  }
});

test('a link that is listed and what it leads to are both there (case 22)', async (strength, d) => {
  mkdirSync(join(d, 'real'));
  symlinkSync('real', join(d, 'link'));
  writeFileSync(join(d, 'real/f'), 'text\n');
  const sandbox = { read: [...PROGRAMS, join(d, 'link')], strength };
  assert.equal(await inSandbox(`cat ${d}/real/f ${d}/link/f`, sandbox), 'text\ntext');
});

test(
  'links of the root that lead into a listed tree are there (case 24)',
  async (strength) => {
    await run('/bin/true', { sandbox: { read: ['/usr'], strength } });
  },
  existsSync('/bin') && realpathSync('/bin').startsWith('/usr') ? false : '/usr is not merged',
);

test('a working directory outside of the policy is refused, or is the root (case 25)', async (strength, d) => {
  const sandbox = { read: PROGRAMS, strength };
  await assert.rejects(run('/bin/true', { cwd: d, sandbox }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'cwd must lie in a tree of sandbox.read or sandbox.write, or hold one.',
  });
  assert.equal(await inSandbox('pwd', sandbox), '/');
  assert.equal(await inSandbox('pwd', { ...sandbox, write: [d] }, { cwd: d }), d);
});

test('a working directory that holds a path of the policy is there', async (strength, d) => {
  writeFileSync(join(d, 'f'), 'text\n');
  writeFileSync(join(d, 'g'), 'other\n');
  const sandbox = { read: [...PROGRAMS, join(d, 'f')], strength };
  const script = 'pwd; cat f; cat <g || echo refused';
  const printed = await inSandbox(script, sandbox, { cwd: d });
  assert.match(printed, /^(.*)\ntext\nrefused\n.*(?:Permission denied|No such file)/);
  assert.ok(printed.startsWith(`${d}\n`), printed);
});

test('a folder that is read-only in a tree that may be written is so or is refused (case 29)', async (strength, d) => {
  mkdirSync(join(d, 'ro'));
  const sandbox = { write: [d], read: [...PROGRAMS, join(d, 'ro')], strength };
  const attempt = inSandbox(`echo x >${d}/ro/f; echo y >${d}/f; cat ${d}/f`, sandbox);
  if (strength === 'kernel') {
    await assert.rejects(attempt, {
      message:
        /^sandbox\.read\[\d+\] cannot be read-only in a tree of sandbox\.write with strength/,
    });
  } else {
    assert.match(await attempt, /^y\n.*Read-only file system/);
  }
  assert.equal(existsSync(join(d, 'ro/f')), false);
});

test('every read-only folder in a tree that may be written counts, not the first alone', async (strength, d) => {
  mkdirSync(join(d, 'ro'));
  const sandbox = { write: [d], read: [...PROGRAMS, d, join(d, 'ro')], strength };
  const attempt = inSandbox(`echo x >${d}/ro/f; echo y >${d}/f; cat ${d}/f`, sandbox);
  if (strength === 'kernel') {
    await assert.rejects(attempt, { message: /^sandbox\.read\[\d+\] cannot be read-only/ });
  } else assert.match(await attempt, /^y\n.*Read-only file system/);
  assert.equal(existsSync(join(d, 'ro/f')), false);
});

test('nothing in a path is expanded (cases 8 and 30)', async (strength) => {
  for (const path of ['$TMPDIR', '~/x']) {
    await assert.rejects(run('/bin/true', { sandbox: { read: ['/usr', path], strength } }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: `sandbox.read[1] does not exist: ${JSON.stringify(path)}.`,
    });
  }
});

test('a file watcher sees what happens in its tree (case 31)', async (strength, d) => {
  const read = [...PROGRAMS, ...RUNTIME];
  const script = `const { watch, writeFileSync } = require('fs');
const watcher = watch('.', (_, name) => { console.log(name); watcher.close(); });
writeFileSync('made', '');`;
  const sandbox = { read, write: [d, '/dev/null'], strength };
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: d, sandbox });
  assert.equal(stdout, 'made');
});

test('the same policy holds at every launch, whatever else the launches have', async (strength, d) => {
  for (const name of ['listed', 'other']) {
    mkdirSync(join(d, name));
    writeFileSync(join(d, name, 'f'), `${name}\n`);
  }
  for (const size of [0, 1, 1000, 100_000]) {
    const sandbox = { read: [...PROGRAMS, join(d, 'listed')], strength };
    const script = `cat ${d}/listed/f; cat ${d}/other/f 2>&- || echo denied`;
    const options = { env: { FILL: 'x'.repeat(size) } };
    assert.equal(await inSandbox(script, sandbox, options), 'listed\ndenied');
  }
});

test('a listed link that leads elsewhere at the next launch is followed anew', async (strength, d) => {
  const link = join(d, 'link');
  for (const name of ['a', 'b', 'a/in']) mkdirSync(join(d, name));
  for (const name of ['a', 'b']) writeFileSync(join(d, name, 'f'), `${name}\n`);
  const script = `for name in a b; do cat ${d}/$name/f 2>&- || echo denied; done`;
  for (const [to, output] of [
    ['a', 'a\ndenied'],
    ['b', 'denied\nb'],
  ] as const) {
    symlinkSync(to, link);
    assert.equal(await inSandbox(script, { read: [...PROGRAMS, link], strength }), output);
    unlinkSync(link);
  }
  // Below a tree that may be written now, where only mounts make it read-only.
  symlinkSync('b', link);
  const sandbox = { read: [...PROGRAMS, link], write: [join(d, 'a')], strength };
  await inSandbox('true', sandbox);
  unlinkSync(link);
  symlinkSync('a/in', link);
  const attempt = inSandbox(`echo x >${d}/a/in/new`, sandbox);
  if (strength === 'kernel') await assert.rejects(attempt, /cannot be read-only/);
  else await attempt;
  assert.equal(existsSync(join(d, 'a/in/new')), false);
});

test('a policy without a library of the program is refused by the name of the library', async (strength, d) => {
  const program = realpathSync('/bin/ls');
  const { loader, libraries } = linkedWith(program);
  assert.ok(libraries.length > 0, `${program} has libraries`);
  for (const library of libraries) {
    const others = libraries.filter((each) => each !== library);
    const sandbox = { read: [program, loader, ...others, d], strength };
    const isNamed = (error: Error & { code?: string }): boolean => {
      const [, named = ''] =
        /^sandbox\.read must list "(.*)", a library of/.exec(error.message) ?? [];
      // By one of the names that it has.
      assert.equal(named === '' ? error.message : realpathSync(named), realpathSync(library));
      return error.code === 'ERR_INVALID_ARG_VALUE';
    };
    for (let launch = 0; launch < 2; launch++) {
      await assert.rejects(run(program, [d], { sandbox }), isNamed);
    }
    // One that is found elsewhere is no reason.
    const copy = join(d, basename(library));
    copyFileSync(library, copy);
    const { stdout } = await run(program, [d], { sandbox, env: { LD_LIBRARY_PATH: d } });
    assert.equal(stdout, basename(library));
    unlinkSync(copy);
  }
});
