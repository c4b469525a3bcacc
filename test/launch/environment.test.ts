// The environment of this process as a child gets it: what JavaScript shows of it is not all.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { run, runSync } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const index = new URL('../../../dist/index.js', import.meta.url).href;

/** Calls `use` while `process.env` is another object. */
async function withEnv(env: object, use: () => Promise<void>): Promise<void> {
  const before = process.env;
  process.env = env as NodeJS.ProcessEnv;
  try {
    await use();
  } finally {
    process.env = before;
  }
}

const PATH = process.env['PATH'] as string;

test('an object that was assigned to process.env is the environment of children', async () => {
  const assigned = { PATH, MINE: 'yes', GONE: undefined, NUMBER: 1 };
  await withEnv(assigned, async () => {
    for (const options of [{}, { env: { MORE: '1' } }, { env: { MINE: undefined } }]) {
      const expected = ['NUMBER=1', `PATH=${PATH}`];
      if (!('env' in options) || 'MORE' in options.env) expected.unshift('MINE=yes');
      if ('env' in options && 'MORE' in options.env) expected.push('MORE=1');
      const { env } = await stateOf(options);
      assert.deepEqual([...env].sort(), expected.sort());
    }
    const words = ['-c', 'echo $MINE'];
    assert.equal((await run('sh', words)).stdout, 'yes');
    assert.equal(runSync('sh', words).stdout, 'yes');
    assert.equal((await run('sh', words, { clearEnv: true })).stdout, '');
  });
  assert.ok(!(await stateOf()).env.includes('MINE=yes'), 'it was put back');
});

test('process.env may be replaced with an object that inherits from it, is frozen or is empty', async () => {
  for (const [env, expected] of [
    [Object.assign(Object.create(Object.getPrototypeOf(process.env)), { A: '1' }), ['A=1']],
    [Object.freeze({ B: '2' }), ['B=2']],
    [{}, []],
  ] as const) {
    await withEnv(env, async () => assert.deepEqual((await stateOf()).env, expected));
  }
});

test('PATH of an assigned object says where a program is looked for', async () => {
  await withEnv({ PATH: '/no/such' }, async () => {
    await assert.rejects(run('sh', ['-c', ':']), { code: 'ENOENT', searched: ['/no/such/sh'] });
  });
});

test('a variable of an assigned object that no environment can have is refused', async () => {
  for (const [env, path] of [
    [{ 'A=B': '1' }, /^process\.env cannot hold a name/],
    [{ A: '1\0B=2' }, /^process\.env\.A must be a string without null bytes/],
  ] as const) {
    await withEnv(env, async () => {
      await assert.rejects(startProcess('/bin/true', ['true']), { message: path });
    });
  }
});

test('variables that are not UTF-8 reach a child byte for byte unless they are named', () =>
  withFolder((folder) => {
    const script = join(folder, 'script.mjs');
    const cases: [options: object, isKept: boolean][] = [
      [{}, true],
      [{ env: { MORE: '1' } }, true],
      [{ cwd: '/' }, true],
      [{ env: { BAD: 'good' } }, false],
      [{ env: { BAD: undefined } }, false],
    ];
    const runEach = `
      import { runSync } from '${index}';
      const found = [];
      const look = () => {
        for (const [options] of ${inspect(cases, { depth: 5 })}) {
          const { stdout } = runSync('cat', ['/proc/self/environ'], { ...options, encoding: 'buffer' });
          found.push(Buffer.from(stdout).toString('latin1').split('\\0'));
        }
      };
      look();
      // A copy of Deno's leaves out what is not UTF-8.
      process.env = { ...process.env };
      if (process.versions.deno === undefined) look();
      console.log(JSON.stringify(found));
    `;
    writeFileSync(script, runEach);
    const words = ['-c', 'export BAD=$(printf "B\\245R"); exec "$@"', 'sh', process.execPath];
    const { stdout } = runSync('sh', [...words, script], { stderr: 'inherit' });
    const found = JSON.parse(stdout) as string[][];
    const looks = process.versions['deno'] === undefined ? 2 : 1;
    assert.equal(found.length, looks * cases.length);
    for (const [index, variables] of found.entries()) {
      const [options, isKept] = cases[index % cases.length] as (typeof cases)[number];
      assert.equal(variables.includes('BAD=B\xa5R'), isKept, inspect(options));
    }
  }));
