// What run, runSync and pipelines stop: by default everything that the command has started.

import assert from 'node:assert/strict';
import { command, type ExitError, type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { among, NO_PROC, noForeignProc } from '../helpers/foreign-proc.js';
import { endOther, runs } from '../helpers/other.js';
import { exitError } from '../helpers/outcome.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

const runners = {
  run: (script: string, options: RunOptions) => run('sh', ['-c', script], options),
  runSync: async (script: string, options: RunOptions) => runSync('sh', ['-c', script], options),
  pipeline: (script: string, options: RunOptions) =>
    command('true')
      .pipe(command('sh', ['-c', script]))
      .run(options),
};

/** The number of a process that the error's output begins with. */
const pidIn = ({ stdout }: ExitError): number => Number(String(stdout).split('\n')[0]);

for (const [name, runner] of Object.entries(runners)) {
  test(`${name}: a timeout ends what the command has started`, async () => {
    needsLinux("The scope 'tree'");
    for (const script of [
      'sleep 1000 & echo $!; sleep 1000 | cat',
      'setsid sleep 1000 >&- 2>&- & echo $!; sleep 1000',
      // The shell ends at SIGTERM, and its child only at SIGKILL.
      `sh -c 'trap "" TERM; echo $$; exec sleep 1000' & wait`,
    ]) {
      const error = await exitError(runner(script, { timeout: 400, stop: { grace: 200 } }));
      assert.equal(error.status.reason, 'timeout', script);
      assert.ok(pidIn(error) > 1, script);
      assert.equal(runs(pidIn(error)), false, script);
    }
  });

  test(`${name}: too much output ends what the command has started`, async () => {
    needsLinux("The scope 'tree'");
    const script = 'sleep 1000 & echo $!; cat /dev/zero';
    const error = await exitError(runner(script, { maxBuffer: 1000 }));
    assert.equal(error.status.reason, 'maxBuffer');
    assert.equal(runs(pidIn(error)), false);
  });

  test(`${name}: with the scope 'process', a timeout leaves what the command has started`, async () => {
    const script = 'sleep 1000 >&2 & echo $!; exec sleep 1000';
    const options = { timeout: 300, waitDelay: 0, stop: { scope: 'process' } } as const;
    const error = await exitError(runner(script, options));
    await endOther(pidIn(error));
  });
}

test('an AbortSignal ends what the command of run has started', async () => {
  needsLinux("The scope 'tree'");
  const script = 'sleep 1000 & echo $!; sleep 1000 | cat';
  const error = await exitError(run('sh', ['-c', script], { signal: AbortSignal.timeout(300) }));
  assert.equal(error.status.reason, 'aborted');
  assert.equal(runs(pidIn(error)), false);
});

test('a timeout of spawn ends the process alone', async () => {
  const words = ['-c', 'sleep 1000 >&2 & echo $!; exec sleep 1000'];
  const child = await spawn('sh', words, { stdout: 'pipe', stderr: 'null', timeout: 300 });
  let line = '';
  for await (line of child.lines());
  await child.closed;
  await endOther(Number(line));
});

test('what a command leaves behind when it ends on its own lives on', async () => {
  const { stdout } = await run('sh', ['-c', 'sleep 1000 >&- 2>&- & echo $!'], {
    timeout: patience(10_000),
  });
  await endOther(Number(stdout));
});

test('run and runSync add no variable to the environment', async () => {
  const env = { FORKEXEC_TREE: undefined };
  for (const { stdout } of [await run('env', { env }), runSync('env', { env })]) {
    assert.doesNotMatch(stdout, /FORKEXEC_TREE/);
  }
});

test(
  'run ends the command itself at a timeout, and blames nothing, where there is no /proc',
  () => {
    const program = `
      const words = ['-c', 'trap "" TERM; while :; do sleep 0.05; done'];
      const options = { timeout: 100, stop: { grace: 100 } };
      const { status, cause } = await forkexec.run('sh', words, options).catch((error) => error);
      console.log(JSON.stringify([status.reason, status.signal, cause === undefined]));`;
    assert.deepEqual(among(NO_PROC, program).value, ['timeout', 'SIGKILL', true]);
  },
  { skip: noForeignProc },
);

test(
  'the ladder of a scope that can not be found goes on for the process, and then tells why',
  () => {
    const program = `
      const words = ['-c', 'trap "" TERM; echo; while :; do sleep 0.05; done'];
      const options = { stdout: 'pipe', stop: { scope: 'tree', grace: 100 } };
      const child = await forkexec.spawn('sh', words, options);
      for await (const line of child.lines()) break;
      const { code, message } = await child.stop().catch((error) => error);
      console.log(JSON.stringify([code, message, (await child.exited).signal]));`;
    const { value } = among<[string, string, string]>(NO_PROC, program);
    assert.deepEqual([value[0], value[2]], ['ENOENT', 'SIGKILL']);
    assert.match(value[1], /open\("\/proc\/self\/status"\)/);
  },
  { skip: noForeignProc },
);
