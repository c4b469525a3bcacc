import assert from 'node:assert/strict';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Result, type RunOptions, run, runSync } from '#dist/index.js';
import { endOther } from '../helpers/other.js';
import { exitError } from '../helpers/outcome.js';
import { patience } from '../helpers/patience.js';
import { withFolder } from '../helpers/state.js';
import { digest, pattern, until } from '../helpers/streams.js';
import { children, test } from '../helpers/test.js';
import { knownUsage } from '../helpers/usage.js';

type Runner = <const O extends RunOptions>(
  file: string,
  args?: readonly string[],
  options?: O,
) => Promise<Result<O>>;

/** Everything here holds for both. */
const runners: Record<string, Runner> = {
  run: (file, args, options) => run(file, args, options),
  runSync: async (file, args, options) => runSync(file, args, options),
};

function forBoth(title: string, body: (run: Runner) => Promise<void>): void {
  for (const [name, runner] of Object.entries(runners))
    test(`${name}: ${title}`, () => body(runner));
}

/** Ends what a command has left; its number is all that it wrote. */
async function killOther(pid: string | Uint8Array | string[]): Promise<void> {
  await endOther(Number(pid));
}

forBoth('output is text without its last newline', async (run) => {
  const result = await run('sh', ['-c', 'echo out; echo error >&2']);
  assert.equal(result.stdout, 'out');
  assert.equal(result.stderr, 'error');
  assert.ok(result.status.ok);
  assert.equal(result.command, "sh -c 'echo out; echo error >&2'");
  assert.ok(result.durationMs > 0 && result.durationMs < 60_000);
  assert.equal(result.durationMs, knownUsage(result.status).wallTime / 1000);
  assert.equal((await run('printf', ['a\\n\\n'])).stdout, 'a\n');
  assert.equal((await run('printf', ['a'])).stdout, 'a');
  assert.equal((await run('true')).stdout, '');
  assert.equal((await run('printf', ['a\\n'], { stripFinalNewline: false })).stdout, 'a\n');
});

forBoth('UTF-8 output is decoded independent of how it is split', async (run) => {
  const text = 'aä☃𝄞'.repeat(100_000);
  const { stdout } = await run('cat', [], { input: text });
  assert.ok(stdout === text, 'it is the same');
  assert.equal((await run('printf', ['\\377'])).stdout, '\ufffd');
});

forBoth("encoding: 'buffer' returns bytes", async (run) => {
  const bytes = pattern(64 * 1024 * 1024);
  const { stdout } = await run('cat', [], { input: bytes, encoding: 'buffer' });
  assert.ok((stdout as unknown) instanceof Uint8Array);
  assert.equal(digest(stdout as unknown as Uint8Array), digest(bytes));
  const nothing = await run('true', [], { encoding: 'buffer' });
  assert.equal(nothing.stdout.length, 0);
  assert.ok((nothing.stderr as unknown) instanceof Uint8Array);
});

forBoth('stdout and stderr are read at the same time', async (run) => {
  const script = 'head -c 3000000 /dev/zero >&2; head -c 2000000 /dev/zero; cat | wc -c >&2';
  const { stdout, stderr } = await run('sh', ['-c', script], { input: pattern(1_000_000) });
  assert.equal(stdout.length, 2_000_000);
  assert.equal(stderr.length, 3_000_000 + '1000000'.length);
});

forBoth('input that is not read is not an error', async (run) => {
  assert.equal((await run('true', [], { input: pattern(1_000_000) })).stdout, '');
  const { stdout } = await run('head', ['-c', '3'], { input: `abc${'x'.repeat(1_000_000)}` });
  assert.equal(stdout, 'abc');
  assert.equal((await run('cat', [], { input: '' })).stdout, '');
  assert.equal((await run('cat')).stdout, '', 'without input there is none to wait for');
});

forBoth('output that is redirected is not collected', async (run) => {
  const { stdout, stderr } = await run('sh', ['-c', 'echo a; echo b >&2'], { stdout: 'null' });
  assert.deepEqual([stdout, stderr], ['', 'b']);
});

forBoth('a failed command is an ExitError with status, output and command', async (run) => {
  const script = 'echo some output; echo "what went wrong" >&2; exit 3';
  const error = await exitError(run('sh', ['-c', script]));
  assert.equal(error.name, 'ExitError');
  assert.equal(error.status.code, 3);
  assert.equal(error.stdout, 'some output');
  assert.equal(error.stderr, 'what went wrong');
  assert.ok(error.command.startsWith("sh -c 'echo some output"));
  assert.match(error.message, /: exit status 3 after \d+ ms\nwhat went wrong$/);
  const { status, stdout } = await run('sh', ['-c', script], { reject: false });
  assert.deepEqual([status.code, stdout], [3, 'some output']);
});

forBoth('the message of an ExitError has only the end of stderr', async (run) => {
  const script = 'for i in $(seq 1000); do echo line $i >&2; done; kill -9 $$';
  const error = await exitError(run('sh', ['-c', script]));
  assert.equal(error.status.signal, 'SIGKILL');
  assert.match(error.message, /: signal: killed after \d+ ms\nline 991\n/);
  assert.ok(error.message.endsWith('line 1000'));
  assert.ok((error.stderr as string).startsWith('line 1\n'), 'the property has all of it');
});

forBoth('maxBuffer limits the collected output of each stream', async (run) => {
  const maxBuffer = 100_000;
  const head = (size: number): string => `head -c ${size} /dev/zero`;
  const both = `${head(maxBuffer)}; ${head(maxBuffer)} >&2`;
  const { stdout, stderr } = await run('sh', ['-c', both], { maxBuffer });
  assert.deepEqual([stdout.length, stderr.length], [maxBuffer, maxBuffer]);
  for (const target of ['1', '2']) {
    const script = `${head(maxBuffer + 1)} >&${target}; exec sleep 60`;
    const error = await exitError(run('sh', ['-c', script], { maxBuffer, stop: { grace: 50 } }));
    assert.equal(error.status.reason, 'maxBuffer');
    assert.match(error.message, /: output exceeded maxBuffer, signal: /);
    const output = target === '1' ? error.stdout : error.stderr;
    assert.equal(output.length, maxBuffer);
  }
  const nothing = await exitError(run('sh', ['-c', 'echo; exec sleep 60'], { maxBuffer: 0 }));
  assert.equal(nothing.stdout, '');
});

forBoth('output beyond maxBuffer after the exit is an error', async (run) => {
  const script = '(sleep 0.05; head -c 5000 /dev/zero) & exit 0';
  const error = await exitError(run('sh', ['-c', script], { maxBuffer: 1000, waitDelay: 30_000 }));
  assert.equal(error.status.reason, 'maxBuffer');
  assert.equal(error.stdout.length, 1000);
});

test('run: output beyond maxBuffer of an ended command is only an ExitError', () =>
  withFolder(async (folder) => {
    const go = join(folder, 'go');
    const script = `until [ -e ${go} ]; do sleep 0.005; done; head -c 1001 /dev/zero`;
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      const running = run('sh', ['-c', script], { maxBuffer: 1000 });
      await until('it runs', () => children().length > 0);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
      // From here to its end nothing is told, and then all of it together.
      writeFileSync(go, '');
      const deadline = Date.now() + patience(20_000);
      while (children().length > 0 && Date.now() < deadline);
      runSync('sleep', ['0.02']);
      const error = await exitError(running);
      assert.equal(error.status.reason, 'maxBuffer');
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('unhandledRejection', note);
    }
    assert.deepEqual(unhandled, [], 'the program would have died of it');
  }));

forBoth(
  'a command that never stops writing is stopped by maxBuffer and by timeout',
  async (run) => {
    const full = await exitError(run('cat', ['/dev/zero'], { maxBuffer: 1_000_000 }));
    assert.equal(full.status.reason, 'maxBuffer');
    assert.equal(full.stdout.length, 1_000_000);
    const endless = 'while :; do echo; done';
    const late = await exitError(run('sh', ['-c', endless], { timeout: 50, stdout: 'null' }));
    assert.equal(late.status.reason, 'timeout');
  },
);

forBoth('a timeout of 0 is no limit', async (run) => {
  const { status } = await run('sleep', ['0.1'], { timeout: 0 });
  assert.equal(status.reason, 'exited');
});

forBoth('timeout sends SIGTERM, and SIGKILL if SIGTERM is ignored', async (run) => {
  const plain = await exitError(run('sleep', ['60'], { timeout: 30 }));
  assert.deepEqual([plain.status.reason, plain.status.signal], ['timeout', 'SIGTERM']);
  assert.match(plain.message, /^sleep 60: timed out, signal: terminated after \d+ ms$/);
  const stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const options = { timeout: 500, stop: { grace: 50 } };
  const error = await exitError(run('sh', ['-c', stubborn], options));
  assert.deepEqual([error.status.reason, error.status.signal], ['timeout', 'SIGKILL']);
  assert.equal(error.stdout, 'ready');
  const obliging = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done";
  const polite = await exitError(run('sh', ['-c', obliging], { timeout: 500 }));
  assert.deepEqual([polite.status.reason, polite.status.code], ['timeout', 0]);
  assert.equal(polite.stdout, 'ready\nbye');
  const status = (await run('sleep', ['60'], { timeout: 30, reject: false })).status;
  assert.equal(status.reason, 'timeout');
  assert.equal((await run('true', [], { timeout: 60_000 })).status.reason, 'exited');
});

forBoth('held pipes delay the result by waitDelay at most', async (run) => {
  const begun = performance.now();
  const { stdout, status } = await run('sh', ['-c', 'sleep 60 & echo $!'], { waitDelay: 50 });
  assert.ok(performance.now() - begun < 30_000, 'it has not waited for sleep');
  assert.equal(status.code, 0);
  assert.match(stdout, /^\d+$/);
  await killOther(stdout);
});

forBoth(
  'input that a background process does not read delays the result by waitDelay at most',
  (run) =>
    withFolder(async (folder) => {
      const file = join(folder, 'pid');
      // There is always something left to write: more than a pipe holds, and nobody reads it.
      const script = `exec 3<&0; sleep 60 <&3 & echo $! > ${file}`;
      const running = run('sh', ['-c', script], { input: pattern(1_000_000), waitDelay: 50 });
      const late = new Promise<'late'>((resolve) => setTimeout(resolve, 5000, 'late').unref());
      const first = await Promise.race([running, late]);
      await killOther(readFileSync(file, 'utf8'));
      await running;
      assert.notEqual(first, 'late', 'it has waited for sleep');
    }),
);

forBoth('output that was written before waitDelay is complete', async (run) => {
  const script = 'sleep 60 & echo $! >&2; head -c 60000 /dev/zero';
  const { stdout, stderr } = await run('sh', ['-c', script], { waitDelay: 0 });
  assert.equal(stdout.length, 60_000);
  await killOther(stderr);
});

forBoth('an AbortSignal that has already aborted starts nothing', async (run) => {
  const reason = new Error('not any more');
  const running = run('/no/such/program', [], { signal: AbortSignal.abort(reason) });
  await assert.rejects(running, (error) => error === reason);
});

forBoth('cwd, env and argv0 are those of the command', (run) =>
  withFolder(async (folder) => {
    const options = { cwd: folder, env: { WORD: 'word' }, argv0: 'name' };
    const { stdout } = await run('sh', ['-c', 'pwd -P; echo $WORD $0'], options);
    assert.equal(stdout, `${realpathSync(folder)}\nword name`);
  }),
);

test('run: an abort stops the command and is the cause of the error', async () => {
  const controller = new AbortController();
  const running = run('sh', ['-c', 'echo before; exec sleep 60'], { signal: controller.signal });
  const reason = new Error('enough');
  setTimeout(() => controller.abort(reason), 30);
  const error = await exitError(running);
  assert.equal(error.status.reason, 'aborted');
  assert.equal(error.cause, reason);
  assert.match(error.message, /aborted, signal: terminated/);
});

test('run: an abort after the end has no effect', async () => {
  const controller = new AbortController();
  const result = await run('true', { signal: controller.signal });
  controller.abort();
  assert.equal(result.status.reason, 'exited');
});
