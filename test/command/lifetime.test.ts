// Children that end with this process, children that outlive it, and what is told of each launch.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, runSync, type SpawnOptions, spawn } from '#dist/index.js';
import { needsOption } from '../helpers/backend.js';
import { endOther, untilEnded } from '../helpers/other.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const code = 'ERR_INVALID_ARG_VALUE';

/** The words of a program of its own that has the library in `forkexec`. */
const program = (text: string): string[] => {
  const index = JSON.stringify(import.meta.resolve('#dist/index.js'));
  return ['--input-type=module', '--eval', `const forkexec = await import(${index}); ${text}`];
};

/** Field `n` of /proc/PID/stat, counted as proc(5) does. */
function field(pid: number, n: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[n - 3]);
}

/** Waits for a file with a line in it. */
async function lineOf(file: string): Promise<string> {
  while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('\n')) await sleep(5);
  return readFileSync(file, 'utf8').trim();
}

test('child.lifetime reports what ends the child with this process', async () => {
  const before = process.listenerCount('exit');
  for (const lifetime of [undefined, 'parent', 'parent'] as const) {
    const options: SpawnOptions = lifetime === undefined ? {} : { lifetime };
    const child = await spawn('sleep', ['1000'], { ...options, stdin: 'null' });
    const guards = lifetime === undefined ? [] : ['parentDeathSignal', 'tree'];
    assert.deepEqual(child.lifetime, guards);
    await child.stop();
  }
  // One for all of them stays: for what a child may have left behind.
  assert.ok(process.listenerCount('exit') <= before + 1);
});

test('runSync with lifetime ends the child with this process', () =>
  withFolder(async (folder) => {
    needsOption('parentDeathSignal');
    const file = join(folder, 'pid');
    const script = JSON.stringify(`echo $$ > ${file}; exec sleep 1000`);
    const text = `forkexec.runSync('sh', ['-c', ${script}], { lifetime: 'parent' })`;
    const parent = await spawn(process.execPath, program(text), { stdin: 'null' });
    const pid = Number(await lineOf(file));
    parent.kill('SIGKILL');
    await Promise.all([untilEnded(pid), parent.exited]);
  }));

test('detached gives the child a session, no inherited stdio, and lets it outlive this process', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'fds');
    const script = `ls=$(for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done)
      echo "$ls" > ${file}.new; mv ${file}.new ${file}; exec sleep 1000`;
    const text = `
      const child = await forkexec.spawn('sh', ['-c', ${JSON.stringify(script)}], { detached: true });
      console.log(child.pid, child.process.id, child.stdout);
    `;
    // It ends by itself: the child does not keep it alive.
    const { stdout } = await run(process.execPath, program(text));
    const [pid = '', id = '', stream] = stdout.split(' ');
    assert.equal(stream, 'null');
    while (!existsSync(file)) await sleep(5);
    const targets = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual(targets, ['/dev/null', '/dev/null', '/dev/null']);
    assert.match(id, new RegExp(`^${pid}:`));
    assert.equal(field(Number(pid), 6), Number(pid), 'it leads its session');
    assert.equal(field(Number(pid), 7), 0, 'and has no terminal');
    await endOther(Number(pid));
  }));

test('detached can be combined with stdio and with processGroup', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'out');
    const child = await spawn('sh', ['-c', 'echo hello; exec sleep 1000'], {
      detached: true,
      processGroup: 0,
      stdout: { file },
    });
    assert.equal(await lineOf(file), 'hello');
    assert.equal(field(child.pid, 5), child.pid, 'it leads its group');
    assert.notEqual(field(child.pid, 6), child.pid, 'and no session');
    await child.stop();
  }));

test('lifetime and detached refuse contradicting options', async () => {
  const refused: SpawnOptions[] = [
    { detached: true, lifetime: 'parent' },
    { detached: true, parentDeathSignal: 'SIGKILL' },
    { lifetime: 'session' as 'parent' },
    { detached: 1 as unknown as true },
  ];
  for (const options of refused) {
    await assert.rejects(spawn('true', options), { code });
    await assert.rejects(run('true', options), { code });
    assert.throws(() => runSync('true', options), { code });
  }
  assert.throws(() => runSync('true', { detached: true }), {
    code,
    message: /^detached cannot be used with runSync/,
  });
});

/** What is told of one command, without its times. */
async function linesOf(start: (verbose: (line: string) => void) => unknown): Promise<string[]> {
  const lines: string[] = [];
  try {
    await start((line) => lines.push(line));
  } catch {
    // its failure is told
  }
  return lines.map((line) =>
    line.replaceAll(/\d+\.\d+ ms/g, 'N ms').replaceAll(/#\d+|pid \d+/g, 'N'),
  );
}

test('verbose reports a line for the launch with its times, and a line for the end', async () => {
  const words = ['-c', 'exit 3'];
  const expected = [
    "forkexec N: N: sh -c 'exit 3' (prepared in N ms, running in N ms)",
    'forkexec N: exit status 3 after N ms, user N ms, system N ms',
  ];
  assert.deepEqual(await linesOf((verbose) => run('sh', words, { verbose })), expected);
  assert.deepEqual(await linesOf((verbose) => runSync('sh', words, { verbose })), expected);
  const spawned = await linesOf(async (verbose) => (await spawn('sh', words, { verbose })).closed);
  assert.deepEqual(spawned, expected);
  const missing = '/no/such/program';
  const failed = [
    `forkexec N: execve("${missing}"): ENOENT: no such file or directory (after N ms)`,
  ];
  assert.deepEqual(await linesOf((verbose) => run(missing, { verbose })), failed);
  assert.deepEqual(await linesOf((verbose) => runSync(missing, { verbose })), failed);
});

test('FORKEXEC_DEBUG=1 reports every command on stderr', async () => {
  const text = "await forkexec.run('true'); forkexec.runSync('true', { verbose: false })";
  for (const [value, count] of [
    ['1', 2],
    ['0', 0],
    [undefined, 0],
  ] as const) {
    const env = { FORKEXEC_DEBUG: value };
    const { stderr } = await run(process.execPath, program(text), { env, verbose: false });
    const lines = stderr.split('\n').filter((line) => line.startsWith('forkexec #1: '));
    assert.equal(lines.length, count, stderr);
  }
});
