import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '#dist/index.js';
import { bin } from '../helpers/cli.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

function statusOf(pid: number, line: string): string | undefined {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${line}:\\s+(\\S+)`, 'm').exec(status)?.[1];
}

test('--ptrace leaves the program stopped and untraced until SIGCONT', async () => {
  const words = ['run', '--ptrace', '--status-fd', '3', '--', 'sh', '-c', 'echo it runs; exit 5'];
  const child = await spawn(process.execPath, [bin, ...words], {
    stdout: 'pipe',
    fds: { 3: 'pipe' },
    session: true,
  });
  let started = '';
  for await (const bytes of child.fds.get(3) as AsyncIterable<Uint8Array>) {
    started += Buffer.from(bytes).toString();
    if (started.includes('\n')) break;
  }
  const { pid } = JSON.parse(started.split('\n')[0] ?? '') as { pid: number };
  const deadline = Date.now() + patience(20_000);
  while (statusOf(pid, 'State') !== 'T') {
    assert.ok(Date.now() < deadline, `it is in the state ${statusOf(pid, 'State')}`);
    await sleep(5);
  }
  assert.equal(statusOf(pid, 'TracerPid'), '0');
  assert.equal(statusOf(pid, 'Name'), 'sh');
  const output = child.lines();
  process.kill(pid, 'SIGCONT'); // its parent, which has not ended, keeps the number
  const lines: string[] = [];
  for await (const line of output) lines.push(line);
  assert.deepEqual(lines, ['it runs']);
  assert.equal((await child.exited).code, 5);
});
