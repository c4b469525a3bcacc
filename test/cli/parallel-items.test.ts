// forkexec parallel: items, replacement strings, and how a command is read. The numbers are those of
// situations from public reports; GNU parallel is the oracle unless a test says otherwise.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runSync } from '#dist/index.js';
import { decodeText } from '#dist/syscall/text.js';
import { bin } from '../helpers/cli.js';
import { withDesk } from '../helpers/parallel.js';
import { lacks, test } from '../helpers/test.js';

test('19, 24, 27: items with characters of the shell, odd bytes and braces arrive byte for byte', async () => {
  await withDesk(({ p, folder }) => {
    const items = ["it's", 'say "hi"', '$HOME `id` ;x', '>f', '*', '', ' lead', 'trail '];
    items.push('back\\slash', '-n', '~', '#c', '!x', 'a\tb', 'a\nb', '{}', '{#}', '{%}', '{.}');
    items.push(decodeText(Buffer.from([0x80, 0xff])), '\u00e9');
    const bytes = items.map((item) =>
      item
        .replace('\u00e9', '\xc3\xa9')
        .replaceAll(/[\udc80-\udcff]/g, (odd) => String.fromCharCode(odd.charCodeAt(0) & 0xff)),
    );
    const expected = bytes.map((item) => `<${item}>\n`).join('');
    assert.equal(p(['--keep-order', './args', '{}', ':::', ...items]).stdout, expected);
    // The same through a shell, which gets them quoted.
    assert.equal(p(['--keep-order', './args {}', ':::', ...items]).stdout, expected);
    assert.ok(!existsSync(join(folder, 'f')));
  });
});

test('20, 21, 22: lines are items as they are, and null bytes end items where they are to', async () => {
  await withDesk(({ p }) => {
    const lines = p(['-k', './args', '{}'], { input: 'a b\n c \n\n"q\\x\'\r\nlast' });
    assert.equal(lines.stdout, '<a b>\n< c >\n<>\n<"q\\x\'\r>\n<last>\n');
    const nulls = p(['--null', '--keep-order', './args', '{}'], { input: 'a\nb\0"q\'\0' });
    assert.equal(nulls.stdout, '<a\nb>\n<"q\'>\n');
    const blank = p(['-k', '--jobs', '1', './args', '{}'], { input: '\n1\n\n2\n' });
    assert.equal(blank.stdout, '<>\n<1>\n<>\n<2>\n');
    const some = p(['-k', '-r', './args', '{}'], { input: '\n1\n \n2\n' });
    assert.equal(some.stdout, '<1>\n<2>\n');
    const commas = p(['-k', '-d', ',', './args', '{}'], { input: 'a,b\n,c' });
    assert.equal(commas.stdout, '<a>\n<b\n>\n<c>\n');
  });
});

test('23: a list that is empty runs nothing, and stdin stays unread', async () => {
  await withDesk(({ p, write, folder }) => {
    write('empty', '');
    assert.deepEqual(p(['./args', '{}', '::::', 'empty']), { code: 0, stdout: '', stderr: '' });
    assert.equal(p(['./args', '{}'], { stdin: 'null' }).code, 0);
    // What comes at stdin is left to the next program.
    const script = '"$0" "$1" parallel ./args {} :::: empty; cat';
    const both = runSync('sh', ['-c', script, process.execPath, bin], {
      cwd: folder,
      input: 'left',
    });
    assert.equal(both.stdout, 'left');
  });
});

test('26: parts of odd paths are those of GNU parallel', async () => {
  await withDesk(({ p }) => {
    const paths =
      'dir/a.b.txt .hidden noext dir.d/noext a/ / dir/.hidden.txt ../x. ./x.tar.gz //double//x.y ..';
    const words = ['-k', './args', '{}', '{.}', '{/}', '{//}', '{/.}', ':::', ...paths.split(' ')];
    const expected = [
      '<dir/a.b.txt><dir/a.b><a.b.txt><dir><a.b>',
      '<.hidden><><.hidden><.><>',
      '<noext><noext><noext><.><noext>',
      '<dir.d/noext><dir.d/noext><noext><dir.d><noext>',
      '<a/><a/><><.><>',
      '</></><><><>',
      '<dir/.hidden.txt><dir/.hidden><.hidden.txt><dir><.hidden>',
      '<../x.><../x><x.><..><x>',
      '<./x.tar.gz><./x.tar><x.tar.gz><.><x.tar>',
      '<//double//x.y><//double//x><x.y><//double><x>',
      '<..><.><..><.><.>',
    ];
    assert.deepEqual(p(words).stdout.trimEnd().split('\n'), expected);
  });
});

test('29: number and slot of a job are in {#}, {%} and in its environment', async () => {
  await withDesk(({ p }) => {
    const words = [
      '--jobs',
      '2',
      '-k',
      './args {#} {%} $PARALLEL_SEQ $PARALLEL_JOBSLOT; true {}',
      ':::',
      'a',
      'b',
      'c',
      'd',
    ];
    const rows = p(words).stdout.trimEnd().split('\n');
    assert.equal(rows.length, 4);
    for (const [index, row] of rows.entries()) {
      assert.match(row, new RegExp(`^<${index + 1}><([12])><${index + 1}><\\1>$`));
    }
  });
});

test('lists are combined, linked, grouped and split into columns', async () => {
  await withDesk(({ p, write }) => {
    write('f', 'a\nb\n');
    const args = (...words: string[]): string[] =>
      p(['-k', ...words])
        .stdout.trimEnd()
        .split('\n');
    assert.deepEqual(args('echo', '{}', '{2}', '::::', 'f', ':::', 'x', 'y'), [
      'a x x',
      'a y y',
      'b x x',
      'b y y',
    ]);
    assert.deepEqual(
      args('echo', '{1}-{2}-{3}', ':::', 'a', 'b', ':::', '1', '2', ':::+', 'x', 'y'),
      ['a-1-x', 'a-2-y', 'b-1-x', 'b-2-y'],
    );
    assert.deepEqual(args('--link', 'echo', '{}', ':::', 'a', 'b', 'c', ':::', '1', '2'), [
      'a 1',
      'b 2',
      'c 1',
    ]);
    assert.deepEqual(args('-N2', 'echo', '{1}', '{2}', '{}', ':::', 'a', 'b', 'c'), [
      'a b a b',
      'c c',
    ]);
    assert.deepEqual(args('--colsep', ',', 'echo', '{2}{1}', ':::', 'a,b', 'c,d'), ['ba', 'dc']);
    assert.deepEqual(args('echo', '{1/} {2.} {-1}', ':::', 'a/b.c', ':::', 'x.y'), ['b.c x x.y']);
    assert.deepEqual(args('--plus', 'echo', '{..} {+/} {+.} {/..}', ':::', 'a/b.c.d'), [
      'a/b a d b',
    ]);
    assert.deepEqual(args('-I', ',,', 'echo', ',,', '{}', ':::', 'a'), ['a {}']);
    assert.deepEqual(args('-a', 'f', 'echo', ':::', 'x'), ['a x', 'b x']);
  });
});

test('31: one word is code for a shell, several are an argv that no shell reads', async () => {
  await withDesk(({ p }) => {
    assert.equal(p(['-k', 'echo {}; echo "<{}>"', ':::', 'a  b']).stdout, "a  b\n<'a  b'>\n");
    const commands = p(['-k', ':::', 'echo a; echo b', 'exit 3']);
    assert.deepEqual([commands.stdout, commands.code], ['a\nb\n', 1]);
    assert.equal(p(['sh', '-c', 'echo "$1"', 'x', '{}', ':::', 'a  b']).stdout, 'a  b\n');
    const refused = p(['echo', '{}', '|', 'wc', '-c', ':::', 'abc']);
    assert.equal(refused.code, 255);
    assert.match(refused.stderr, /'\|' among several words .*as one word.*--shell/s);
    assert.equal(p(['--shell', 'echo', '{}', '|', 'wc', '-c', ':::', 'abc']).stdout, '4\n');
  });
});

test('functions of bash, which it exports as variables, are commands', async () => {
  await withDesk(({ p }) => {
    const f = { 'BASH_FUNC_f%%': '() { echo "f $1"; }' };
    // Also through the launcher, whose shell may drop them.
    const env = { ...f, SHELL: '/bin/bash' };
    assert.equal(runSync(bin, ['parallel', 'f', ':::', 'a b'], { env }).stdout, 'f a b');
    const names = 'console.log(Object.keys(process.env).join())';
    const { stdout } = runSync(process.execPath, ['-e', names], { env });
    if (!stdout.includes('BASH_FUNC_f')) lacks('functions of bash: a shell starts it here');
    assert.equal(p(['f', ':::', 'a'], { env: f }).stdout, 'f a\n');
  });
});

test('--dry-run prints the commands, and runs nothing', async () => {
  await withDesk(({ p }) => {
    const { stdout } = p(['--dry-run', './args', '{}', 'a b', ':::', "it's", '']);
    assert.equal(stdout, "./args 'it'\\''s' 'a b'\n./args '' 'a b'\n");
    assert.equal(p(['--dry-run', 'echo {} | wc', ':::', 'a b']).stdout, "echo 'a b' | wc\n");
  });
});

test('a flag of each attribute is taken for all jobs', async () => {
  await withDesk(({ p }) => {
    const script = 'ulimit -n; nice; umask; pwd; echo $V';
    const flags = [
      '--rlimit',
      'nofile=64',
      '--nice',
      '5',
      '--umask',
      '027',
      '--cwd',
      '/',
      '--env',
      'V=v',
    ];
    assert.equal(p([...flags, 'sh', '-c', script, ':::', '1']).stdout, '64\n5\n0027\n/\nv\n');
    const bad = p(['--umask', '999', 'true', ':::', '1']);
    assert.equal(bad.code, 255);
    assert.match(bad.stderr, /--umask 999 must be/);
  });
});
