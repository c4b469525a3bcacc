// What the end of a pool, or of the program that has it, leaves behind: nothing.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { custom, local, openPool } from '#dist/batch/index.js';
import { run, spawn } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { agentArgv, agentHere, processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { patience } from '../helpers/patience.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

test('a program with a pool ends on its own once the pool is closed', async () => {
  const entry = new URL('../../../dist/batch/index.js', import.meta.url).href;
  const code = `import { openPool, local, custom } from ${JSON.stringify(entry)};
    const pool = await openPool({ slots: [local(2), custom(${JSON.stringify(agentArgv)})] });
    await Promise.all([1, 2, 3].map(() => pool.run('true')));
    await pool.close();`;
  const { status } = await run(process.execPath, ['--input-type=module', '-e', code], {
    timeout: patience(30_000),
  });
  assert.equal(status.code, 0);
});

test('commands that run when the block of a pool is left have ended after it', async () => {
  needsLinux('scopes that /proc shows');
  const seconds = uniqueSleep();
  for (const engine of [local(2), agentHere()]) {
    let running: Promise<unknown>;
    {
      await using pool = await openPool({ slots: [engine] });
      const script = `setsid sleep ${seconds} & sleep ${seconds}`;
      running = pool.run('sh', ['-c', script]).catch((error: unknown) => error);
      await until(() => processesWith(seconds).length === 2, 'the command runs');
    }
    assert.deepEqual(processesWith(seconds), []);
    assert.ok((await running) instanceof Error);
  }
});

test('jobs end with the coordinator that is killed', async () => {
  needsLinux('a guard of an agent');
  const entry = new URL('../../../dist/batch/index.js', import.meta.url).href;
  const seconds = uniqueSleep();
  const code = `import { openPool, local, custom } from ${JSON.stringify(entry)};
    const slots = [local(1), custom(${JSON.stringify(agentArgv)})];
    const pool = await openPool({ slots });
    const script = 'setsid sleep ${seconds} & sleep ${seconds}';
    await Promise.all([1, 2].map(() => pool.run('sh', ['-c', script])));`;
  const running = run(process.execPath, ['--input-type=module', '-e', code], { reject: false });
  await until(() => processesWith(seconds).length === 4, 'both jobs run');
  const [coordinator] = processesWith(code);
  process.kill(coordinator as number, 'SIGKILL');
  await running;
  await until(() => processesWith(seconds).length === 0, 'the sleeps are gone');
});

test('an agent runs the code of --when-lost if its coordinator has gone, not if that closes it', async () => {
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    const words = [...agentArgv, '--when-lost', `echo lost >>${log}`];
    const pool = await openPool({ slots: [custom(words)] });
    await pool.run('true');
    await pool.close();
    assert.ok(!existsSync(log));
    const [node = '', ...args] = words;
    await using agent = await spawn(node, args, { stdin: 'pipe', stdout: 'pipe' });
    agent.stdin.end();
    agent.stdout.resume();
    assert.equal((await agent.exited).code, 125);
    assert.equal(readFileSync(log, 'utf8'), 'lost\n');
  });
});
