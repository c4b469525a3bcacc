// The option `forkexec` of the drop-in for node:child_process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  execFile,
  execFileSync,
  execSync,
  fork,
  spawn,
  spawnSync,
} from '#dist/child_process/index.js';
import { needsOption } from '../helpers/backend.js';
import { needsHandles, outputOf } from '../helpers/drop-in.js';
import { patience } from '../helpers/patience.js';
import { withPty } from '../helpers/pty.js';
import { descriptorNumbers, test } from '../helpers/test.js';

const UMASK = ['-c', 'umask'];

test('every function takes the attributes of a launch', async () => {
  needsHandles();
  const forkexec = { umask: 0o27 };
  assert.equal(await outputOf(spawn('sh', UMASK, { forkexec })), '0027\n');
  assert.equal(await outputOf(execFile('sh', UMASK, { forkexec })), '0027\n');
  assert.equal(String(spawnSync('sh', UMASK, { forkexec }).stdout), '0027\n');
  assert.equal(String(execFileSync('sh', UMASK, { forkexec })), '0027\n');
  assert.equal(String(execSync('umask', { forkexec })), '0027\n');
  const script = 'process.stdout.write(process.umask().toString(8))';
  const child = fork(script, { execArgv: ['-e'], silent: true, forkexec });
  assert.equal(await outputOf(child), '27');
});

test('attributes go before the options of Node', async () => {
  needsHandles();
  const forkexec = { env: { ONE: '1', HOME: undefined }, argv0: 'named', cwd: '/' };
  const line = 'echo $0 $ONE $TWO [$HOME]; pwd';
  const env = { ...process.env, ONE: '0', TWO: '2' };
  const child = spawn('sh', ['-c', line], { env, cwd: '/usr', forkexec });
  assert.equal(await outputOf(child), 'named 1 2 []\n/\n');
  const bare = spawn('env', {
    forkexec: { clearEnv: true, env: { A: 'b' }, path: '/usr/bin:/bin' },
  });
  assert.equal(await outputOf(bare), 'A=b\n');
});

test('an attribute that is unknown or wrong is refused before anything starts', () => {
  needsHandles();
  const refusal = { code: 'ERR_INVALID_ARG_VALUE' };
  const unknown = { umsk: 0 } as never;
  assert.throws(() => spawn('true', { forkexec: unknown }), { ...refusal, message: /umask/ });
  assert.throws(() => spawn('true', { forkexec: { umask: -1 } }), { ...refusal, message: /umask/ });
  assert.throws(() => spawnSync('true', { forkexec: { umask: -1 } }), refusal);
  assert.throws(() => spawn('true', { forkexec: 5 as never }), refusal);
  assert.throws(() => execFile('true', { forkexec: { lifetime: 'x' as never } }), refusal);
});

test('an attribute that fails is a LaunchError with its step', () => {
  needsHandles();
  const forkexec = { chroot: '/nowhere' };
  const failure = { name: 'LaunchError', step: 'chroot', code: 'ENOENT' };
  assert.throws(() => spawn('true', { forkexec }), failure);
  assert.throws(() => spawnSync('true', { forkexec }), failure);
});

test("a child with lifetime 'parent' ends with a parent that is killed", async () => {
  needsHandles();
  needsOption('parentDeathSignal');
  const module = JSON.stringify(import.meta.resolve('#dist/child_process/index.js'));
  const script = `const { spawn } = await import(${module});
    const child = spawn('sleep', ['1000'], { stdio: 'ignore', forkexec: { lifetime: 'parent' } });
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
  const pid = Number(line);
  assert.ok(process.kill(pid, 0));
  parent.kill('SIGKILL');
  await once(parent, 'close');
  for (const end = Date.now() + patience(20_000); isAlive(pid); ) {
    assert.ok(Date.now() < end, `${pid} lives on`);
  }
});

/** Whether it runs: one that nobody reaps is over too. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('sh', ['-c', `cut -d' ' -f3 /proc/${pid}/stat`]);
  return /^[^Z]/.test(String(stdout));
}

test('a detached child leads a session, with other attributes', async () => {
  needsHandles();
  const line = 'cut -d" " -f1,6 /proc/$$/stat; umask';
  const child = spawn('sh', ['-c', line], { detached: true, forkexec: { umask: 0o77 } });
  const printed = text(child.stdout);
  await once(child, 'close');
  assert.match(await printed, /^(\d+) \1\n0077\n$/);
});

test('a launch in the foreground that fails keeps no copy of the terminal', async () => {
  needsHandles();
  await withPty(async ({ terminal }) => {
    const before = descriptorNumbers();
    const forkexec = { foreground: terminal, processGroup: 0 };
    // The terminal is not that of this process, which is thrown as a failed step.
    const launches = [() => spawn('true', { forkexec }), () => spawnSync('true', { forkexec })];
    for (const launch of launches) {
      assert.throws(() => {
        const { error } = launch() as { error?: Error };
        if (error !== undefined) throw error;
      });
      assert.deepEqual(descriptorNumbers(), before);
    }
  });
});
