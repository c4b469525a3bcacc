import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Command, command, ExitError, type RunOptions, run } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { text } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

test('a command can be started any number of times, with run, runSync and spawn', async () => {
  const echo = command('echo', ['a', 'b']);
  assert.ok(echo instanceof Command);
  const results = await Promise.all([echo.run(), echo.run(), echo.run()]);
  assert.deepEqual(
    results.map(({ stdout }) => stdout),
    ['a b', 'a b', 'a b'],
  );
  assert.equal(echo.runSync().stdout, 'a b');
  await using child = await echo.spawn({ stdout: 'pipe' });
  assert.ok(child.stdout);
  assert.equal(await text(child.stdout as unknown as Parameters<typeof text>[0]), 'a b\n');
  assert.equal((await command('pwd', { cwd: '/' }).run()).stdout, '/');
});

test('a command is immutable, even if its arguments and options are changed', () => {
  const args = ['a'];
  const options: RunOptions = { cwd: '/' };
  const one = command('echo', args, options);
  args.push('b');
  options.cwd = '/usr';
  assert.deepEqual(one.args, ['a']);
  assert.equal(one.options.cwd, '/');
  assert.throws(() => (one.args as string[]).push('b'), TypeError);
  assert.throws(() => Object.assign(one.options, { cwd: '/usr' }), TypeError);
});

test('with() returns another command with added options; env and fds are merged', async () => {
  const script = 'echo $A $B $C; cat <&3 <&4 2>/dev/null; exit 3';
  const one = command('sh', ['-c', script], { env: { A: '1', B: '1' }, fds: { 3: 'null' } });
  const two = one.with({ env: { B: '2', C: '2' }, fds: { 4: 'null' }, reject: false });
  assert.deepEqual(one.options, { env: { A: '1', B: '1' }, fds: { 3: 'null' } });
  assert.deepEqual(two.options.env, { A: '1', B: '2', C: '2' });
  assert.deepEqual(two.options.fds, { 3: 'null', 4: 'null' });
  assert.deepEqual([two.file, two.args], [one.file, one.args]);
  assert.equal((await two.run()).stdout, '1 2 2');
  assert.equal(two.runSync({ env: { A: undefined, C: '3' } }).stdout, '2 3');
  await assert.rejects(one.run(), ExitError);
  assert.deepEqual(two.options.env, { A: '1', B: '2', C: '2' }, 'options of a run are of that run');
});

/** Every character that is one byte, the NUL of course not, and others. */
const bytes = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1));

const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(...bytes), maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 10 }).filter((value) => !value.includes('\0')),
  fc.constantFrom("'", "''", '"', '\\', '$HOME', '`id`', '*', '~', '!', '#', '-n', 'a=b', '\n', ''),
);

test('a quoted command has the same arguments in a shell', () =>
  fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 12 }), async (words) => {
      const line = command('printf', ['%s\\0', ...words]).toString();
      const { stdout } = await run('sh', ['-c', line]);
      assert.deepEqual(stdout.split('\0').slice(0, -1), words);
    }),
    { numRuns: 200 },
  ));

/** Characters in whose UTF-8 each byte occurs that can: 0xc0, 0xc1 and those from 0xf5 on never do. */
const leads = [
  ...Array.from({ length: 0x40 }, (_, index) => 0x80 + index), // every byte that continues
  ...Array.from({ length: 0x1e }, (_, index) => (index + 2) << 6), // c2 to df
  ...Array.from({ length: 0x10 }, (_, index) => Math.max(index << 12, 0x0800)), // e0 to ef
  ...[0x1_0000, 0x4_0000, 0x8_0000, 0xc_0000, 0x10_0000], // f0 to f4
];

test('quoting keeps every byte, alone and together', async () => {
  const all = [...bytes, ...leads.map((code) => String.fromCodePoint(code))];
  const words = [...all, all.join('')];
  const occurring = new Set(Buffer.from(words.join(''), 'utf8'));
  assert.equal(occurring.size, 0x7f + 0x40 + 0x1e + 0x10 + 5);
  const line = command('printf', ['%s\\0', ...words]).toString();
  for (const shell of ['sh', 'bash']) {
    const { stdout } = await run(shell, ['-c', line]);
    assert.deepEqual(stdout.split('\0').slice(0, -1), words);
  }
});

test('quoting leaves plain words unquoted', () => {
  assert.equal(String(command('ls', ['-l', '/etc', '--color=auto'])), "ls -l /etc '--color=auto'");
  assert.equal(String(command('git', ['log', '-n1', 'a:b@c'])), 'git log -n1 a:b@c');
  assert.equal(String(command('a b', ['', "it's"])), "'a b' '' 'it'\\''s'");
  assert.equal(`${command('A=1', ['B=2'])}`, "'A=1' 'B=2'");
});

test('a quoted program with any name is the one that a shell runs', () =>
  withFolder(async (folder) => {
    const names = [
      'a b',
      'A=1',
      "it's",
      '$x',
      '~',
      '-x',
      '#x',
      'if',
      'while',
      'case',
      'do',
      'fi',
      '{',
      '!',
    ];
    mkdirSync(join(folder, 'bin'));
    for (const name of names) {
      const file = join(folder, 'bin', name);
      writeFileSync(file, '#!/bin/sh\nprintf "%s\\n" "$(basename -- "$0")" "$@"\n');
      chmodSync(file, 0o755);
    }
    for (const name of names) {
      const options = { env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` } };
      const { stdout, stderr } = await run('sh', ['-c', `:; ${command(name, ['argument'])}`], {
        ...options,
        reject: false,
      });
      assert.deepEqual([stdout, stderr], [`${name}\nargument`, '']);
    }
  }));
