import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { spawn } from '#dist/index.js';
import { bin, cli, run } from '../helpers/cli.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

test('--usage prints a table on stderr', () => {
  const { code, stdout, stderr } = run('--usage', 'sh', '-c', 'echo out; exit 4');
  assert.deepEqual({ code, stdout }, { code: 4, stdout: 'out\n' });
  const names = stderr.split('\n').map((line) => line.slice(0, 10).trim());
  assert.deepEqual(names, 'status,wall,user,system,max rss,faults,switches,'.split(','));
  assert.match(stderr, /^status +exit status 4\nwall +\d+\.\d{3} s\n/);
  assert.match(stderr, /\nmax rss +unknown: not clearly above the [\d.]+ MiB of forkexec itself\n/);
});

test('--usage=json prints one object, with the memory of a program larger than forkexec', () => {
  const hungry = 'const b = Buffer.alloc(300e6, 1); process.exitCode = b[0] + 1;';
  const { code, stderr } = run('--usage=json', process.execPath, '-e', hungry);
  assert.equal(code, 2);
  const { status, usage, ...rest } = JSON.parse(stderr);
  assert.equal(status, 'exit status 2');
  assert.deepEqual(rest, { code: 2, signal: null, coreDumped: false, reason: 'exited' });
  assert.ok(usage.maxRss > 300e6 && usage.maxRss < 600e6, `${usage.maxRss} bytes`);
  assert.ok(usage.userTime > 0 && usage.wallTime > 0 && usage.minorFaults > 1000);
  assert.equal(JSON.parse(run('--usage=json', 'true').stderr).usage.maxRss, null);
});

/** The JSON lines that `--status-fd 3` gives. */
function statusLines(words: readonly string[]): Promise<Record<string, unknown>[]> {
  return withFolder((folder) => {
    const file = join(folder, 'status');
    const fd = openSync(file, 'w');
    try {
      cli(['run', '--status-fd', '3', ...words], { fds: { 3: fd } });
    } finally {
      closeSync(fd);
    }
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  });
}

test('--status-fd reports the start and the end', async () => {
  const [started, exited, ...rest] = await statusLines(['--', 'sh', '-c', 'kill -TERM $$']);
  assert.deepEqual(rest, []);
  const { pid, id, event } = started as { pid: number; id: string; event: string };
  assert.equal(event, 'started');
  assert.ok(id.startsWith(`${pid}:`));
  const { usage, ...end } = exited as Record<string, unknown>;
  assert.equal(typeof usage, 'object');
  const wanted = { code: null, signal: 'SIGTERM', coreDumped: false, reason: 'signaled' };
  assert.deepEqual(end, { event: 'exited', ...wanted });
});

test('--status-fd reports that the program stopped and continued', async () => {
  const script = 'kill -STOP $$; read line; exit 3'; // an end would hide that it went on
  const words = [bin, 'run', '--status-fd', '3', '--', 'sh', '-c', script];
  await using child = await spawn(process.execPath, words, { stdin: 'pipe', fds: { 3: 'pipe' } });
  const events: unknown[] = [];
  let program = 0;
  for await (const line of createInterface({ input: child.fds.get(3) as Readable })) {
    const { event, signal, pid } = JSON.parse(line) as Record<string, unknown>;
    events.push(signal === undefined ? event : [event, signal]);
    if (event === 'started') program = pid as number;
    if (event === 'stopped') process.kill(program, 'SIGCONT');
    if (event === 'continued') child.stdin.end();
  }
  assert.deepEqual(events, ['started', ['stopped', 'SIGSTOP'], 'continued', ['exited', null]]);
});

test('--status-fd reports a failed launch, and is not passed to the program', async () => {
  const failed = { event: 'failed', step: 'chdir', code: 'ENOENT', argument: '/no' };
  assert.deepEqual(await statusLines(['--cwd', '/no', 'true']), [failed]);
  const [, exited] = await statusLines(['--', 'sh', '-c', 'test ! -e /dev/fd/3']);
  assert.equal(exited?.['code'], 0);
});
