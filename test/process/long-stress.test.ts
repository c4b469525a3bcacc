import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import type { StressReport } from '../helpers/long-stress.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

const program = fileURLToPath(new URL('../helpers/long-stress.js', import.meta.url));
const SECONDS = 15;
const TIMEOUT = 120_000;

test(
  'commands, pipelines, terminals, aborts, signals and terminated Workers at once leave nothing',
  async (context) => {
    needsLinux('terminals');
    const seed = Math.floor(Math.random() * 2 ** 32);
    context.diagnostic(`seed ${seed}`);
    const args = ['--expose-gc', program, String(SECONDS), String(seed)];
    const { stdout } = await run(process.execPath, args, { timeout: patience(TIMEOUT) });
    const { done, aborted, signals } = JSON.parse(stdout) as StressReport;
    context.diagnostic(JSON.stringify(done));
    assert.ok(signals > 0 && aborted > 0);
    for (const [name, count] of Object.entries(done)) assert.ok(count > 0, name);
  },
  { timeout: TIMEOUT },
);
