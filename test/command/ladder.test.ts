// The stop ladder for more than one process: nobody of the scope is left when it is over.

import assert from 'node:assert/strict';
import { type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { runs } from '../helpers/other.js';
import { exitError } from '../helpers/outcome.js';
import { test } from '../helpers/test.js';

const runners = {
  run: (script: string, options: RunOptions) => run('sh', ['-c', script], options),
  runSync: async (script: string, options: RunOptions) => runSync('sh', ['-c', script], options),
};

/** Ignores SIGTERM, holds no pipe, and says its number once it does. */
const STUBBORN = `sh -c 'trap "" TERM; echo $$; exec >&- 2>&-; while :; do sleep 0.02; done'`;

for (const [name, runner] of Object.entries(runners)) {
  test(`${name}: processes of the scope that outlive the process are killed`, async () => {
    const cases: [script: string, options: RunOptions][] = [
      [`${STUBBORN} & sleep 1000`, { processGroup: 0, stop: { scope: 'group', grace: 100 } }],
      [`${STUBBORN} & sleep 1000`, { session: true, stop: { scope: 'session', grace: 100 } }],
      [`setsid ${STUBBORN} & sleep 1000`, { stop: { scope: 'tree', grace: 100 } }],
      // It has lost its parent, and is found by its environment.
      [`(setsid ${STUBBORN} &); sleep 1000`, { stop: { scope: 'tree', grace: 100 } }],
    ];
    for (const [script, options] of cases) {
      const error = await exitError(runner(script, { timeout: 300, ...options }));
      assert.equal(error.status.signal, 'SIGTERM', script);
      assert.equal(error.status.reason, 'timeout');
      const pid = Number(error.stdout);
      assert.ok(pid > 1, String(error.stdout));
      assert.equal(runs(pid), false, `${script}: ${pid} is left`);
    }
  });

  test(`${name}: too much output after the exit stops the writers`, async () => {
    const script = `sh -c 'echo $$; sleep 0.05; exec cat /dev/zero' & exit 0`;
    const options: RunOptions = { maxBuffer: 1000, stop: { scope: 'tree' } };
    const error = await exitError(runner(script, options));
    assert.equal(error.status.reason, 'maxBuffer');
    const [pid] = String(error.stdout).split('\n');
    while (runs(Number(pid))); // SIGPIPE at the latest
  });

  test(`${name}: a scope that cannot be reached is the cause of the timeout's error`, async () => {
    // It leads no group, so that there is none to signal, and it is signalled itself.
    const options: RunOptions = { timeout: 50, stop: { scope: 'group', grace: 20 } };
    const error = await exitError(runner('exec sleep 1000', options));
    assert.equal(error.status.reason, 'timeout');
    assert.equal(error.status.signal, 'SIGTERM');
    assert.match(String(error.cause), /the scope 'group' needs the leader of a process group/);
  });
}

test('closed waits for the whole scope after a timeout', async () => {
  const child = await spawn('sh', ['-c', `setsid ${STUBBORN} & sleep 1000`], {
    stdin: 'null',
    stdout: 'pipe',
    timeout: 300,
    stop: { scope: 'tree', grace: 100 },
  });
  const lines: string[] = [];
  for await (const line of child.lines()) lines.push(line);
  assert.equal((await child.closed).reason, 'timeout');
  assert.equal(runs(Number(lines[0])), false);
});
