// /proc of another pid namespace: its numbers are those of strangers for system calls.

import assert from 'node:assert/strict';
import { withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { bin } from '../helpers/cli.js';
import { noPidfdOpen } from '../helpers/facilities.js';
import { among, INNER, noForeignProc } from '../helpers/foreign-proc.js';
import { helper } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

const skip = noForeignProc || noPidfdOpen;

const test: typeof anyTest = (name, body, options = {}) => {
  anyTest(name, body, { ...options, skip: skip || options.skip || false });
};

/** Prints what an expression gives, as JSON. */
const print = (expression: string): string => `console.log(JSON.stringify(${expression}));`;

/** Starts a shell that has a child, and waits until both are `sleep`. */
const startTwo = (options: string): string => `
  const child = await forkexec.spawn('sh', ['-c', 'sleep 1234 & echo; exec sleep 1234'], {
    stdin: 'null', stdout: 'pipe', ${options} });
  for await (const line of child.lines()) break;
  const status = async () => String(await child.exited);`;

for (const [scope, options] of [
  ['tree', ''],
  ['session', 'session: true,'],
  ['group', 'processGroup: 0,'],
] as const) {
  test(`the scope '${scope}' reaches its members alone where /proc belongs to another pid namespace`, () => {
    const program = `${startTwo(`${options} stop: { scope: '${scope}', grace: 400 }`)}
      const signalled = child.kill('SIGTERM', { scope: '${scope}' });
      const first = await status();
      ${print(`[signalled, first, String(await child.stop()), child.kill('SIGTERM', { scope: '${scope}' })]`)}`;
    const ended = 'signal: terminated';
    const { value, left } = among(INNER, program);
    assert.deepEqual(value, [true, ended, ended, false]);
    assert.equal(left, 0);
  });
}

test('lifetime ends descendants and no strangers at the exit of this process', () => {
  const program = `${startTwo("lifetime: 'parent'")}
    ${print('child.lifetime')}
    process.exit();`;
  const { value, left } = among(INNER, program);
  assert.deepEqual(value, ['parentDeathSignal', 'tree']);
  assert.equal(left, 0);
});

test('processes left by a child end with this process, and strangers do not', () => {
  const program = `
    const words = ['-c', 'sleep 1234 >&2 & echo $!'];
    const { stdout } = await forkexec.run('sh', words, { lifetime: 'parent', stderr: 'inherit' });
    ${print('Number(stdout) > 1')}`;
  const { value, left } = among(INNER, program);
  assert.equal(value, true);
  assert.equal(left, 0);
});

test('processes of another pid namespace that have the numbers of ours are not signalled', () => {
  // As deep as ours and beside it: each of its processes leads a session whose number one of ours may have.
  const twin = `unshare --pid --fork sh -c 'i=0; while [ $i -lt 30 ]; do setsid sleep 4321 & i=$((i + 1)); done; wait' &
    i=0; while [ $i -lt 30 ]; do sleep 0.02; i=$((i + 1)); done`;
  const program = `${startTwo("session: true, stop: { scope: 'session', grace: 400 }")}
    ${print("[child.kill('SIGTERM', { scope: 'session' }), await status()]")}`;
  const { value, strangers } = among(`${twin}\n${INNER}`, program);
  assert.deepEqual(value, [true, 'signal: terminated']);
  assert.equal(strangers, 90);
});

test('held names the holders of a pipe by their numbers in this pid namespace', () => {
  const program = `
    const words = ['-c', 'sleep 1234 & echo $!'];
    const { stdout, status } = await forkexec.run('sh', words, { waitDelay: 50 });
    const held = status.held.map(({ pids }) => pids.map(String));
    process.kill(Number(stdout), 'SIGKILL');
    ${print('[held, [[stdout], [stdout]]]')}`;
  const { value } = among<[unknown, unknown]>(INNER, program);
  assert.deepEqual(value[0], value[1]);
});

test(
  "the scope 'cgroup' reaches its members alone where /proc belongs to another pid namespace",
  () =>
    withCgroup(async (cgroup) => {
      const options = `cgroup: ${JSON.stringify(cgroup)}, stop: { scope: 'cgroup', grace: 400 }`;
      const program = `${startTwo(options)}
        const signalled = child.kill('SIGTERM', { scope: 'cgroup' });
        ${print('[signalled, await status(), String(await child.stop())]')}`;
      const { value, left } = among(INNER, program);
      assert.deepEqual(value, [true, 'signal: terminated', 'signal: terminated']);
      assert.equal(left, 0);
    }),
  withoutCgroups,
);

test('maps of users are written for the child where /proc belongs to another pid namespace', () => {
  const program = `
    const map = [{ inside: 0, outside: 7, count: 1 }];
    const { stdout } = await forkexec.run('cat', ['/proc/self/uid_map', '/proc/self/gid_map'], {
      namespaces: { user: true, uidMap: map, gidMap: map } });
    ${print("stdout.split('\\n').map((line) => line.trim().split(/ +/).join(' '))")}`;
  const { value } = among(INNER, program);
  assert.deepEqual(value, ['0 7 1', '0 7 1']);
});

test('a start time and the memory of a tracee are those of the process itself', () => {
  const program = `
    const { identify } = await load('process/identity.js');
    const { startProcess, trace } = await load('process/index.js');
    // The shell's own number is not the one that it has in /proc.
    const child = await forkexec.spawn('sh', ['-c', 'read line </proc/self/stat; echo "$line"; exec cat'], {
      stdin: 'pipe', stdout: 'pipe' });
    let started;
    for await (const line of child.lines()) { started = line.split(' ')[21]; break; }
    const id = identify(child.pid, 0) === child.pid + ':' + started;
    child.stdin.end();
    await child.exited;
    const traced = await trace(await startProcess('/bin/true', ['true'], { ptrace: true }));
    const { rip, pc } = await traced.registers();
    const code = traced.readMemory(rip ?? pc, 8).length;
    traced.process.signal('SIGKILL');
    await traced.process.wait();
    ${print('[id, code]')}`;
  const { value } = among(INNER, program);
  assert.deepEqual(value, [true, 8]);
});

test('realtime signals are blocked in all threads but the first where /proc is of another namespace', () => {
  const program = `
    const { notify } = await load('signal/index.js');
    const { readdirSync, readFileSync } = await import('node:fs');
    notify('SIGRTMIN+3');
    const blocks = readdirSync('/proc/self/task').sort((a, b) => a - b).map((task) => {
      const set = /^SigBlk:\\s*(\\w+)$/m.exec(readFileSync('/proc/self/task/' + task + '/status', 'utf8'))[1];
      return (BigInt('0x' + set) >> 36n) & 1n;
    });
    ${print('[Number(blocks.shift()), blocks.every((bit) => bit === 1n), blocks.length > 1]')}
    process.exit();`;
  const { value } = among(INNER, program);
  assert.deepEqual(value, [0, true, true]);
});

test('doctor says when the numbers of /proc are those of another pid namespace', () => {
  const { value } = among<{ option: string; state: string; detail: string }[]>(
    INNER.replaceAll('"$@"', `"$1" ${bin} doctor --json`),
    '',
  );
  const finding = value.find(({ option }) => option === '/proc');
  assert.equal(finding?.state, 'degraded');
  assert.match(finding?.detail ?? '', /another pid namespace/);
});

test('the process itself is signalled and an error thrown where nothing proves who its children are', () => {
  const program = `${startTwo("session: true, stop: { scope: 'tree' }")}
    let code;
    try { child.kill('SIGTERM', { scope: 'tree' }); } catch (error) { ({ code } = error); }
    ${print('[code, await status(), child.lifetime]')}`;
  const denied = INNER.replace('"$@"', `${helper('deny')} pidfd_open -- "$@"`);
  const { value } = among(denied, program);
  assert.deepEqual(value, ['ENOSYS', 'signal: terminated', []]);
});
