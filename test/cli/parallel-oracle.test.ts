// The same cases through GNU parallel and forkexec parallel: output, exit code and joblog. Where GNU parallel is
// wrong, or forkexec means to differ, the case says why. docs/gnu-parallel.md has them as a table.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSync } from '#dist/index.js';
import { bin } from '../helpers/cli.js';
import { CASES, type Case, cellOf, type Left, rowOf } from '../helpers/oracle-cases.js';
import { withDesk } from '../helpers/parallel.js';
import { test } from '../helpers/test.js';

const lack =
  process.env['FORKEXEC_ORACLE'] === undefined
    ? 'only npm run test:engines compares with GNU parallel'
    : existsSync('/usr/bin/parallel')
      ? false
      : '/usr/bin/parallel not found: install parallel';

const page = fileURLToPath(new URL('../../../docs/gnu-parallel.md', import.meta.url));

/** The rows of the table in the documentation. */
function rowsOfPage(): string[] {
  const lines = readFileSync(page, 'utf8').split('\n');
  return lines.filter((line) => /^\| `(printf .* \\\| )?parallel /.test(line));
}

/** What a run leaves: output, exit code, and the ends in the joblog. */
function outcome(argv: readonly string[], folder: string, each: Case): Left & { sizes: string[] } {
  const [file = '', ...words] = argv;
  const { input, isFull } = each;
  const { stdout, status } = runSync(file, words, {
    cwd: folder,
    // Theirs would take the first shell among its ancestors: the sh of npm, whose echo is another.
    env: { SHELL: '/bin/bash', PARALLEL_SHELL: '/bin/bash' },
    reject: false,
    stripFinalNewline: false,
    ...(input === undefined ? {} : { input }),
    ...(isFull ? { stdout: { file: '/dev/full' } } : {}),
  });
  const log = join(folder, 'j');
  const lines = existsSync(log) ? readFileSync(log, 'latin1').split('\n').slice(1, -1) : [];
  const fields = lines.map((line) => line.split('\t'));
  const ends = fields.map((line) => `${line[0]} ${line[6]} ${line[7]}`);
  const sizes = fields.map((line) => `${line[5]} ${line[8]}`);
  return { stdout: stdout ?? '', code: status.code, ends, sizes };
}

test('the documentation has each case that is compared with GNU parallel', () => {
  assert.ok(CASES.length >= 60);
  // A bar in a command is escaped, so the first that is not ends its cell.
  const cells = rowsOfPage().map((row) => row.slice(2, row.indexOf('` | ') + 1));
  assert.deepEqual(cells, CASES.map(cellOf));
});

test(
  `${CASES.length} cases are as with GNU parallel, but for what is said`,
  async () => {
    const differences: unknown[] = [];
    const rows: string[] = [];
    for (const each of CASES) {
      const through = (words: readonly string[]) =>
        withDesk(({ folder, write }) => {
          write('f', 'a\nb\n');
          if (each.joblog !== undefined) write('j', each.joblog);
          return outcome([...words, ...each.words], folder, each);
        });
      const theirs = await through(['/usr/bin/parallel', '--will-cite']);
      const ours = await through([process.execPath, bin, 'parallel']);
      const isSame = JSON.stringify(theirs) === JSON.stringify(ours);
      if (isSame !== (each.differs === undefined)) differences.push({ each, theirs, ours });
      rows.push(rowOf(each, theirs, ours));
    }
    assert.deepEqual(differences, [], JSON.stringify(differences));
    assert.deepEqual(rowsOfPage(), rows, rows.join('\n'));
  },
  { skip: lack, timeout: 600_000 },
);
