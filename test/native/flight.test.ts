import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-Inative'];

test('a launch that is given up signals its own child, and no process that has its number or its pidfd', () => {
  needsLinux('pidfds');
  return withFolder(async (folder) => {
    const program = join(folder, 'flight');
    const native = ['flight', 'help_linux', 'clock'].map((name) => `native/${name}.c`);
    await run(compiler, [...flags, 'test/native/flight.c', ...native, '-o', program], {
      cwd: root,
    });
    const { stdout } = await run(program, { timeout: 50_000 });
    assert.equal(stdout, 'ok');
  });
});
