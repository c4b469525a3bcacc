import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-Inative'];

for (const threads of [1, 8]) {
  test(`the waiter reports each child once, with ${threads} threads for three times as many children`, () =>
    withFolder(async (folder) => {
      const program = join(folder, 'waiter');
      const sources = ['test/native/waiter.c', 'native/waiter_linux.c', 'native/thread.c'];
      const limit = `-DWAITER_MAX_THREADS=${threads}`;
      await run(compiler, [...flags, limit, ...sources, '-o', program], { cwd: root });
      const { stdout } = await run(program, { timeout: 50_000 });
      assert.equal(stdout, 'ok');
    }));
}
