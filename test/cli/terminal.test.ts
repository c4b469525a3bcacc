// `forkexec run --terminal`, with a recording and without.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCast } from '#dist/cli/asciicast.js';
import { bin, cli, run } from '../helpers/cli.js';
import { Desk } from '../helpers/desk.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Shell code that runs forkexec. */
const forkexec = (words: string): string => `'${bin}' ${words}`;

test('--terminal gives the program a terminal although forkexec has none, and keeps the exit code', () => {
  const { code, stdout } = run(
    '--terminal',
    '--',
    'sh',
    '-c',
    'test -t 0 && test -t 1 && echo tty; exit 7',
  );
  assert.deepEqual([code, stdout], [7, 'tty\r\n']);
});

test('the end of stdin is an end of file for the program on the terminal', () => {
  const { code, stdout } = cli(['run', '--terminal', '--', 'cat'], { input: 'half a line' });
  assert.equal(code, 0);
  assert.match(stdout, /half a line/);
});

test('--terminal restores the modes and ends by the signal that was sent to it', async () => {
  await using desk = new Desk();
  const before = desk.terminal.attributes();
  const script = `${forkexec("run --terminal -- sh -c 'echo ready; exec sleep 30'")} & pid=$!
    trap 'kill -TERM $pid' USR1; wait $pid; wait $pid; echo code=$?`;
  // In the foreground group, so that it may change the modes.
  const shell = await desk.sh(script);
  await desk.until(/ready/);
  shell.kill('SIGUSR1');
  await desk.until(/code=143/);
  await shell.exited;
  assert.deepEqual(desk.terminal.attributes(), before);
});

test('forkexec and the program on its terminal are gone when the outer terminal hangs up', async () => {
  await using desk = new Desk();
  const script = "run --terminal -- sh -c 'echo pid=$$; exec sleep 38'";
  const outer = await desk.spawn('sh', ['-c', `exec ${forkexec(script)}`]);
  const pid = Number((await desk.until(/pid=(\d+)/))[1]);
  await desk.terminal.close();
  await outer.exited;
  for (let tries = 0; tries < 500; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await sleep(10);
  }
  assert.fail('the program runs on');
});

test('a recording has the output, one resize and the exit code, and play shows it', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'cast');
    await using desk = new Desk();
    const waits = 'until stty size | grep -q "^40 100"; do sleep 0.05; done';
    const program = `sh -c '${waits}; stty size; exit 5'`;
    const outer = await desk.sh(
      `exec ${forkexec(`run --terminal --record '${file}' -- ${program}`)}`,
    );
    while (desk.terminal.attributes().icanon) await sleep(5);
    desk.terminal.resize(100, 40);
    await outer.exited;
    await desk.until(/40 100/);
    const { header, events } = parseCast(readFileSync(file, 'utf8'));
    assert.deepEqual([header.version, header.term.cols, header.term.rows], [3, 80, 24]);
    assert.deepEqual(
      events.filter(([, code]) => code === 'r').map(([, , data]) => data),
      ['100x40'],
    );
    assert.deepEqual(events.at(-1)?.slice(1), ['x', '5']);
    const played = cli(['play', '--speed', '1000', file]);
    assert.match(played.stdout, /40 100\r\n$/);
  }));

test('a recording that SIGTERM ended says so', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'cast');
    await using desk = new Desk();
    const program = "sh -c 'echo hello; exec sleep 30'";
    const outer = await desk.sh(
      `exec ${forkexec(`run --terminal --record '${file}' -- ${program}`)}`,
    );
    await desk.until(/hello/);
    outer.kill('SIGTERM');
    await outer.exited;
    const { events } = parseCast(readFileSync(file, 'utf8'));
    const output = events.filter(([, code]) => code === 'o').map(([, , data]) => data);
    assert.equal(output.join(''), 'hello\r\n');
    assert.deepEqual(events.at(-1)?.slice(1), ['x', '143']);
  }));

test('--record without --terminal, or into a file that cannot be written, is an error of forkexec', () => {
  assert.match(run('--record', '/tmp/x', '--', 'true').stderr, /--record needs --terminal/);
  const { code, stderr } = run('--terminal', '--record', '/no/such/file', '--', 'true');
  assert.equal(code, 125);
  assert.match(stderr, /--record \/no\/such\/file: ENOENT/);
  const played = cli(['play', '/no/such/file']);
  assert.equal(played.code, 125);
});
