// Test runners and loaders of TypeScript, each with a test or program that launches.
import {
  expectSaid,
  node,
  oldestNode,
  PROGRAM,
  project,
  REQUIRING,
  run,
  tool,
} from './project.mjs';

/** A test of two cases, as jest, vitest and mocha take it; `head` brings what it uses. */
function testOf(head, check = 'if (!(TOLD)) throw new Error("not told");') {
  return `${head}
describe('forkexec', () => {
  it('runs a command', async () => {
    const { stdout } = await run('echo', ['hello']);
    ${check.replace('TOLD', "stdout === 'hello'")}
  });
  it('fails with an error of its class', async () => {
    const error = await run('/no/such').catch((error) => error);
    ${check.replace('TOLD', 'error instanceof LaunchError')}
  });
});
`;
}

const IMPORT = `import { LaunchError, run } from '@forkexec/core';`;
const REQUIRE = `const { LaunchError, run } = require('@forkexec/core');`;

/** Two files, since one environment may follow the other in the same process. */
function twice(name, text) {
  return { [name]: text, [`again-${name}`]: text };
}

function jest(files, ...words) {
  const config = `module.exports = { testMatch: ['**/*.test.?js'] };`;
  const place = project('jest', { 'jest.config.cjs': config, ...files });
  const all = [...words, tool('jest/bin/jest.js'), '-i', '--ci'];
  run(node, all, { cwd: place });
}

function vitest(pool, ...words) {
  const config = `export default { test: { globals: true, pool: '${pool}' } };`;
  const files = { 'vitest.config.js': config, ...twice('launch.test.js', testOf(IMPORT)) };
  run(node, [tool('vitest/vitest.mjs'), 'run', ...words], { cwd: project('vitest', files) });
}

/** A run has a time limit and a grace, which must not wait for a clock that stands. */
const MOCKED = `
import assert from 'node:assert';
import { mock, test } from 'node:test';
import { run } from '@forkexec/core';
test('a time limit holds while the timers are mocked', async () => {
  mock.timers.enable();
  const { status } = await run('sleep', ['60'], { timeout: 100, reject: false });
  assert.equal(status.reason, 'timeout');
  mock.timers.reset();
});
`;

function nodeTest(binary) {
  run(binary, ['--test'], { cwd: project('node-test', { 'launch.test.mjs': MOCKED }) });
}

function mocha() {
  const files = { 'test/launch.test.mjs': testOf(IMPORT), 'test/launch.test.cjs': testOf(REQUIRE) };
  run(node, [tool('mocha/bin/mocha.js'), 'test/*'], { cwd: project('mocha', files) });
}

const TYPED = `import { run, type Result } from '@forkexec/core';
import { getpid } from '@forkexec/core/syscall';
const print = ({ stdout }: Result): void => console.log(stdout, getpid() === process.pid);
run('echo', ['hello']).then(print);
`;

function tsx() {
  const place = project('tsx', { 'main.ts': TYPED, 'other.cts': TYPED });
  for (const file of ['main.ts', 'other.cts']) {
    expectSaid(run(node, [tool('tsx/dist/cli.mjs'), file], { cwd: place }));
  }
}

function tsNode() {
  const config = { compilerOptions: { module: 'nodenext', strict: true, types: [] } };
  const place = project('ts-node', { 'main.cts': TYPED, 'tsconfig.json': JSON.stringify(config) });
  // What ts-node 10 compiles with, which knows no newer TypeScript.
  const words = [tool('ts-node/dist/bin.js'), '-T', '-C', tool('typescript-5.9'), 'main.cts'];
  expectSaid(run(node, words, { cwd: place }));
}

/** Node itself, from the oldest that `require` and `import` have to work with. */
function program(binary) {
  const place = project('program', { 'main.mjs': PROGRAM, 'main.cjs': REQUIRING });
  for (const file of ['main.mjs', 'main.cjs']) expectSaid(run(binary, [file], { cwd: place }));
}

function permission() {
  const place = project('permission', { 'main.mjs': PROGRAM });
  const words = ['--permission', '--allow-addons', '--allow-child-process', '--allow-fs-read=*'];
  expectSaid(run(node, [...words, 'main.mjs'], { cwd: place }));
  const refused = `import { run } from '@forkexec/core';
    run('true').catch(({ message, code }) => console.log(/native addon/.test(message) && code));`;
  const without = project('permission', { 'main.mjs': refused });
  const launching = ['--permission', '--allow-child-process', '--allow-fs-read=*'];
  const printed = run(node, [...launching, 'main.mjs'], { cwd: without });
  if (printed.trim() !== 'ERR_DLOPEN_DISABLED') throw new Error(`it printed ${printed}`);
}

export const runners = [
  ['Node 20.0, import and require', 'node-20', 'nothing', () => program(oldestNode)],
  ['Node 26, import and require', 'node-26', 'nothing', () => program(node)],
  ['Node with --permission', 'node-26', '`--allow-addons`', permission],
  ['jest, CommonJS', 'jest', 'nothing', () => jest(twice('launch.test.cjs', testOf(REQUIRE)))],
  [
    'jest, ES modules',
    'jest',
    '`node --experimental-vm-modules`',
    () => jest(twice('launch.test.mjs', testOf(IMPORT)), '--experimental-vm-modules'),
  ],
  ['vitest, forks', 'vitest', 'nothing', () => vitest('forks')],
  ['vitest, threads', 'vitest', 'nothing', () => vitest('threads')],
  ['vitest, vmForks', 'vitest', 'nothing', () => vitest('vmForks')],
  ['vitest, vmThreads', 'vitest', 'nothing', () => vitest('vmThreads')],
  ['node:test, mocked timers', 'node-26', 'nothing', () => nodeTest(node)],
  ['mocha', 'mocha', 'nothing', mocha],
  ['tsx', 'tsx', 'nothing', tsx],
  ['ts-node', 'ts-node', '`module: nodenext`', tsNode],
].map(([name, of, add, check]) => ({ name, of, add, check }));
