// spawn with `ready`: it resolves when the program says that it is ready.

import assert from 'node:assert/strict';
import { type ExitError, spawn } from '#dist/index.js';
import { test } from '../helpers/test.js';

const failure = (promise: Promise<unknown>): Promise<ExitError> =>
  promise.then(
    () => assert.fail('it was ready'),
    (error: ExitError) => error,
  );

for (const line of ['listening', /listening on \d+/]) {
  test(`spawn resolves at a line that has ${line}, and what was read before can still be read`, async () => {
    const script = 'echo starting; sleep 0.1; echo listening on 80; cat';
    const options = { stdin: 'pipe', stdout: 'pipe', ready: { line } } as const;
    await using child = await spawn('sh', ['-c', script], options);
    child.stdin.end('more\n');
    const lines: string[] = [];
    for await (const each of child.lines()) lines.push(each);
    assert.deepEqual(lines, ['starting', 'listening on 80', 'more']);
  });
}

test('the sign may come on stderr, and without a newline', async () => {
  const options = { stdin: 'pipe', stderr: 'pipe', ready: { line: 'name: ' } } as const;
  await using child = await spawn('sh', ['-c', 'printf "name: " >&2; read x; exit 3'], options);
  child.stdin.end('x\n');
  assert.equal((await child.exited).code, 3);
});

test('a line on a descriptor is the sign', async () => {
  const script = 'sleep 0.1; echo ready >&4; exec 4>&-; read x';
  const options = { stdin: 'pipe', ready: { fd: 4 } } as const;
  await using child = await spawn('sh', ['-c', script], options);
  assert.equal(child.process.status(), undefined);
  child.stdin.end('\n');
  await child.exited;
});

test('a command that ends before it is ready rejects with its status and output', async () => {
  const options = { stdout: 'pipe', stderr: 'pipe', ready: { line: 'listening' } } as const;
  const error = await failure(spawn('sh', ['-c', 'echo port in use >&2; exit 7'], options));
  assert.equal(error.name, 'ExitError');
  assert.equal(error.status.code, 7);
  assert.match(error.message, /ended before it was ready, exit status 7/);
  assert.match(error.message, /port in use/);
  const onFd = await failure(spawn('sh', ['-c', 'exit 7'], { ready: { fd: 3 } }));
  assert.equal(onFd.status.code, 7);
});

test('a command that is not ready in time is stopped', async () => {
  const ready = { line: 'listening', timeout: 200 } as const;
  const error = await failure(spawn('sh', ['-c', 'exec sleep 60'], { stdout: 'pipe', ready }));
  assert.deepEqual([error.status.reason, error.status.signal], ['timeout', 'SIGTERM']);
  assert.match(error.message, /not ready after 200 ms/);
});

test('what ready can not be is refused before anything is started', async () => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  const bad = [
    { ready: {} },
    { ready: { line: 'x', fd: 3 } },
    { ready: { line: 5 }, stdout: 'pipe' },
    { ready: { line: 'x' } },
    { ready: { fd: 1 } },
    { ready: { fd: 3 }, fds: { 3: 'null' } },
    { ready: { line: 'x', timeout: '5s' }, stdout: 'pipe' },
    { ready: { lines: 'x' } },
    { ready: true },
    { stdout: ['inherit', 'pipe'] },
  ];
  for (const options of bad) {
    await assert.rejects(
      () => spawn('true', [], options as object),
      refused,
      JSON.stringify(options),
    );
  }
});
