// What is left of results, errors and children in a clone, in JSON and on a console.

import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { inspect } from 'node:util';
import { ExitError, run, runSync, spawn } from '#dist/index.js';
import { exitError } from '../helpers/outcome.js';
import { lacks, test } from '../helpers/test.js';

const FAILS = ['-c', 'echo out; echo err >&2; kill -KILL $$'];

test('a clone and the JSON of a result keep whether it is well and the code of a shell', async () => {
  const result = await run('sh', FAILS, { reject: false });
  const copies = [structuredClone(result), JSON.parse(JSON.stringify(result)) as typeof result];
  for (const copy of copies) {
    assert.deepEqual([copy.status.ok, copy.status.shellCode], [false, 137]);
    assert.deepEqual({ ...copy.status, usage: 0 }, { ...result.status, usage: 0 });
    assert.deepEqual([copy.stdout, copy.stderr, copy.command], ['out', 'err', result.command]);
  }
  assert.equal(structuredClone(runSync('true')).status.ok, true);
});

test('the JSON of an error has its message, status and output', async () => {
  const error = await exitError(run('sh', FAILS));
  const copy = JSON.parse(JSON.stringify(error)) as ExitError;
  const { name, message, command, stdout, stderr } = error;
  assert.deepEqual(
    { ...copy, status: copy.status.shellCode },
    {
      name,
      message,
      command,
      stdout,
      stderr,
      status: 137,
    },
  );
  assert.equal(structuredClone(error).message, message);
});

test('a result, an error and a child are short on a console', async () => {
  const result = await run('sh', ['-c', 'exit 3'], { reject: false });
  assert.match(inspect(result.status), /^ExitStatus \{ exit status 3, [\d.]+ ms, user [\d.]+ ms, /);
  assert.ok(inspect(result).split('\n').length <= 10, inspect(result));
  const error = await exitError(run('sh', FAILS));
  const own = inspect(error)
    .split('\n')
    .filter((line) => !line.startsWith('    at '));
  assert.ok(own.length <= 12, own.join('\n'));
  const child = await spawn('sleep', ['60'], { stdin: 'null' });
  assert.equal(inspect(child), `Child { pid ${child.pid}, running }`);
  child.kill();
  await child.closed;
  assert.equal(inspect(child), `Child { pid ${child.pid}, signal: terminated }`);
  assert.deepEqual(JSON.parse(JSON.stringify(child)).pid, child.pid);
});

test('output that is longer than a string can be is an error with its bytes and its status', async () => {
  const size = constants.MAX_STRING_LENGTH + 1_000_000;
  if (size > 600_000_000) lacks('a limit of strings that a test can exceed');
  const options = { maxBuffer: Number.POSITIVE_INFINITY };
  const error = await exitError(run('head', ['-c', `${size}`, '/dev/zero'], options));
  assert.ok(error instanceof ExitError);
  assert.equal(error.status.ok, true);
  assert.ok(error.stdout instanceof Uint8Array);
  assert.equal(error.stdout.length, size);
  assert.match(error.message, /stdout is longer than a string can be: use encoding 'buffer', exit/);
});
