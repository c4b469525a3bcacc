// What was measured of other libraries and found wanting, of ours. bench/peers has them side by side,
// with times; here nothing is timed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { ExitError, run, spawn } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { bin } from '../helpers/cli.js';
import { untilEnded } from '../helpers/other.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const MiB = 1024 * 1024;
const index = import.meta.resolve('#dist/index.js');

/** A program of its own: `code` has the library in `forkexec`. */
const program = (code: string): string[] => {
  const text = `const forkexec = await import(${JSON.stringify(index)}); ${code}`;
  return ['--input-type=module', '--eval', text];
};

/** Starts such a program; what it writes first, and how it is ended. */
async function startProgram(code: string): Promise<{ line: string; end: () => Promise<void> }> {
  const child = await spawn(process.execPath, program(code), { stdin: 'null', stdout: 'pipe' });
  let first = '';
  for await (const line of child.lines()) {
    first = line;
    break;
  }
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
  };
  return { line: first, end };
}

/** Why strace can't show what is called here, or false. */
async function withoutStrace(): Promise<string | false> {
  return run('strace', ['-f', '-o', '/dev/null', 'true']).then(
    () => false as const,
    (error: Error) => `strace does not work here: ${error.message}`,
  );
}

// Before the first test: it starts while this module waits.
const noStrace = await withoutStrace();

test('P1: a child ends with its parent, even if that is killed', async () => {
  for (const option of ["lifetime: 'parent'", "parentDeathSignal: 'SIGTERM'"]) {
    const code = `
      const child = await forkexec.spawn('sleep', ['1000'], { stdout: 'null', ${option} });
      console.log(child.pid);
      setInterval(() => {}, 1000);
    `;
    const { line, end } = await startProgram(code);
    await end();
    await untilEnded(Number(line));
  }
});

test('P1: when its parent exits, all that it started ends too', async () => {
  const script = 'sleep 1000 & setsid sleep 1000 & echo $!; wait';
  const code = `
    const script = ${JSON.stringify(script)};
    const options = { stdin: 'null', stdout: 'pipe', lifetime: 'parent' };
    const child = await forkexec.spawn('sh', ['-c', script], options);
    for await (const line of child.lines()) {
      console.log(line);
      process.exit(0);
    }
  `;
  const { line, end } = await startProgram(code);
  await untilEnded(Number(line));
  await end();
});

test('P2: a grandchild that holds the pipe keeps no one waiting', async () => {
  const { stdout, status } = await run('sh', ['-c', 'sleep 1000 & echo $!']);
  assert.equal(status.ok, true);
  const words = ['-c', 'sleep 1000 & echo $!; exec sleep 1000'];
  const error = await run('sh', words, { timeout: 500 }).catch((reason: unknown) => reason);
  assert.ok(error instanceof ExitError);
  assert.equal(error.status.reason, 'timeout');
  for (const pid of [stdout, error.stdout as string]) process.kill(Number(pid), 'SIGKILL');
  await Promise.all([untilEnded(Number(stdout)), untilEnded(Number(error.stdout))]);
});

/** The lines of strace, each in one piece: a call that another thread's comes in between is in two. */
function wholeLines(text: string): string[] {
  const begun = new Map<string, string>();
  return text.split('\n').flatMap((line) => {
    const pid = line.split(' ')[0] as string;
    const [, beginning] = /^(.*) <unfinished \.\.\.>$/.exec(line) ?? [];
    if (beginning !== undefined) {
      begun.set(pid, beginning);
      return [];
    }
    const [, end] = /<\.\.\. \w+ resumed>(.*)$/.exec(line) ?? [];
    return [end === undefined ? line : `${begun.get(pid)}${end}`];
  });
}

test(
  'P3: a launch copies no memory: the child borrows that of its parent until it runs',
  () =>
    withFolder(async (folder) => {
      needsLinux('vfork');
      const log = join(folder, 'log');
      const code = `await forkexec.run('true'); forkexec.runSync('true');`;
      const words = ['-f', '-e', 'trace=fork,vfork,clone,clone3', '-o', log];
      await run('strace', [...words, process.execPath, ...program(code)]);
      const calls = wholeLines(readFileSync(log, 'utf8'));
      const made = calls.filter((line) => /\b(fork|vfork|clone|clone3)\(.* = \d+$/.test(line));
      const processes = made.filter((line) => !line.includes('CLONE_THREAD'));
      // One for each launch, and one that tries once whether vfork shares memory.
      assert.equal(processes.length, 3, processes.join('\n'));
      for (const line of processes) assert.match(line, /CLONE_VM\b.*CLONE_VFORK\b/);
    }),
  { skip: noStrace },
);

test('P13: a child has the limit of open files that it was given, or that its parent had', async () => {
  const script = `
    const limit = ['-c', 'ulimit -Sn'];
    const { stdout } = await forkexec.run('sh', limit);
    const given = await forkexec.run('sh', limit, { rlimits: { nofile: [100, 200] } });
    console.log(stdout, given.stdout);
  `;
  // The launcher has looked before Node raised it.
  const words = ['-c', 'ulimit -Sn 256 && exec "$0" "$@"', bin, 'node', ...program(script)];
  const { stdout } = await run('sh', words);
  assert.equal(stdout, '256 100');
});

const ROOM = 1600 * MiB;

test(
  'P14: the memory of its parent is not told as that of a child',
  async () => {
    const code = `
      const memory = Buffer.alloc(700 * ${MiB}, 1);
      const small = await forkexec.run('true');
      console.log(small.status.usage.maxRss ?? 'not known', memory.length > 0);
    `;
    const { stdout } = await run(process.execPath, program(code));
    assert.equal(stdout, 'not known true');
  },
  { skip: freemem() > ROOM ? false : 'there is too little memory free to use 700 MB of it' },
);
