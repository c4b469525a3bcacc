// The types of the library: what is in test/types compiles, and each mistake in it does not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from './helpers/test.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = join(root, 'test', 'types');

test('the public types compile as in test/types', () => {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { status, stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8' });
  assert.equal(stdout, '');
  assert.equal(status, 0);
});

test('every expected type error has a reason', () => {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [line] of text.matchAll(/@ts-expect-error.*$/gm)) {
      assert.match(line, /@ts-expect-error \w.{10,}/, file);
    }
  }
});
