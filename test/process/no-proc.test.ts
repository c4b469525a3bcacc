// No /proc, one that can't be read, and control groups that can't: that is not "nobody is left".

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '#dist/index.js';
import { needsLinux, needsOption } from '../helpers/backend.js';
import { freeze, withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { among, NO_PROC, noForeignProc } from '../helpers/foreign-proc.js';
import { untilEnded } from '../helpers/other.js';
import { helper } from '../helpers/state.js';
import { processState, until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const needed = { skip: noForeignProc };

/** Starts a shell that has a child. */
const startTwo = (options: string): string => `
  const child = await forkexec.spawn('sh', ['-c', 'sleep 1234 & echo; exec sleep 1234'], {
    stdin: 'null', stdout: 'pipe', ${options} });
  for await (const line of child.lines()) break;
  const codeOf = async (use) => { try { return await use(); } catch (error) { return error.code; } };`;

/** Prints what an expression gives, as JSON. */
const print = (expression: string): string => `console.log(JSON.stringify(${expression}));`;

/** Ways not to have /proc, and the error that says so. */
const WAYS: readonly [name: string, start: string, code: string][] = [
  ['there is no /proc', NO_PROC, 'ENOENT'],
  // Who has no capability to pass by permissions may enter this /proc, but not list it.
  [
    '/proc can not be listed',
    'chmod 311 /proc; setpriv --bounding-set -dac_override,-dac_read_search "$@"',
    'EACCES',
  ],
  ['Landlock denies /proc', `${helper('landlock')} /proc -- "$@"`, 'EACCES'],
];

for (const [name, start, code] of WAYS) {
  for (const [scope, options] of [
    ['tree', ''],
    ['session', 'session: true,'],
  ] as const) {
    test(
      `the process itself is signalled by the scope '${scope}', and the error thrown, where ${name}`,
      () => {
        const program = `${startTwo(`${options} stop: { scope: '${scope}', grace: 400 }`)}
          const killed = await codeOf(() => child.kill('SIGTERM', { scope: '${scope}' }));
          ${print('[killed, String(await child.exited)]')}`;
        const { value, left } = among(start, program);
        assert.deepEqual(value, [code, 'signal: terminated']);
        assert.equal(left, 1); // which only /proc could have told of
      },
      needed,
    );
  }

  test(
    `the scope 'group' reaches all of its members where ${name}`,
    () => {
      const program = `${startTwo("processGroup: 0, stop: { scope: 'group', grace: 400 }")}
        const killed = await codeOf(() => child.kill('SIGTERM', { scope: 'group' }));
        const status = String(await child.exited);
        ${print("[killed, status, String(await child.stop()), child.kill('SIGTERM', { scope: 'group' })]")}`;
      const { value, left } = among(start, program);
      assert.deepEqual(value, [true, 'signal: terminated', 'signal: terminated', false]);
      assert.equal(left, 0);
    },
    needed,
  );

  test(
    `lifetime claims no descendants, and listeners of 'exit' run, where ${name}`,
    () => {
      needsLinux('lifetime');
      const program = `${startTwo("lifetime: 'parent'")}
        process.on('exit', () => { ${print('child.lifetime')} });
        process.exit();`;
      const { value } = among(start, program);
      assert.deepEqual(value, ['parentDeathSignal']);
    },
    needed,
  );
}

test(
  "listeners of 'exit' run where /proc has gone since the launch",
  () => {
    needsLinux('lifetime');
    const program = `${startTwo("lifetime: 'parent'")}
      forkexec.runSync('mount', ['-t', 'tmpfs', 'none', '/proc']);
      process.on('exit', () => {
        forkexec.runSync('umount', ['/proc']);
        ${print('child.lifetime')}
      });
      process.exit();`;
    assert.deepEqual(among('"$@"', program).value, ['parentDeathSignal', 'tree']);
  },
  needed,
);

test(
  "the scope 'cgroup' reaches its members where there is no /proc",
  () =>
    withCgroup(async (cgroup) => {
      needsOption('cgroup');
      const options = `cgroup: ${JSON.stringify(cgroup)}, stop: { scope: 'cgroup', grace: 400 }`;
      const program = `${startTwo(options)}
        const signalled = child.kill('SIGTERM', { scope: 'cgroup' });
        ${print('[signalled, String(await child.exited), String(await child.stop())]')}`;
      const { value, left } = among(NO_PROC, program);
      assert.deepEqual(value, [true, 'signal: terminated', 'signal: terminated']);
      assert.equal(left, 0);
    }),
  { skip: needed.skip || withoutCgroups.skip },
);

test(
  'a frozen control group is refused where there is no /proc',
  () =>
    withCgroup(async (cgroup) => {
      needsOption('cgroup');
      await freeze(cgroup, true);
      const program = `
        let code;
        const cgroup = ${JSON.stringify(cgroup)};
        try { await forkexec.spawn('true', { cgroup }); } catch (error) { ({ code } = error); }
        ${print('code')}`;
      assert.equal(among(NO_PROC, program).value, 'EBUSY');
    }),
  { skip: needed.skip || withoutCgroups.skip },
);

test(
  "the scope 'cgroup' reaches the processes of a threaded group",
  () =>
    withCgroup(async (folder) => {
      const cgroup = join(folder, 'threaded');
      mkdirSync(cgroup);
      writeFileSync(join(cgroup, 'cgroup.type'), 'threaded');
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const stop = { scope: 'cgroup', steps: [[signal]] } as const;
        const words = ['-c', 'sleep 60 >&2 & echo $!; exec sleep 60'];
        const options = { stdout: 'pipe', stderr: 'null', cgroup, stop } as const;
        await using child = await spawn('sh', words, options);
        const pid = await new Promise<number>((resolve) => {
          child.stdout.once('data', (bytes) => resolve(Number(bytes)));
        });
        assert.equal((await child.stop()).signal, signal);
        await untilEnded(pid);
        assert.equal(child.kill(signal, { scope: 'cgroup' }), false);
      }
    }),
  withoutCgroups,
);

test('a descendant whose first thread has ended before the others is reached', async () => {
  needsLinux("The scope 'tree' without pidfds");
  const words = ['-c', '"$0" >&2 & echo $!', helper('zombie-leader')];
  const options = { stdout: 'pipe', stderr: 'null', stop: { scope: 'tree' } } as const;
  await using child = await spawn('sh', words, options);
  let line = '';
  for await (line of child.lines());
  await child.exited;
  const pid = Number(line);
  await until('its first thread has ended', () => processState(pid) === 'Z');
  assert.equal(child.kill('SIGKILL', { scope: 'tree' }), true);
  await until('the others have ended', () => processState(pid) === '');
  assert.equal(child.kill('SIGKILL', { scope: 'tree' }), false);
});
