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

test('a signal that arrives while its handler is removed takes the later disposition', () =>
  withFolder(async (folder) => {
    needsLinux('A linker that wraps functions');
    const program = join(folder, 'handler');
    const sources = ['test/native/handler.c', 'native/signal_handler.c', 'native/signal_entry.c'];
    const words = [...flags, '-Wl,--wrap=sigaction', ...sources, '-o', program];
    await run(compiler, words, { cwd: root });
    const { stdout } = await run(program, { timeout: 50_000 });
    assert.equal(stdout, 'ok');
  }));
