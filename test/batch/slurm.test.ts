// Pools through a real Slurm on this machine.

import assert from 'node:assert/strict';
import { openPool } from '#dist/batch/index.js';
import { processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { lackOf, withSlurm } from '../helpers/engines.js';
import { test } from '../helpers/test.js';

const options = { skip: lackOf('slurm') ?? false, timeout: 180_000 } as const;

test(
  '86: jobs run on a Slurm node, and their end is known at once',
  async () => {
    await withSlurm(async (engine, env) => {
      Object.assign(process.env, env);
      try {
        await using pool = await openPool({ slots: [engine(4)], heartbeat: 1000 });
        const codes = Array.from({ length: 50 }, (_, code) => code);
        const ended = await Promise.all(
          codes.map((code) => pool.run('sh', ['-c', `exit ${code}`], { reject: false })),
        );
        assert.deepEqual(
          ended.map(({ status }) => status.code),
          codes,
        );
        const { stdout, status } = await pool.run(
          'sh',
          ['-c', 'echo "$SLURM_JOB_ID"; kill -9 $$'],
          { reject: false },
        );
        assert.match(stdout, /^\d+$/);
        assert.equal(status.signal, 'SIGKILL');
        const bytes = Buffer.alloc(2_000_001, 'a\0\xff\r\n', 'latin1');
        const echoed = await pool.run('cat', [], { input: bytes, encoding: 'buffer' });
        assert.ok(bytes.equals(echoed.stdout));
        // srun gives no end of file when its client is killed.
        const seconds = uniqueSleep();
        const lost = pool.run('sleep', [seconds], { reject: false });
        await until(() => processesWith(seconds).length === 1, 'the job runs');
        for (const pid of processesWith('--unbuffered')) process.kill(pid, 'SIGKILL');
        assert.equal((await lost).status.reason, 'lost');
        await until(
          () => processesWith(seconds).length === 0,
          'the job is gone after the heartbeat',
        );
      } finally {
        delete process.env['SLURM_CONF'];
      }
    });
  },
  options,
);
