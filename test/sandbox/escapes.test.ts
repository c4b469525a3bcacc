// What a program in a sandbox tries to get out: as root, as a user who has namespaces and as one who has none,
// in every strength, and in bubblewrap beside it. docs/sandbox.md has the table.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type RunOptions, run, runSync } from '#dist/index.js';
import { callWords, resultsOf } from '../helpers/calls.js';
import { escapes, tryAll } from '../helpers/escapes.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { openPath } from '../helpers/open-copy.js';
import { noMounts, noSandbox, SYSTEM } from '../helpers/sandbox.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Results = Awaited<ReturnType<typeof tryAll>>;

/** Refuses what is neither stopped nor in the table; for root, also what is stopped and is in it. */
function check(results: Results, strength: 'kernel' | 'namespaces', isRoot = false): void {
  for (const { name, open = [] } of escapes) {
    const { isStopped = false, last } = results[name] ?? {};
    if (!open.includes(strength)) assert.ok(isStopped, `${name}: ${last}`);
    else if (isRoot) assert.ok(!isStopped, `${name} is stopped: ${last}`);
  }
}

/** What `escape-program` prints with some words, started in one world. */
async function inWorld(world: RunOptions, ...words: string[]): Promise<string> {
  const program = openPath(helper('escape-program.js'));
  const { stdout } = await run(process.execPath, [program, ...words], { ...world, cwd: '/' });
  return String(stdout).trim();
}

/** A user without rights. */
const USER = { credential: { ...NOBODY, groups: [] } };

/** A user namespace of its own, in which more of them can be forbidden: the limit is that of each. */
const OWN = {
  namespaces: {
    user: true,
    uidMap: [0, 65534].map((id) => ({ inside: id, outside: id, count: 1 })),
    gidMap: [0, 65534].map((id) => ({ inside: id, outside: id, count: 1 })),
    setgroups: 'allow' as const,
  },
};

const noWorlds = noSandbox || asRoot.skip;

async function lackOfWorld(world: RunOptions, ...words: string[]): Promise<string | false> {
  if (noWorlds) return noWorlds;
  return (await inWorld(world, ...words).catch((error: Error) => error.message)) || false;
}

const noUserNamespaces = await lackOfWorld(USER, 'probe');

const withoutNamespaces = await lackOfWorld(OWN, 'without', 'probe');
const isWithout = withoutNamespaces !== false && /ENOSPC/.test(withoutNamespaces);

for (const strength of ['kernel', 'namespaces'] as const) {
  for (const [who, identity] of [
    ['root', {}],
    ['another user', { credential: NOBODY }],
  ] as const) {
    test(
      `${escapes.length} ways out of a sandbox are stopped or listed as open, for ${who}, strength ${strength}`,
      async () => {
        const results = await tryAll((calls, program, inside) => {
          const sandbox = { read: SYSTEM, write: [inside], strength };
          return resultsOf(calls, { sandbox, ...identity, cwd: '/usr' }, program);
        });
        check(results, strength, who === 'root');
      },
      {
        skip: noSandbox || asRoot.skip || (strength === 'namespaces' && noMounts),
        timeout: 120_000,
      },
    );
  }
}

for (const strength of ['kernel', 'namespaces'] as const) {
  test(
    `a user who has namespaces gets out of no sandbox that says so, strength ${strength}`,
    async () => check(JSON.parse(await inWorld(USER, strength)), strength),
    { skip: noWorlds || (strength === 'namespaces' && noUserNamespaces), timeout: 120_000 },
  );
}

for (const strength of ['kernel', 'best'] as const) {
  test(
    `a user who has no namespaces gets out of no sandbox that says so, strength ${strength}`,
    async () => check(JSON.parse(await inWorld(OWN, 'without', strength)), 'kernel'),
    { skip: !isWithout && (withoutNamespaces || 'the limit has no effect'), timeout: 120_000 },
  );
}

test(
  'a user who has no namespaces is refused a sandbox that takes them',
  async () => {
    const refusal = await inWorld(OWN, 'without', 'namespaces');
    assert.match(refusal, /'namespaces' on this system: clone is refused with ENOSPC/);
  },
  { skip: !isWithout && (withoutNamespaces || 'the limit has no effect') },
);

const PAGE = readFileSync('docs/sandbox.md', 'utf8');

/** What the table says of an escape in each column. */
function rowOf(name: string): string[] | undefined {
  const row = PAGE.split('\n').find((line) => line.startsWith(`| ${name} |`));
  return row
    ?.split('|')
    .slice(2, -1)
    .map((cell) => cell.trim());
}

const BWRAP = ['--unshare-all', '--new-session', '--die-with-parent', '--chdir', '/usr'];

/** EINVAL, ENOTTY and ENOSYS say nothing of a restriction. */
const WRONG = ['errno 22', 'errno 25', 'errno 38'];

function lackOfBwrap(): string | false {
  if (noWorlds) return noWorlds;
  const words = ['--ro-bind', '/', '/', ...BWRAP, '/bin/true'];
  try {
    runSync('bwrap', words);
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}

test(
  'bubblewrap stops what the table says that it stops',
  async () => {
    const results = await tryAll(async (calls, program, inside) => {
      const binds = SYSTEM.flatMap((path) => ['--ro-bind', path, path]);
      const words = [...binds, '--bind', inside, inside, ...BWRAP, program, ...callWords(calls)];
      const { stdout } = await run('bwrap', words);
      return (JSON.parse(stdout) as number[]).map((each) => (each < 0 ? `errno ${-each}` : each));
    });
    for (const { name } of escapes) {
      if (rowOf(name)?.[2] !== 'stopped') continue;
      const { isStopped = false, last } = results[name] ?? {};
      assert.ok(isStopped && !WRONG.includes(String(last)), `${name}: ${last}`);
    }
    const stopped = escapes.filter(({ name }) => rowOf(name)?.[2] === 'stopped');
    assert.ok(stopped.length > 20, `${stopped.length} rows`);
  },
  { skip: lackOfBwrap(), timeout: 120_000 },
);

test('the table of the documentation has every way out', () => {
  const missing = escapes.filter(({ name, open = [] }) => {
    const row = rowOf(name);
    const say = (strength: 'kernel' | 'namespaces'): string =>
      open.includes(strength) ? 'open' : 'stopped';
    // Which ABI the kernel has decides on one of them.
    if (name === 'connect to a socket with a path outside') return row === undefined;
    return row?.[0] !== say('kernel') || row[1] !== say('namespaces');
  });
  assert.deepEqual(
    missing.map(({ name }) => name),
    [],
  );
});
