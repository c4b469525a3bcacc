import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, run, type SpawnOptions, spawn } from '#dist/index.js';
import { needsLinux, needsOption } from '../helpers/backend.js';
import { withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { noGroupByPidfd } from '../helpers/facilities.js';
import { untilEnded } from '../helpers/other.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** What a descriptor of this process is; empty once it is closed. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(join('/proc/self/fd', fd));
  } catch {
    return '';
  }
}

/** A shell that ended and left a process behind, and that process' number. */
async function orphan(options: SpawnOptions, prefix = ''): Promise<[child: Child, pid: number]> {
  const script = `${prefix} sleep 1000 >&2 & echo $!`;
  const child = await spawn('sh', ['-c', script], { ...options, stdout: 'pipe', stderr: 'null' });
  let line = '';
  for await (line of child.lines());
  await child.exited;
  return [child, Number(line)];
}

const SCOPES: readonly [
  scope: 'group' | 'session' | 'tree',
  options: SpawnOptions,
  prefix: string,
][] = [
  ['group', { processGroup: 0 }, ''],
  ['session', { session: true }, ''],
  ['tree', {}, ''],
  ['tree', {}, 'setsid'],
];

for (const [scope, options, prefix] of SCOPES) {
  const name = `who is left of a ${scope}${prefix && ' and has left its session'} is reached after the end of the process itself`;
  const body = async (): Promise<void> => {
    if (scope !== 'group') needsLinux(`The scope '${scope}' without pidfds`);
    const [killed, first] = await orphan({ ...options, stop: { scope } }, prefix);
    assert.equal(killed.kill('SIGKILL', { scope }), true);
    await untilEnded(first);
    const [stopped, second] = await orphan({ ...options, stop: { scope } }, prefix);
    assert.equal((await stopped.stop()).code, 0);
    await untilEnded(second);
    const [, third] = await orphan({ ...options, stop: { scope } }, prefix).then(async (both) => {
      await both[0][Symbol.asyncDispose]();
      return both;
    });
    await untilEnded(third);
    assert.equal(killed.kill('SIGKILL', { scope }), false, 'nobody is left');
    await killed.stop(); // gives up what it held on to
  };
  // By number it is reached as long as the leader is not reaped.
  test(name, body, { skip: scope === 'group' && noGroupByPidfd });
}

test('a process that is executing execve is reached by a scope', async () => {
  needsLinux("The scope 'tree' without pidfds");
  await withFolder(async (folder) => {
    const file = join(folder, 'again');
    writeFileSync(file, 'exec sh "$0"');
    const options = { stdout: 'pipe', stop: { scope: 'tree' } } as const;
    const child = await spawn('sh', ['-c', 'sh "$0" >&2 & echo $!', file], options);
    let line = '';
    for await (line of child.lines());
    await child.exited;
    // Meanwhile it has no environment, by which it is found.
    for (let round = 0; round < 100; round++) {
      assert.equal(child.kill('SIGCONT', { scope: 'tree' }), true, `in round ${round}`);
    }
    assert.equal(child.kill('SIGKILL', { scope: 'tree' }), true);
    await untilEnded(Number(line));
  });
});

test('a group that stop does not name is not reached after the end of the child', async () => {
  const [child, pid] = await orphan({ processGroup: 0 });
  assert.equal(child.kill('SIGKILL', { scope: 'group' }), false);
  process.kill(pid, 'SIGKILL');
  await untilEnded(pid);
});

test('run keeps the process group reachable until its end', async () => {
  const { status } = await run('true', { processGroup: 0, stop: { scope: 'group' } });
  assert.equal(status.ok, true); // the helper sees whether a descriptor is left
});

test('a child that is held keeps no descriptor once nobody of its group is left', async () => {
  const pidfds = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).includes('pidfd')).length;
  const before = pidfds();
  const leads = { processGroup: 0, stop: { scope: 'group' } } as const;
  const leader = await spawn('true', leads);
  await leader.exited;
  const member = await spawn('sleep', ['1000'], { stop: leads.stop });
  await assert.rejects(member.stop(), { name: 'TypeError', message: /group/ });
  await member.exited;
  // The native side closes the pidfd of a child in a later turn.
  while (pidfds() > before) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([leader.kill(), member.kill()], [false, false]); // both are in hand until here
});

test('a tree inside a tree belongs to both, unless it is detached', async () => {
  needsLinux("The scope 'tree' without pidfds");
  const inner = (options: string): string => `
    import { spawn } from '${new URL('../../../dist/index.js', import.meta.url).href}';
    const child = await spawn('sleep', ['1000'], { stdin: 'null', stdout: 'null', ${options} });
    console.log(child.pid);
    process.exit();
  `;
  for (const [options, reached] of [
    ["session: true, stop: { scope: 'tree' }", true],
    ['detached: true', false],
  ] as const) {
    const words = ['--input-type=module', '-e', inner(options)];
    const outer = await spawn(process.execPath, words, { stdout: 'pipe', stop: { scope: 'tree' } });
    let line = '';
    for await (line of outer.lines());
    await outer.exited;
    assert.equal(outer.kill('SIGKILL', { scope: 'tree' }), reached, options);
    if (!reached) process.kill(Number(line), 'SIGKILL');
    await untilEnded(Number(line));
  }
});

test('descendants of an ended child with lifetime end with this process', async () => {
  needsOption('parentDeathSignal');
  const program = `
    import { run } from '${new URL('../../../dist/index.js', import.meta.url).href}';
    const { stdout } = await run('sh', ['-c', 'setsid sleep 1000 >&2 & echo $!'], {
      lifetime: 'parent',
      stderr: 'null',
    });
    console.log(stdout);
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program]);
  await untilEnded(Number(stdout));
});

test(
  'members of a control group are reached after the child has ended',
  () =>
    withCgroup(async (cgroup) => {
      const [child, pid] = await orphan({ cgroup });
      assert.equal(child.kill('SIGKILL', { scope: 'cgroup' }), true);
      await untilEnded(pid);
      assert.equal(child.kill('SIGKILL', { scope: 'cgroup' }), false);
    }),
  withoutCgroups,
);
