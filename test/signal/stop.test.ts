// What becomes of signals around stop: os/signal's TestAtomicStop, TestNohup and TestDetectNohup.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ExitStatus } from '#dist/process/index.js';
import { notify } from '#dist/signal/index.js';
import { bin, type Program, start, startMode } from '../helpers/signals.js';
import { slowLaunch } from '../helpers/slow-launch.js';
import { test } from '../helpers/test.js';

const RACES = 100;
const ROUNDS = 10;
/** About what it takes until the signal is there. */
const LONGEST_US = 600;

/** One process that stops listening while it is sent SIGINT: how often it took it, and its end. */
async function atomicStop(): Promise<{ taken: number; end: ExitStatus | undefined }> {
  await using program = await startMode('atomicStop', [String(ROUNDS), String(LONGEST_US)]);
  for (let taken = 0; taken < ROUNDS; taken++) {
    assert.equal(await program.line(), 'stopping');
    program.child.kill('SIGINT');
    const line = await program.line();
    if (line === undefined) return { taken, end: await program.child.exited };
    assert.equal(line, 'taken', 'a signal was lost');
  }
  return { taken: ROUNDS, end: undefined };
}

// TestAtomicStop (Go issue 14571): 10 races in each of 10 processes. Here one that is fatal ends a
// process early, and there are as many processes as it takes.
test('a signal that races with stop is delivered or takes effect, and is never lost', async (context) => {
  let taken = 0;
  let fatal = 0;
  while (taken + fatal < RACES) {
    const result = await atomicStop();
    taken += result.taken;
    if (result.end === undefined) continue;
    fatal++;
    assert.equal(result.end.signal, 'SIGINT');
  }
  context.diagnostic(`${taken} signals were delivered, ${fatal} were fatal`);
});

async function linesOf(program: Program): Promise<string[]> {
  const lines: string[] = [];
  for (let line = await program.line(); line !== undefined; line = await program.line()) {
    lines.push(line);
  }
  return lines;
}

const nohup = { signals: { ignore: ['SIGHUP'] } } as const;

// TestNohup: two children without, two with nohup
test('SIGHUP ends a program before notify and after stop', async () => {
  await using before = await startMode('hangup', ['before']);
  assert.deepEqual(await linesOf(before), []);
  assert.equal((await before.child.exited).signal, 'SIGHUP');
  await using after = await startMode('hangup', ['after']);
  assert.deepEqual(await linesOf(after), ['SIGHUP']);
  assert.equal((await after.child.exited).signal, 'SIGHUP');
});

for (const when of ['before', 'after']) {
  test(`SIGHUP under nohup and forkexec does nothing ${when} listening`, async () => {
    await using program = await startMode('hangup', [when], { launcher: true, ...nohup });
    assert.deepEqual(await linesOf(program), ['SIGHUP', 'alive']);
    assert.equal((await program.child.exited).code, 0);
  });
}

// TestDetectNohup
test('ignored returns whether nohup(1) started the program', () => {
  const module = new URL('../../../dist/signal/index.js', import.meta.url).href;
  const script = `import { ignored } from '${module}'; console.log(ignored('SIGHUP'));`;
  const words = ['node', '--input-type=module', '-e', script];
  const stdoutOf = (file: string, args: string[]): string =>
    spawnSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
  assert.equal(stdoutOf(bin, words), 'false\n');
  if (existsSync('/usr/bin/nohup')) assert.equal(stdoutOf('nohup', [bin, ...words]), 'true\n');
  assert.equal(stdoutOf(bin, ['nohup', bin, ...words]), 'true\n');
});

test('programs under nohup forkexec node and their children survive SIGHUP', async () => {
  const module = new URL('../../../dist/index.js', import.meta.url).href;
  const app = `import { spawn } from '${module}';
    const child = await spawn('sleep', ['60'], { stdin: 'null' });
    console.log(child.pid);`;
  const words = ['node', '--input-type=module', '-e', app];
  await using program = await start(bin, words, { ...nohup, processGroup: 0 });
  const child = Number(await program.line());
  process.kill(program.child.pid, 'SIGHUP');
  process.kill(child, 'SIGHUP');
  process.kill(child, 'SIGTERM');
  const status = await program.child.exited; // once its child has ended
  assert.equal(String(status), 'exit status 0');
});

test('stop does not wait for a slow launch', async () => {
  await slowLaunch(async () => {
    const began = performance.now();
    for (let round = 0; round < 100; round++) notify('SIGUSR2').stop();
    assert.ok(performance.now() - began < 1000);
  });
});
