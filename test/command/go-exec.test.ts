// What Go's os/exec promises of running a command, by the names of its tests (os/exec/exec_test.go).
// The code is ours; a child of Go's is its test binary, ours are the system's small programs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { basename, dirname } from 'node:path';
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { command, LaunchError, lookPath, run, runSync, spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { exitError } from '../helpers/outcome.js';
import { openDescriptors, test } from '../helpers/test.js';

test('TestEcho: arguments arrive unchanged', async () => {
  const { stdout } = await run('echo', ['foo bar', 'baz'], { stripFinalNewline: false });
  assert.equal(stdout, 'foo bar baz\n');
});

test('TestCommandRelativeName: a relative program is resolved in the new working directory', async () => {
  const echo = lookPath('echo');
  const file = `./${basename(dirname(echo))}/echo`;
  const { stdout } = await run(file, ['foo'], { cwd: dirname(dirname(echo)) });
  assert.equal(stdout, 'foo');
});

test('TestCatStdin: input comes back without an added newline', async () => {
  const input = 'Input string\nLine 2';
  const { stdout } = await run('cat', { input, stripFinalNewline: false });
  assert.equal(stdout, input);
});

test('TestEchoFileRace: stdin may be written while the end is awaited', async () => {
  const child = await spawn('echo', { stdin: 'pipe', stdout: 'null' });
  const { stdin } = child;
  const writing = (async () => {
    for (let count = 0; count < 100; count++) {
      stdin.write('a chunk');
      await sleep(0);
    }
    stdin.end();
  })();
  assert.equal((await child.closed).ok, true);
  await writing;
});

test('TestCatGoodAndBadFile: the error keeps the output before it', async () => {
  const good = '/proc/self/comm';
  const error = await exitError(run('cat', ['/bogus/file.foo', good], { stderr: 'stdout' }));
  const [first, second] = (error.stdout as string).split('\n');
  assert.match(first ?? '', /^cat: .*bogus.*No such file/);
  assert.equal(second, 'cat');
});

test('TestNoExistExecutable: a missing program is ENOENT at execve', async () => {
  await assert.rejects(run('/no-exist-executable'), {
    name: 'LaunchError',
    code: 'ENOENT',
    step: 'execve',
  });
});

test('TestExitStatus: the message of a failure has the exit code', async () => {
  const error = await exitError(run('sh', ['-c', 'exit 42']));
  assert.equal(String(error.status), 'exit status 42');
  assert.match(error.message, /exit status 42/);
});

test('TestExitCode: exit codes of children that ended and of one that never ran', async () => {
  for (const code of [42, 2, 255, 0]) {
    const { status } = await run('sh', ['-c', `exit ${code}`], { reject: false });
    assert.equal(status.code, code);
    assert.equal(runSync('sh', ['-c', `exit ${code}`], { reject: false }).status.code, code);
  }
  const child = await startProcess('/bin/sleep', ['sleep', '1000']);
  assert.equal(child.status(), undefined, 'Go has -1 for what has no status yet');
  child.signal('SIGKILL');
  const { code, shellCode } = await child.wait();
  assert.deepEqual({ code, shellCode }, { code: null, shellCode: 137 });
});

test('TestPipes: three pipes are written and read line by line', async () => {
  const script = `while IFS=: read -r to text; do
    case $to in O) echo "O:$text";; E) echo "E:$text" >&2;; esac; done`;
  const child = await spawn('sh', ['-c', script], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const { stdin } = child;
  const stdout = child.lines()[Symbol.asyncIterator]();
  const stderr = child.lines({ from: 'stderr' })[Symbol.asyncIterator]();
  stdin.write('O:I am output\n');
  assert.equal((await stdout.next()).value, 'O:I am output');
  stdin.write('E:I am error\n');
  assert.equal((await stderr.next()).value, 'E:I am error');
  stdin.write('O:I am output2\n');
  assert.equal((await stdout.next()).value, 'O:I am output2');
  stdin.end();
  const ends = await Promise.all([stdout.next(), stderr.next()]);
  assert.deepEqual(
    ends.map(({ done }) => done),
    [true, true],
  );
  assert.equal((await child.closed).ok, true);
});

test('TestStdinClose (#6270): stdin may be closed twice and while the end is awaited', async () => {
  const child = await spawn('cat', { stdin: 'pipe', stdout: 'null' });
  const { stdin } = child;
  stdin.write('x');
  setImmediate(() => stdin.end());
  assert.equal((await child.closed).ok, true);
  stdin.end();
  stdin.destroy();
});

test('TestStdinCloseRace (#17647): a child that is killed, written to and awaited at once has failed', async () => {
  // It fails by itself of what is written, if the signal does not come first.
  const script = 'read -r line; test "$line" = expected';
  for (let round = 0; round < 20; round++) {
    const child = await spawn('sh', ['-c', script], { stdin: 'pipe', stdout: 'null' });
    const { stdin } = child;
    const closed = once(stdin, 'close');
    if (round % 2 === 0) setImmediate(() => child.kill('SIGKILL'));
    else child.kill('SIGKILL');
    stdin.end('unexpected');
    const status = await child.closed;
    assert.equal(status.ok, false);
    assert.ok(status.signal === 'SIGKILL' || status.code === 1, String(status));
    assert.equal(child.kill('SIGKILL'), false);
    await closed;
    assert.equal(stdin.destroyed, true);
  }
});

test('TestPipeLookPathLeak (#5071): failed launches leave no descriptor', async () => {
  const before = openDescriptors();
  for (let round = 0; round < 6; round++) {
    const options = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' } as const;
    await assert.rejects(spawn('something-that-does-not-exist', options), { code: 'ENOENT' });
    assert.throws(() => runSync('something-that-does-not-exist', options), { code: 'ENOENT' });
  }
  assert.deepEqual(openDescriptors(), before);
});

test('TestIgnorePipeErrorOnSuccess (#9173): a child that does not read stdin succeeds', async () => {
  const tenMB = Buffer.alloc(10 << 20, 'x');
  function* endless(): Generator<Uint8Array, void, undefined> {
    for (;;) yield tenMB;
  }
  for (const input of ['hello', tenMB, endless()]) {
    assert.equal((await run('echo', ['foo'], { input })).stdout, 'foo');
  }
});

test('TestClosePipeOnCopyError: a sink that fails ends the child', async () => {
  const sink = new WritableStream({
    write() {
      throw new Error('on purpose');
    },
  });
  await assert.rejects(run('yes', { stdout: sink }), { message: 'on purpose' });
});

test('TestOutputStderrCapture: an error has stderr even if only stdout was requested', async () => {
  const error = await exitError(run('sh', ['-c', 'echo some stderr text >&2; exit 1']));
  assert.equal(error.stderr, 'some stderr text');
  assert.match(error.message, /\nsome stderr text$/);
});

test('TestContext: an abort ends a child that waits for its stdin', async () => {
  const controller = new AbortController();
  const child = await spawn('sh', ['-c', 'echo O:hi; exec cat'], {
    stdin: 'pipe',
    stdout: 'pipe',
    signal: controller.signal,
  });
  child.stdin.write('O:hi\n');
  for await (const line of child.lines()) {
    assert.equal(line, 'O:hi');
    controller.abort();
    break;
  }
  const status = await child.closed;
  assert.equal(status.ok, false);
  assert.equal(status.reason, 'aborted');
});

test('TestContextCancel: after an abort the output ends and writes are not an error', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const child = await spawn('cat', { stdin: 'pipe', stdout: 'null', signal });
  const { stdin } = child;
  stdin.write('x');
  controller.abort();
  assert.equal((await child.exited).signal, 'SIGTERM');
  // Go's writes fail from here on; ours are dropped, and the stream says that it is over.
  for (let count = 0; count < 100; count++) stdin.write('x');
  const failure = await new Promise((resolve) => stdin.write('x', resolve));
  assert.ok(failure instanceof Error);
  assert.deepEqual([stdin.destroyed, stdin.writable, stdin.errored], [true, false, null]);
});

test('TestString, TestStringPathNotResolved: a command prints the words it was given', () => {
  const echo = lookPath('echo');
  assert.equal(String(command(echo, ['arg1', 'arg2'])), `${echo} arg1 arg2`);
  assert.equal(String(command('makemeasandwich', ['-lettuce'])), 'makemeasandwich -lettuce');
});

test('TestNoPath: a command without a program is refused', async () => {
  assert.throws(() => runSync(''), { code: 'ERR_INVALID_ARG_VALUE' });
  await assert.rejects(command('').run(), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('TestDoubleStartLeavesPipesOpen: a command started twice is two processes', async () => {
  const cat = command('cat', { stdin: 'pipe', stdout: 'pipe' });
  const [first, second] = await Promise.all([cat.spawn(), cat.spawn()]);
  assert.notEqual(first.pid, second.pid);
  for (const [index, child] of [first, second].entries()) {
    child.stdin?.end(`hello ${index}`);
    assert.equal(String(Buffer.concat((await child.stdout?.toArray()) ?? [])), `hello ${index}`);
    assert.equal((await child.closed).ok, true);
  }
});

test('TestStart_twice (#76746): a command that failed to start may be started again', async () => {
  const missing = command('/nonexistent');
  for (let round = 0; round < 2; round++) {
    await assert.rejects(missing.spawn(), (error) => error instanceof LaunchError);
  }
});

test("TestConcurrentExec (#61080): commands started at once do not inherit each other's pipes", async () => {
  const count = Math.max(availableParallelism(), 8);
  const options = { stdin: 'pipe', stdout: 'pipe' } as const;
  const hanging = Array.from({ length: count }, () => spawn('cat', options));
  const exiting = Array.from({ length: count }, () => run('true'));
  for (const { status } of await Promise.all(exiting)) assert.equal(status.ok, true);
  for (const child of await Promise.all(hanging)) {
    // It reads its end at once: no other child holds the pipe.
    child.stdin.end();
    child.stdout.resume();
    assert.equal((await child.closed).ok, true);
  }
});

test('TestPathRace: a command is printed as it was given, before, during and after its launches', async () => {
  const echo = command('sh', ['-c', 'sleep 0.05; echo x']); // found in PATH at the launch
  const line = "sh -c 'sleep 0.05; echo x'";
  assert.equal(String(echo), line);
  let left = 20;
  const running = Array.from({ length: left }, async () => {
    const { stdout } = await echo.run();
    left--;
    return stdout;
  });
  let during = 0;
  for (; left > 0; during++) {
    assert.equal(String(echo), line);
    await immediate();
  }
  assert.ok(during > 1, `it was printed ${during} times during the launches`);
  assert.deepEqual(await Promise.all(running), Array(20).fill('x'));
  assert.equal(String(echo), line);
});

test('TestAbsPathExec: an absolute path is run, and a name is searched in PATH alone', async () => {
  const path = lookPath('cat');
  assert.equal((await run(path, { input: 'a' })).stdout, 'a');
  const child = await startProcess(path, ['cat', '/proc/self/comm'], { files: [null, 'null'] });
  assert.equal((await child.wait()).ok, true);
  await assert.rejects(startProcess('cat', ['cat'], { cwd: '/' }), { code: 'ENOENT' });
  await assert.rejects(run('./cat', { cwd: '/' }), { code: 'ENOENT' });
});
