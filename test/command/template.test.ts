import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { $, Command, command, ExitError, run, type ScriptCommand } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const words = ({ file, args }: Command): string[] => [file, ...args];

/** Calls `$` as the language does, for templates that are made up while the test runs. */
function template(texts: readonly string[], values: readonly unknown[]): ScriptCommand {
  const strings = Object.assign([...texts], { raw: [...texts] });
  return $(strings as unknown as TemplateStringsArray, ...values);
}

const result = await run('printf', ['%s\\n', 'from a run']);

/** A template, and the words it means. */
const table: readonly [ScriptCommand, string[]][] = [
  [$`ls`, ['ls']],
  [$`  ls   -l  `, ['ls', '-l']],
  [
    $`
      git log
        --oneline	-n 1
    `,
    ['git', 'log', '--oneline', '-n', '1'],
  ],
  // Values are never split, whatever is in them.
  [$`ls ${'a b'}`, ['ls', 'a b']],
  [$`ls ${' a '}`, ['ls', ' a ']],
  [$`ls ${'a\nb'}`, ['ls', 'a\nb']],
  [$`ls ${'$HOME; rm -rf "*" `id` \'q\''}`, ['ls', '$HOME; rm -rf "*" `id` \'q\'']],
  [$`ls ${''}`, ['ls', '']],
  [$`ls ${''} ${''}`, ['ls', '', '']],
  // Quotes and such mean nothing in the text either.
  [$`echo "a b" 'c' *.ts $HOME | cat`, ['echo', '"a', 'b"', "'c'", '*.ts', '$HOME', '|', 'cat']],
  // Nothing between a text and a value makes them one word.
  [$`ls --name=${'a b'}`, ['ls', '--name=a b']],
  [$`ls ${'a'}b`, ['ls', 'ab']],
  [$`ls ${'a'}${'b'}`, ['ls', 'ab']],
  [$`ls ${'a'} ${'b'}`, ['ls', 'a', 'b']],
  [$`ls x${'a'}y${'b'}z w`, ['ls', 'xaybz', 'w']],
  [$`ls --x=${''}`, ['ls', '--x=']],
  [$`ls ${''}a`, ['ls', 'a']],
  // An array is several words; what it touches is part of its first and last.
  [$`ls ${['a', 'b c']}`, ['ls', 'a', 'b c']],
  [$`ls x${['a', 'b']}y`, ['ls', 'xa', 'by']],
  [$`ls ${['a', 'b']}${['c', 'd']}`, ['ls', 'a', 'bc', 'd']],
  [$`ls ${['a', ['b', ['c']]]}`, ['ls', 'a', 'b', 'c']],
  [$`ls ${[]}`, ['ls']],
  [$`ls ${[]} -l`, ['ls', '-l']],
  [$`ls a${[]}b`, ['ls', 'ab']],
  [$`ls ${[]}b`, ['ls', 'b']],
  [$`ls a ${[]}${'b'}`, ['ls', 'a', 'b']],
  [$`ls a${[]} b`, ['ls', 'a', 'b']],
  [$`ls ${[[], []]}`, ['ls']],
  // Numbers, and the output of a command.
  [$`ls -n ${3}`, ['ls', '-n', '3']],
  [$`ls -n${-0.5} ${10n}`, ['ls', '-n-0.5', '10']],
  [$`ls ${[1, 'a', 2n]}`, ['ls', '1', 'a', '2']],
  [$`echo ${result}`, ['echo', 'from a run']],
  [$`echo <${result}>`, ['echo', '<from a run>']],
  // The program may be a value as well.
  [$`${'ls'} -l`, ['ls', '-l']],
  [$`${['ls', '-l']}`, ['ls', '-l']],
  [$`${'/opt/my tools/'}run ${1}`, ['/opt/my tools/run', '1']],
  [$`${[]} ls`, ['ls']],
];

test('a template is split into words at white space', () => {
  for (const [index, [script, expected]] of table.entries()) {
    assert.deepEqual(words(script), expected, `row ${index}: ${script}`);
  }
});

test('every value in a template arrives as one unchanged argument', () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, text, (one, other) => {
      assert.deepEqual(words($`p ${one} x${other} ${[one, other]}`), [
        'p',
        one,
        `x${other}`,
        one,
        other,
      ]);
    }),
  );
});

test('random templates have the words of joining and splitting', () => {
  const MARK = '\u0001';
  const text = fc.string({ unit: fc.constantFrom('a', '-', '=', ' ', '\t', '\n'), maxLength: 6 });
  const value = fc.string({ unit: fc.constantFrom('v', ' ', "'"), minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(text, fc.array(fc.tuple(value, text), { maxLength: 6 }), (first, rest) => {
      const texts = [`p ${first}`, ...rest.map(([, after]) => after)];
      const values = rest.map(([each]) => each);
      const expected = texts
        .join(MARK)
        .split(/\s+/)
        .filter((word) => word !== '');
      let next = 0;
      const filled = expected.map((word) => word.replaceAll(MARK, () => values[next++] as string));
      assert.deepEqual(words(template(texts, values)), filled);
    }),
    { numRuns: 1000 },
  );
});

test('a template value of another type is refused with its position', () => {
  const bad = [undefined, null, true, {}, new Date(), () => 'x', Symbol('x'), { stdout: 5 }, /x/];
  for (const value of bad) {
    const refused = {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^\$\{\} number 2 must be /,
    };
    assert.throws(() => $`ls ${'a'} ${value}`, refused, inspect(value));
    assert.throws(() => $`ls ${'a'} ${['b', value]}`, refused, inspect([value]));
  }
});

test('a promise or undefined in a template is refused with an explanation', () => {
  const awaited = /must be awaited|await/;
  assert.throws(() => $`ls ${Promise.resolve('a')}`, awaited);
  assert.throws(() => $`ls ${$`echo a`}`, awaited);
  assert.throws(() => $`ls ${$`echo a`.pipe`cat`}`, awaited);
  assert.throws(() => $`ls ${undefined}`, /\[\] stands for no argument/);
});

test('$ called with a string is refused with an explanation', () => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /command\(name\)/ };
  for (const value of ['ls', ['ls'], null, undefined, 5]) {
    assert.throws(() => $(value as never), refused, inspect(value));
    assert.throws(() => $.with(value as never), refused, inspect(value));
  }
});

test('$ with options gives them to each command and to the stages of its pipelines', async () => {
  const there = $({ cwd: '/usr', env: { A: '1' } }).with({ env: { B: '2' } });
  assert.equal((await there`sh -c ${'pwd; echo $A $B'}`).stdout, '/usr\n1 2');
  const piped = there`echo x`.pipe`sh -c ${'cat; pwd'}`.pipe`cat`;
  assert.equal((await piped).stdout, 'x\n/usr');
  const lines = await $({ lines: true })`printf ${'a\\nb\\n'}`;
  assert.deepEqual(lines.stdout, ['a', 'b']);
});

test('a pipeline of templates runs when it is awaited, each time anew', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'touched');
    const pipeline = $`sh -c ${`echo x >> '${file}'; cat '${file}'`}`.pipe($`cat`);
    await sleep(20);
    assert.equal(existsSync(file), false, 'not before it is awaited');
    assert.equal((await pipeline).stdout, 'x');
    const { stdout, stages } = await pipeline.pipe(command('wc', ['-l']));
    assert.equal(stdout, '2');
    assert.equal(stages.length, 3);
    assert.equal(await $`false`.pipe`true`.then(null, () => 'caught'), 'caught');
  }));

test('a stage that is not a command is refused', () => {
  for (const next of ['cat', undefined, {}, () => {}]) {
    for (const first of [
      $`ls`,
      $`ls`.pipe`cat`,
      command('ls'),
      command('ls').pipe(command('cat')),
    ]) {
      assert.throws(() => (first as Command).pipe(next as never), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
    }
  }
});

test('an empty template is refused', () => {
  for (const make of [() => $``, () => $`  `, () => $`${[]}`]) {
    assert.throws(make, { code: 'ERR_INVALID_ARG_VALUE' });
  }
});

test('a template with an invalid escape sequence is refused', () => {
  assert.throws(() => $`grep \unicode file`, { code: 'ERR_INVALID_ARG_VALUE' });
});

test('awaiting a template runs it, every time', async () => {
  const script = $`sh -c ${'echo $$'}`;
  const pids = [await script, await script, (await script.run()).stdout, script.runSync().stdout];
  const seen = pids.map((pid) => (typeof pid === 'string' ? pid : pid.stdout));
  assert.equal(new Set(seen).size, 4, seen.join());
});

test('a template that is not awaited does not run', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'touched');
    const script = $`touch ${file}`;
    assert.equal(String(script), `touch ${file}`);
    await sleep(20);
    assert.equal(existsSync(file), false);
    await script;
    assert.equal(existsSync(file), true);
  }));

test('a failed template rejects, with then and catch of a promise', async () => {
  await assert.rejects(Promise.resolve($`sh -c ${'exit 3'}`), (error) => {
    return error instanceof ExitError && error.status.code === 3;
  });
  assert.equal(await $`echo hi`.then(({ stdout }) => stdout.length), 2);
  assert.equal(await $`false`.then(null, () => 'caught'), 'caught');
  const [one, two] = await Promise.all([$`echo 1`, $`echo 2`]);
  assert.deepEqual([one.stdout, two.stdout], ['1', '2']);
});

test('a template with options can be awaited', async () => {
  const script = $`pwd`.with({ cwd: '/usr' });
  assert.equal((await script).stdout, '/usr');
  assert.equal((await script.with({ cwd: '/' })).stdout, '/');
  assert.equal((await $`false`.with({ reject: false })).status.code, 1);
});

test('a template is a command that can be piped, printed and spawned', async () => {
  const pipeline = $`printf ${'b\\na\\n'}`.pipe($`sort`).pipe(command('head', ['-n', '1']));
  assert.equal((await pipeline.run()).stdout, 'a');
  assert.ok($`ls` instanceof Command);
  assert.equal(String($`echo ${"it's"} a b`), "echo 'it'\\''s' a b");
  const child = await $`cat`.spawn({ stdin: 'null', stdout: 'null' });
  assert.equal((await child.closed).ok, true);
});
