import assert from 'node:assert/strict';
import { run, runSync } from '#dist/index.js';
import { test } from '../helpers/test.js';

/** More milliseconds than a timer of the runtime takes: it would fire at once. */
const LONG_TIMES = [2 ** 31, 1e10, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY];

test('times that no timer of the runtime takes do not end a command early', async () => {
  for (const timeout of LONG_TIMES) {
    const options = { timeout, waitDelay: timeout };
    const { status } = await run('sleep', ['0.05'], options);
    assert.equal(status.reason, 'exited', `run, ${timeout}`);
    assert.equal(
      runSync('sleep', ['0.05'], options).status.reason,
      'exited',
      `runSync, ${timeout}`,
    );
  }
});
