import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from '../helpers/test.js';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/reliability.md', root), 'utf8');

/** The rows of the table of faults: their numbers, and the tests that they name. */
const rows = page
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => ({ number: line.split('|')[1]?.trim(), line }));

/** Each `file`: "title" of a text. */
function testsIn(text: string): [file: string, title: string][] {
  return [...text.matchAll(/`([\w/-]+)`: "([^"]+)"/g)].map(([, file, title]) => {
    return [file as string, title as string];
  });
}

test('the page of reliability has each fault of the catalogue, in order', () => {
  const wanted = Array.from({ length: 35 }, (_, index) => String(index + 1));
  wanted.splice(16, 0, '16b');
  assert.deepEqual(
    rows.map(({ number }) => number),
    wanted,
  );
});

test('each fault of the page of reliability names a test, and each test that is named exists', () => {
  for (const { number, line } of rows) assert.ok(testsIn(line).length > 0, `fault ${number}`);
  for (const [file, title] of testsIn(page)) {
    const source = readFileSync(new URL(`test/${file}.test.ts`, root), 'utf8');
    assert.ok(source.includes(`'${title}'`), `${file}: ${title}`);
  }
});
