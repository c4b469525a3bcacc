import assert from 'node:assert/strict';
import { command, run, withOptions } from '#dist/index.js';
import { test } from '../helpers/test.js';

test('withOptions gives its options to run, runSync, command, spawn and $', async () => {
  const at = withOptions({ cwd: '/usr', env: { A: '1' }, stdout: 'pipe' });
  const script = 'pwd; echo $A $B';
  const expected = '/usr\n1 2';
  const given = { env: { B: '2' } };
  assert.equal((await at.run('sh', ['-c', script], given)).stdout, expected);
  assert.equal(at.runSync('sh', ['-c', script], given).stdout, expected);
  assert.equal((await at.command('sh', ['-c', script], given).run()).stdout, expected);
  assert.equal((await at.$`sh -c ${script}`.with(given)).stdout, expected);
  const child = await at.spawn('sh', ['-c', script], given);
  const lines: string[] = [];
  for await (const line of child.lines()) lines.push(line);
  assert.deepEqual(lines, expected.split('\n'));
  await child.closed;
});

test('an option of one call replaces the one that withOptions was given', async () => {
  const at = withOptions({ cwd: '/usr', lines: true });
  assert.deepEqual((await at.run('pwd')).stdout, ['/usr']);
  assert.deepEqual((await at.run('pwd', { cwd: '/' })).stdout, ['/']);
  assert.equal((await at.run('pwd', [], { lines: false })).stdout, '/usr');
});

test('a misspelt option of withOptions is refused by each function', async () => {
  const at = withOptions({ chrot: '/' } as object);
  const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /chrot/ };
  await assert.rejects(() => at.run('true'), refused);
  await assert.rejects(() => at.spawn('true'), refused);
  assert.throws(() => at.runSync('true'), refused);
});

test('text() and json() give the output of a command and of a pipeline', async () => {
  const echo = command('echo', ['{"a": [1, 2]}']);
  assert.equal(await echo.text(), '{"a": [1, 2]}');
  assert.equal(await echo.with({ encoding: 'buffer' }).text(), '{"a": [1, 2]}');
  assert.equal(await echo.with({ lines: true }).text(), '{"a": [1, 2]}');
  assert.deepEqual(await echo.json(), { a: [1, 2] });
  assert.deepEqual(await echo.pipe(command('cat')).json(), { a: [1, 2] });
  assert.equal(await echo.pipe(command('wc', ['-l'])).text(), '1');
});

test('json() of output that is not JSON names the command, and a failure is an ExitError', async () => {
  const expected = { name: 'SyntaxError', message: /^echo 'no json': stdout is not JSON: / };
  await assert.rejects(() => command('echo', ['no json']).json(), expected);
  await assert.rejects(() => command('false').json(), { name: 'ExitError' });
  assert.equal((await run('true')).stdout, '');
});
