import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import type { FailpointReport } from '../helpers/failpoint-program.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

const root = new URL('../../../', import.meta.url);
const pathOf = (file: string): string => fileURLToPath(new URL(file, root));
const program = fileURLToPath(new URL('../helpers/failpoint-program.js', import.meta.url));
const TIMEOUT = 120_000;

/** Runs the program with the addon whose calls fail at will. */
async function failAll(what: 'steps' | 'calls'): Promise<FailpointReport> {
  needsLinux('failpoints');
  const env = { FORKEXEC_ADDON: pathOf('build/native/forkexec-failpoints.node') };
  const { stdout } = await run(process.execPath, [program, what], {
    env,
    timeout: patience(TIMEOUT),
  });
  return JSON.parse(stdout) as FailpointReport;
}

test(
  'each step of a launch fails with five errors, and this process is as it was before',
  async (context) => {
    const { caused, failed } = await failAll('steps');
    context.diagnostic(`${caused} failures, ${failed} of them failed the launch`);
    assert.ok(caused > 1000, `only ${caused} failures were caused`);
    assert.ok(failed > 500, `only ${failed} launches failed`);
  },
  { timeout: TIMEOUT },
);

test(
  'each native call outside the child fails with five errors: a typed error or the exact effect, and nothing is left',
  async (context) => {
    const { caused, failed } = await failAll('calls');
    context.diagnostic(`${caused} failures, ${failed} of them failed the call`);
    assert.ok(caused > 300, `only ${caused} failures were caused`);
    assert.ok(failed > 100, `only ${failed} calls failed`);
  },
  { timeout: TIMEOUT },
);

test('the addon that is released has no failpoint', () => {
  const has = (file: string): boolean => readFileSync(pathOf(file)).includes('failAt');
  assert.ok(has('build/native/forkexec-failpoints.node'));
  assert.ok(!has('build/native/forkexec.node'));
});
