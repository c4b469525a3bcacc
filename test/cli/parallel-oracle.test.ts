// The same cases through GNU parallel and forkexec parallel: output, exit code and joblog. Where GNU parallel is
// wrong, or forkexec means to differ, the case says what each of them does.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runSync } from '#dist/index.js';
import { bin } from '../helpers/cli.js';
import { withDesk } from '../helpers/parallel.js';
import { test } from '../helpers/test.js';

interface Case {
  readonly words: readonly string[];
  readonly input?: string;
  /** Exit codes where they differ. */
  readonly codes?: readonly [theirs: number, ours: number];
}

const j1 = ['-j1', '--joblog', 'j'];

const CASES: readonly Case[] = [
  { words: ['-k', 'echo {}', ':::', 'a', 'b  c', "it's", '$HOME', '*', ''] },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', 'd/a.b.txt', '.hidden', 'noext', 'dir.d/noext'],
  },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', 'a/', 'dir/.hidden.txt', '../x.', './x.tar.gz'],
  },
  {
    words: ['-k', 'echo {.} {/} {//} {/.}', ':::', '//double//x.y', '..', 'a//b.c', '-n', 'a.b/c'],
  },
  { words: ['-k', '-j1', 'echo {#} {%}', ':::', 'a', 'b', 'c'] },
  { words: ['-k', 'echo x', ':::', 'a b', 'c'] },
  { words: ['-k', 'echo', ':::', '{}', '{#}', '{.}'] },
  { words: ['-k', 'echo {} {2} {1}', ':::', 'a', 'b', ':::', '1', '2'] },
  { words: ['-k', 'echo {1}-{2}-{3}', ':::', 'a', 'b', ':::', '1', '2', ':::+', 'x', 'y'] },
  { words: ['-k', 'echo {}', ':::', 'a', 'b', 'c', ':::+', '1', '2'] },
  { words: ['-k', '--link', 'echo {}', ':::', 'a', 'b', 'c', ':::', '1', '2'] },
  { words: ['-k', 'echo {2.} {1/} {-1} {-2}', ':::', 'p/q.r', ':::', 's.t'] },
  { words: ['-k', '-N2', 'echo {1} {2} {}', ':::', 'a', 'b', 'c'] },
  { words: ['-k', '-N3', 'echo {}', ':::', 'a', 'b', 'c', 'd'] },
  { words: ['-k', '--colsep', ',', 'echo {2} {1}', ':::', 'a,b', 'c,d'] },
  { words: ['-k', '--colsep', '[:;]', 'echo {3} {1}', ':::', 'a:b;c'] },
  { words: ['-k', '--plus', 'echo {..} {...} {+/} {+.} {/..}', ':::', 'a/b.c.d.e'] },
  { words: ['-k', '-I', ',,', 'echo ,, x', ':::', 'a', 'b'] },
  { words: ['-k', '-a', 'f', 'echo {}', ':::', 'x'] },
  { words: ['-k', 'echo {}', '::::', 'f', 'f'] },
  { words: ['-k', 'echo {}', '::::', 'f', '-'], input: '1\n2\n' },
  { words: ['-k', 'echo {}'], input: 'a b\n c \n\nlast' },
  { words: ['-k', 'echo {}'], input: '"q\\x\'\r\n' },
  { words: ['-k', '-0', 'echo {}'], input: 'a\0b c\0' },
  { words: ['-k', '-d', ',', 'echo {}'], input: 'a,b,c' },
  { words: ['-k', '-r', 'echo {}'], input: 'a\n\n  \nb\n' },
  { words: ['echo {}'], input: '' },
  { words: ['-k', '--tag', 'echo {}; echo two', ':::', 'a', 'b c'] },
  { words: ['-k', '--tag', 'printf "no end {}"', ':::', 'a', 'b'] },
  { words: ['-k', '--tagstring', 'T{}-{#}', 'echo', ':::', 'a', 'b'] },
  { words: ['-k', '--line-buffer', 'printf "a\\nb{}"', ':::', '1'] },
  { words: ['-k', ':::', 'echo a; echo b', 'exit 3', 'echo c'] },
  { words: [...j1, 'exit {}', ':::', '255', '1', '128', '127', '126', '0'] },
  { words: [...j1, 'kill -{} $$', ':::', '9', '15', '1'] },
  { words: [...j1, './nosuch {}', ':::', 'a'] },
  { words: [...j1, '--halt', 'soon,fail=1', 'exit {}', ':::', '0', '3', '4'] },
  { words: [...j1, '--halt', 'now,fail=1', 'exit {}', ':::', '7', '8'] },
  { words: [...j1, '--halt', 'soon,fail=1', 'kill -{} $$', ':::', '9', '15'] },
  { words: [...j1, '--halt', 'now,fail=2', 'exit {}', ':::', '7', '8', '9'] },
  { words: [...j1, '--halt', 'soon,success=1', 'exit {}', ':::', '1', '0', '5'] },
  { words: [...j1, '--halt', 'soon,done=2', 'exit {}', ':::', '1', '1', '1'] },
  { words: [...j1, '--halt', 'soon,fail=50%', 'exit {}', ':::', '1', '0', '1', '0', '0', '0'] },
  { words: [...j1, '--halt', 'soon,fail=30%', 'exit {}', ':::', ...'0000000110'] },
  { words: [...j1, '--halt', '2', 'exit {}', ':::', '0', '5', '0'] },
  { words: [...j1, '--halt', '20%', 'exit {}', ':::', '1', '1', '0', '0', '0'] },
  { words: ['--halt', 'sometimes', 'true', ':::', '1'] },
  { words: [...j1, '--retries', '3', 'echo x >>tries; false', ':::', '1'] },
  { words: [...j1, '--retries', '5', 'echo try; ./flaky {} 3', ':::', 'a'] },
  { words: [...j1, '--timeout', '1', 'sleep {}; echo {}', ':::', '30', '0'] },
  { words: ['--resume', 'true', ':::', '1'] },
  { words: ['-a', 'nosuch', 'true'] },
  { words: ['--joblog', '/no/such/j', 'true', ':::', '1'] },
  { words: ['--bogus', 'true', ':::', '1'], codes: [255, 255] },
  { words: ['-k', '-j0', 'echo {}', ':::', '1', '2'] },
  { words: ['-k', '-j200%', 'echo {}', ':::', '1'] },
  { words: ['-k', '-j+1', 'echo {}', ':::', '1'] },
  { words: ['-k', '--results', 'r', './both {}', ':::', 'a', 'b c'] },
  { words: ['--dry-run', '-k', 'echo {} | wc', ':::', 'a b', 'c'] },
  { words: ['-k', 'echo "{}" {}', ':::', 'a  b', 'c;d'] },
  // Right is: a full disk is an error.
  { words: ['echo', ':::', '1', '2'], codes: [0, 255] },
];

const lack =
  process.env['FORKEXEC_ORACLE'] === undefined
    ? 'only npm run test:engines compares with GNU parallel'
    : existsSync('/usr/bin/parallel')
      ? false
      : '/usr/bin/parallel not found: install parallel';

/** What a run leaves: output, exit code, and the ends in the joblog. */
function outcome(argv: readonly string[], folder: string, { input, codes }: Case): unknown {
  const [file = '', ...words] = argv;
  const { stdout, status } = runSync(file, words, {
    cwd: folder,
    env: { SHELL: '/bin/bash' },
    reject: false,
    stripFinalNewline: false,
    ...(input === undefined ? {} : { input }),
    ...(codes === undefined ? {} : { stdout: { file: '/dev/full' } }),
  });
  const log = join(folder, 'j');
  const lines = existsSync(log) ? readFileSync(log, 'latin1').split('\n').slice(1, -1) : [];
  const ends = lines.map((line) => {
    const fields = line.split('\t');
    return [fields[0], fields[5], fields[6], fields[7], fields[8]].join(' ');
  });
  return { stdout, code: status.code, ends };
}

test(
  `${CASES.length} cases are as with GNU parallel, but for what is said`,
  async () => {
    assert.ok(CASES.length >= 60);
    const differences: unknown[] = [];
    for (const each of CASES) {
      const theirs = await withDesk(({ folder, write }) => {
        write('f', 'a\nb\n');
        return outcome(['/usr/bin/parallel', '--will-cite', ...each.words], folder, each);
      });
      const ours = await withDesk(({ folder, write }) => {
        write('f', 'a\nb\n');
        return outcome([process.execPath, bin, 'parallel', ...each.words], folder, each);
      });
      const [theirCode, ourCode] = each.codes ?? [];
      if (theirCode !== undefined) {
        assert.deepEqual(
          [(theirs as { code: number }).code, (ours as { code: number }).code],
          [theirCode, ourCode],
        );
      } else if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
        differences.push({ words: each.words, theirs, ours });
      }
    }
    assert.deepEqual(differences, [], JSON.stringify(differences));
  },
  { skip: lack, timeout: 600_000 },
);
