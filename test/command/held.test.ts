// Pipes that others hold open when the process itself has ended.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, ExitError, type ExitStatus, run, runSync, spawn } from '#dist/index.js';
import { endOther, untilEnded } from '../helpers/other.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

/** Long enough to be no accident, and never waited for. */
const LONG = '1000';

/** Ends those who held a pipe. */
async function endHolders({ held }: Pick<ExitStatus, 'held'>): Promise<void> {
  for (const pid of new Set(held.flatMap(({ pids }) => pids))) await endOther(pid);
}

/** Waits for the process `$!` to have become `sleep`: it has what it was to have then. */
const UNTIL_SLEEP = 'while read -r name </proc/$!/comm; [ "$name" != sleep ]; do :; done';

/** A script whose `sleep`, started in the background, keeps what it inherited. */
const leaves = (redirections: string, last = 'echo hi'): string[] => {
  return ['-c', `sleep ${LONG} ${redirections} & ${UNTIL_SLEEP}; echo $!; ${last}`];
};

const MS = { waitDelay: 60 };

test('run with an undefined waitDelay uses the default', async () => {
  const options = { waitDelay: undefined } as object; // which the compiler may allow elsewhere
  const { status } = await run('sh', leaves(''), options);
  assert.equal(status.held.length, 2);
  await endHolders(status);
});

test('run settles waitDelay after the exit, with the output so far and the processes that hold the pipe', async () => {
  const before = performance.now();
  const { stdout, status } = await run('sh', leaves(''), MS);
  const took = performance.now() - before;
  const [pid, hi] = stdout.split('\n');
  assert.equal(hi, 'hi');
  assert.equal(status.ok, true);
  assert.equal(status.reason, 'exited');
  const pids = [Number(pid)];
  const names = ['sleep'];
  assert.deepEqual(status.held, [
    { stream: 'stdout', pids, names },
    { stream: 'stderr', pids, names },
  ]);
  assert.ok(took >= MS.waitDelay - 1, `${took} ms`);
  assert.ok(took < 5000, `${took} ms`);
  await endHolders(status);
});

test('held has only the streams that are held', async () => {
  const table = [
    ['2>/dev/null', ['stdout']],
    ['>/dev/null', ['stderr']],
    ['3>&1 >/dev/null 2>&1', ['stdout']],
    ['>/dev/null 2>&1', []],
  ] as const;
  for (const [redirections, names] of table) {
    const { status, stdout } = await run('sh', leaves(redirections), MS);
    assert.deepEqual(
      status.held.map(({ stream }) => stream),
      names,
      redirections,
    );
    await endOther(Number(stdout.split('\n')[0]));
  }
});

test('held has all processes that hold a pipe', async () => {
  const inner = `(sleep ${LONG} 2>/dev/null & ${UNTIL_SLEEP}; echo $!)`;
  const script = `sleep ${LONG} & ${UNTIL_SLEEP}; echo $!; ${inner}`;
  const { status, stdout } = await run('sh', ['-c', script], MS);
  const pids = stdout.split('\n').map(Number);
  const [out, err] = status.held;
  assert.deepEqual([...(out?.pids ?? [])].sort(), [...pids].sort());
  assert.deepEqual(err?.pids, pids.slice(0, 1));
  await endHolders(status);
});

test('run waits for a process that closes the held pipe in time', async () => {
  const script = '(sleep 0.05; echo late) & echo early';
  const { stdout, status } = await run('sh', ['-c', script], { waitDelay: 20_000 });
  assert.equal(stdout, 'early\nlate');
  assert.deepEqual(status.held, []);
});

test('run with waitDelay 0 settles at the exit, with all output of the process itself', async () => {
  const script = `sleep ${LONG} & head -c 50000 /dev/zero; echo $! >&2`;
  const { stdout, stderr, status } = await run('sh', ['-c', script], { waitDelay: 0 });
  assert.equal(stdout.length, 50_000);
  assert.equal(status.held[0]?.pids[0], Number(stderr));
  await endHolders(status);
});

test('runSync settles waitDelay after the exit, like run', async () => {
  const { stdout, status } = runSync('sh', leaves('2>/dev/null'), MS);
  const [pid, hi] = stdout.split('\n');
  assert.equal(hi, 'hi');
  assert.deepEqual(status.held, [{ stream: 'stdout', pids: [Number(pid)], names: ['sleep'] }]);
  await endHolders(status);
});

test('the message of an ExitError names the held pipes and their processes', async () => {
  const words = leaves('', 'echo oops >&2; exit 3');
  const ways = [() => run('sh', words, MS), async () => runSync('sh', words, MS)];
  for (const way of ways) {
    const error = await way().catch((reason: unknown) => reason);
    assert.ok(error instanceof ExitError);
    const pid = (error.stdout as string).split('\n')[0];
    const place = `(stdout still open in sleep (pid ${pid}); stderr still open in sleep (pid ${pid}))`;
    assert.ok(error.message.includes(`exit status 3 after `), error.message);
    assert.ok(error.message.includes(place), error.message);
    assert.ok(error.message.endsWith('\noops'), error.message);
    await endHolders(error.status);
  }
});

test('exited does not wait for held pipes, closed waits for the used ones', async () => {
  await using child = await spawn('sh', leaves(''), {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
    ...MS,
  });
  const chunks: string[] = [];
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
  assert.equal((await child.exited).ok, true);
  const status = await child.closed;
  assert.deepEqual(
    status.held.map(({ stream }) => stream),
    ['stdout'],
    'stderr was never asked for',
  );
  assert.equal(chunks.join('').split('\n')[1], 'hi');
  assert.equal(child.stdout.destroyed, true, 'it was cut off');
  await endHolders(status);
});

test('output that was written before a held pipe is given up can be read afterwards', async () => {
  const child = await spawn('sh', leaves('', 'seq 1 5000'), {
    stdin: 'null',
    stdout: 'pipe',
    ...MS,
  });
  child.stdout.once('readable', () => {}); // reading has begun, and goes no further
  const status = await child.closed;
  assert.deepEqual(
    status.held.map(({ stream }) => stream),
    ['stdout'],
  );
  const lines: string[] = [];
  for await (const line of child.lines()) lines.push(line);
  assert.equal(lines.length, 5001);
  assert.equal(lines.at(-1), '5000');
  await endHolders(status);
});

/** Starts a command that leaves a process with its stdout. */
function leaver(script: string): Promise<Child<{ stdout: 'pipe' }>> {
  const options = { stdin: 'null', stdout: 'pipe', stderr: 'null', ...MS } as const;
  return spawn('sh', leaves('', script), options);
}

test('a reader of a held pipe gets its end after waitDelay, with and without closed', async () => {
  const readers: ((child: Child<{ stdout: 'pipe' }>) => Promise<string[]>)[] = [
    async (child) => {
      const lines: string[] = [];
      for await (const line of child.lines()) lines.push(line);
      return lines;
    },
    async (child) => String(Buffer.concat(await child.stdout.toArray())).split('\n'),
    (child) => {
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
      });
      return new Promise((resolve) => child.stdout.once('end', () => resolve(text.split('\n'))));
    },
  ];
  for (const read of readers) {
    const child = await leaver('echo there');
    const [, line] = await read(child);
    assert.equal(line, 'there');
    const { held } = await child.closed;
    assert.deepEqual(
      held.map(({ stream }) => stream),
      ['stdout'],
    );
    await endHolders({ held });
  }
});

test('a stream that is first used after waitDelay has the output so far and its end', async () => {
  const child = await leaver('echo there');
  const early = child.stdout;
  early.pause();
  await child.closed;
  const other = await leaver('echo there');
  await other.exited;
  await sleep(MS.waitDelay * 2);
  for (const each of [child, other]) {
    const lines: string[] = [];
    for await (const line of each.lines()) lines.push(line);
    assert.equal(lines[1], 'there');
    await endHolders(await each.closed);
  }
});

test('a slowly read stream is complete and is not reported as held', async () => {
  const child = await spawn('head', ['-c', '60000', '/dev/zero'], {
    stdin: 'null',
    stdout: 'pipe',
    waitDelay: 0,
  });
  assert.equal(child.stdout.isPaused(), false); // asked for, and not read yet
  assert.deepEqual((await child.closed).held, []);
  await sleep(20);
  assert.equal(Buffer.concat(await child.stdout.toArray()).length, 60_000);
});

test('a sink that is slower than waitDelay gets all that there was', async () => {
  const chunks: Uint8Array[] = [];
  const slow = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      chunks.push(chunk);
      setTimeout(done, MS.waitDelay * 2);
    },
  });
  const script = 'head -c 120000 /dev/zero';
  const { status } = await run('sh', ['-c', script], { stdout: slow, ...MS });
  assert.equal(Buffer.concat(chunks).length, 120_000);
  assert.deepEqual(status.held, []);
  slow.destroy();
});

test('a slow sink gets what was written before a pipe that others hold is cut off', async () => {
  let size = 0;
  const slow = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      size += chunk.length;
      setTimeout(done, MS.waitDelay * 2);
    },
  });
  const script = leaves('2>/dev/null', 'head -c 60000 /dev/zero');
  const { status } = await run('sh', script, { stdout: slow, ...MS });
  const [held] = status.held;
  assert.equal(held?.stream, 'stdout');
  assert.equal(size, 60_000 + `${held?.pids[0]}\n`.length);
  await endHolders(status);
});

test('a sink that takes nothing is waited for until it is destroyed', async () => {
  const stuck = new Writable({ highWaterMark: 1, write() {} });
  const script = 'head -c 100 /dev/zero; exec sleep 0.05';
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: stuck, ...MS });
  const { closed } = child;
  assert.equal((await child.exited).ok, true);
  assert.equal(await Promise.race([closed, sleep(MS.waitDelay * 4, 'waits')]), 'waits');
  stuck.destroy();
  await assert.rejects(closed, /stream that takes the output was closed/);
});

test('a held pipe of an unreferenced child does not keep the event loop alive', async () => {
  const code = `
    const { spawn } = await import(${JSON.stringify(import.meta.resolve('#dist/index.js'))});
    const options = { stdin: 'null', stdout: 'pipe', stderr: 'null', waitDelay: 600_000 };
    const child = await spawn('sh', ['-c', 'sleep ${LONG} & echo $!'], options);
    child.stdout.once('data', (chunk) => {
      console.log(String(chunk));
      child.stdout.unref();
    });
  `;
  const words = ['--input-type=module', '--eval', code];
  const { stdout } = await run(process.execPath, words, { timeout: patience(30_000) });
  await endHolders({ held: [{ stream: 'stdout', pids: [Number(stdout)], names: [] }] });
});

test('sinks and descriptors above 2 are given up after waitDelay and reported as held', async () => {
  const chunks: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  const script = `sleep ${LONG} 2>/dev/null & ${UNTIL_SLEEP}; echo $! >&2; echo three >&3`;
  const child = await spawn('sh', ['-c', script], {
    stdin: 'null',
    stdout: 'null',
    stderr: 'pipe',
    fds: { 3: sink },
    ...MS,
  });
  const pid = Number(String(Buffer.concat(await child.stderr.toArray())));
  const status = await child.closed;
  assert.deepEqual(status.held, [{ stream: 'fd 3', pids: [pid], names: ['sleep'] }]);
  assert.equal(Buffer.concat(chunks).toString(), 'three\n');
  await endHolders(status);
});

test('a held pipe does not prolong a timeout by more than waitDelay', async () => {
  const script = `sleep ${LONG} & echo $!; exec sleep ${LONG}`;
  const before = performance.now();
  const options = { timeout: 50, stop: { scope: 'process' }, ...MS } as const;
  const error = await run('sh', ['-c', script], options).catch((e: unknown) => e);
  assert.ok(performance.now() - before < 5000);
  assert.ok(error instanceof ExitError);
  assert.equal(error.status.reason, 'timeout');
  assert.equal(error.status.signal, 'SIGTERM');
  assert.equal(error.status.held.length, 2);
  await endHolders(error.status);
});

test('a process that continues to write to a given-up pipe gets SIGPIPE', async () => {
  const script = '(while :; do echo probe >&2; sleep 0.01; done) & echo $!';
  const { stdout, status } = await run('sh', ['-c', script], MS);
  assert.ok(status.held.length > 0);
  await untilEnded(Number(stdout));
});

test('waitDelay Infinity waits for a held pipe without a limit', async () => {
  const child = await spawn('sh', ['-c', 'sleep 0.2 & echo hi'], {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'null',
  });
  const text = String(Buffer.concat(await child.stdout.toArray()));
  assert.equal(text, 'hi\n');
  assert.deepEqual((await child.closed).held, []);
});

test('processes that hold a pipe are found by their open descriptors', async () => {
  // It leaves the session and its parent: only the pipe ties it to the command, which ends when
  // the other has closed a second one.
  const left = `setsid -f sh -c 'echo $$; exec 4>&-; exec sleep ${LONG}' 2>/dev/null`;
  const script = `{ ${left} 4>&1 >&3 | cat; } 3>&1`;
  const { status, stdout } = await run('sh', ['-c', script], MS);
  const pid = Number(stdout);
  assert.deepEqual(status.held, [{ stream: 'stdout', pids: [pid], names: ['sleep'] }]);
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^sleep/);
  await endHolders(status);
});
