import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { patience } from './patience.js';
import { withFolder } from './state.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-Inative'];

/** Compiles a test that is written in C, of sources and options, and runs it: it prints `ok`. */
export function runCompiled(...words: readonly string[]): Promise<void> {
  return withFolder(async (folder) => {
    const program = join(folder, 'program');
    await run(compiler, [...flags, ...words, '-o', program], { cwd: root });
    const { stdout } = await run(program, { timeout: patience(50_000) });
    assert.equal(stdout, 'ok');
  });
}
