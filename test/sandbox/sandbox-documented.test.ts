// The policies of docs/sandbox.md for common programs, in every strength.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type RunOptions, run } from '#dist/index.js';
import { lackOfProgram, PROGRAMS, RUNTIME, type Strength, test } from '../helpers/sandbox.js';
import { test as anyTest } from '../helpers/test.js';

const node = realpathSync(process.execPath);

/** The node that PATH has is the one that runs this test, as npm starts it. */
const noNode =
  lackOfProgram('npm') || (!node.startsWith('/usr/') && `node is ${node}, and not below /usr`);

const HOME = existsSync(join(homedir(), '.gitconfig')) ? [join(homedir(), '.gitconfig')] : [];

function options(strength: Strength, d: string, env: RunOptions['env'] = {}) {
  const sandbox = { read: [...PROGRAMS, ...RUNTIME], write: [d, '/dev/null'], strength };
  return { sandbox, cwd: d, env };
}

async function outputOf(file: string, args: readonly string[], given: RunOptions): Promise<string> {
  const { stdout } = await run(file, args, given as { encoding: 'utf8' });
  return stdout;
}

test(
  'python3 runs a script by the policy of the documentation',
  async (strength, d) => {
    writeFileSync(
      join(d, 'script.py'),
      'import json, subprocess\nopen("made", "w").write(json.dumps([1]))\nprint(subprocess.check_output(["cat", "made"]).decode())\n',
    );
    assert.equal(await outputOf('python3', ['script.py'], options(strength, d)), '[1]');
  },
  lackOfProgram('python3'),
);

test('node runs a program by the policy of the documentation', async (strength, d) => {
  // Deno takes a program for CommonJS only where its name or a package.json says so.
  const text = `import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
writeFileSync('made', 'text');
console.log(readFileSync('made', 'utf8'), execFileSync('cat', ['made']).length);`;
  writeFileSync(join(d, 'app.mjs'), text);
  assert.equal(await outputOf(node, ['app.mjs'], options(strength, d)), 'text 4');
});

test(
  'gcc compiles by the policy of the documentation',
  async (strength, d) => {
    writeFileSync(join(d, 'h.c'), '#include <stdio.h>\nint main(void) { puts("hello"); }\n');
    const given = options(strength, d, { TMPDIR: d });
    await run('gcc', ['-o', 'h', 'h.c'], given);
    assert.equal(await outputOf(join(d, 'h'), [], given), 'hello');
  },
  lackOfProgram('gcc'),
);

test(
  'npm runs the tests of a package by the policy of the documentation',
  async (strength, d) => {
    const scripts = { test: 'node --test' };
    writeFileSync(join(d, 'package.json'), JSON.stringify({ name: 'x', scripts }));
    const text = `require('node:test').test('adds', () => require('node:assert').equal(1 + 1, 2));`;
    writeFileSync(join(d, 'x.test.js'), text);
    const env = { HOME: d, npm_config_update_notifier: 'false', NODE_TEST_CONTEXT: undefined };
    const stdout = await outputOf('npm', ['test'], options(strength, d, env));
    assert.match(stdout, /pass 1\b/);
  },
  noNode,
);

test(
  'git reports the state of a repository by the policy of the documentation',
  async (strength, d) => {
    const given = options(strength, d);
    await run('git', ['init', '-q'], { cwd: d });
    writeFileSync(join(d, 'new'), '');
    const sandbox = { ...given.sandbox, read: [...given.sandbox.read, ...HOME] };
    assert.match(await outputOf('git', ['status'], { ...given, sandbox }), /Untracked files/);
  },
  lackOfProgram('git'),
);

anyTest('the documentation shows a policy for each of these programs', () => {
  const page = readFileSync('docs/sandbox.md', 'utf8');
  for (const call of ["'python3'", "'node'", "'gcc'", "'npm', ['test']", "'git', ['status']"]) {
    assert.ok(page.includes(`await run(${call}`), call);
  }
});

anyTest('every one of the 63 situations that people met has a test that names its number', () => {
  const folder = 'test/sandbox';
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const titles = text.match(/\(cases? [\d, and]+\)/g) ?? [];
  const named = new Set(titles.flatMap((title) => (title.match(/\d+/g) ?? []).map(Number)));
  const missing = Array.from({ length: 63 }, (_, index) => index + 1).filter((n) => !named.has(n));
  assert.deepEqual(missing, []);
});
