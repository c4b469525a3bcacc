// Pools through a real sshd on this machine.

import assert from 'node:assert/strict';
import { openPool } from '#dist/batch/index.js';
import { runSync } from '#dist/index.js';
import { processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { bin } from '../helpers/cli.js';
import { lackOf, withSshd } from '../helpers/engines.js';
import { withDesk } from '../helpers/parallel.js';
import { test } from '../helpers/test.js';

const lack = lackOf('sshd');
const options = { skip: lack ?? false, timeout: 120_000 } as const;

test(
  '72, 73, 74, 76: exit codes, signals and arguments pass through ssh unchanged',
  async () => {
    await withSshd(async (engine) => {
      await using pool = await openPool({ slots: [engine(8)] });
      const codes = Array.from({ length: 200 }, (_, code) => code);
      const ended = await Promise.all(
        codes.map((code) => pool.run('sh', ['-c', `exit ${code}`], { reject: false })),
      );
      assert.deepEqual(
        ended.map(({ status }) => status.code),
        codes,
      );
      const { status } = await pool.run('sh', ['-c', 'exit 255'], { reject: false });
      assert.deepEqual([status.code, status.reason], [255, 'exited']);
      const killed = await pool.run('sh', ['-c', 'kill -9 $$'], { reject: false });
      assert.deepEqual([killed.status.code, killed.status.signal], [null, 'SIGKILL']);
      const words = ['<%s>', 'a  b', "it's", 'c$HOME', '\udc80', '', '<in'];
      const { stdout } = await pool.run('printf', words, { encoding: 'buffer' });
      assert.equal(Buffer.from(stdout).toString('latin1'), "<a  b><it's><c$HOME><\x80><><<in>");
      await assert.rejects(pool.run('true', [], { cwd: '/no/dir' }), {
        step: 'chdir',
        code: 'ENOENT',
      });
    });
  },
  options,
);

test(
  '84, 85: what runs through ssh ends with the client, and is not held up by streams',
  async () => {
    await withSshd(async (engine, words) => {
      await using pool = await openPool({ slots: [engine(2)], heartbeat: 1000 });
      const [held, long] = [uniqueSleep(), uniqueSleep()];
      const { stdout } = await pool.run('sh', ['-c', `sleep ${held} & echo hi`], { waitDelay: 50 });
      assert.equal(stdout, 'hi');
      const lost = pool.run('sh', ['-c', `setsid sleep ${long} & sleep ${long}`], {
        reject: false,
      });
      await until(() => processesWith(long).length === 2, 'the job runs');
      const key = words[words.indexOf('-i') + 1] as string;
      for (const pid of processesWith(key)) process.kill(pid, 'SIGKILL');
      assert.equal((await lost).status.reason, 'lost');
      assert.deepEqual(processesWith(long), []);
      await until(() => processesWith(held).length === 0, 'what was left has ended too');
      // The slot has a new connection by now.
      assert.equal((await pool.run('echo', ['again'])).stdout, 'again');
    });
  },
  options,
);

test(
  'forkexec parallel through ssh has the joblog of this machine',
  async () => {
    await withSshd(async (_, words) => {
      await withDesk(({ p, log, read }) => {
        const agent = `--agent=${process.execPath} ${bin} agent`;
        const flags = [
          ...words.flatMap((word) => ['--ssh-arg', word]),
          agent,
          '--engine',
          'ssh:127.0.0.1*2',
        ];
        const { stdout, code } = p([
          ...flags,
          '-k',
          '--joblog',
          'j',
          ':::',
          'exit 255',
          'kill -9 $$',
          'echo "a  b"',
        ]);
        assert.deepEqual([stdout, code], ['a  b\n', 2]);
        const lines = log('j').sort();
        assert.deepEqual(lines, ['1 255 0', '2 0 9', '3 0 0']);
        assert.match(read('j'), /^1\t127\.0\.0\.1\t/m);
      });
    });
  },
  options,
);

test(
  'a host that refuses the connection is named with what ssh says',
  async () => {
    if (lack === undefined) assert.ok(runSync('ssh', ['-V'], { reject: false }).status.ok);
    const { ssh } = await import('#dist/batch/index.js');
    const closed = ssh('127.0.0.1', 1, { args: ['-p', '1', '-F', 'none'] });
    await using pool = await openPool({ slots: [closed] });
    await assert.rejects(
      pool.run('true'),
      /slot ssh:127\.0\.0\.1 \(ssh -T .*exit status 255.*refused/s,
    );
  },
  options,
);
