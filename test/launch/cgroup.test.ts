import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runSync, spawn } from '#dist/index.js';
import { native } from '#dist/native.js';
import { type LaunchError, type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { needsOption } from '../helpers/backend.js';
import { freeze, membersOf, nameOf, withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { noNamespaces } from '../helpers/facilities.js';
import { optionsOf } from '../helpers/flags.js';
import {
  type Attempt,
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  NOBODY,
  withOpenFolder,
} from '../helpers/identity.js';
import { patience } from '../helpers/patience.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const needed = { skip: asRoot.skip || withoutCgroups.skip };

function groupOf(state: State | undefined): string | undefined {
  return /^0::(.*)$/m.exec(state?.cgroup ?? '')?.[1];
}

test(
  'cgroup takes a path or a descriptor', // Go's TestUseCgroupFD
  () =>
    withCgroup(async (folder) => {
      assert.equal(groupOf(await stateOf({ cgroup: folder })), nameOf(folder));
      const fd = openSync(folder, 'r');
      try {
        assert.equal(groupOf(await stateOf({ cgroup: fd })), nameOf(folder));
        // Also where the child uses that number for something else.
        const files = [null, null, null, 'null'] as const;
        assert.equal(groupOf(await stateOf({ cgroup: fd, files })), nameOf(folder));
      } finally {
        closeSync(fd);
      }
      assert.notEqual(groupOf(await stateOf()), nameOf(folder));
      assert.deepEqual(membersOf(folder), []);
    }),
  needed,
);

test(
  'a child is born in its control group, or moves itself there without clone3',
  () =>
    withCgroup((cgroup) =>
      withOpenFolder(async (folder) => {
        needsOption('cgroup');
        const log = join(folder, 'log');
        const words = [helper('launch-each.js'), folder, JSON.stringify([{ cgroup }])];
        const launch = (...inject: string[]): [calls: string, state: State | undefined] => {
          const trace = ['-f', '-o', log, '-e', 'trace=clone3,clone,openat', ...inject];
          spawnSync('strace', [...trace, process.execPath, ...words], { stdio: 'ignore' });
          const text = readFileSync(join(folder, 'attempts.json'), 'utf8');
          return [readFileSync(log, 'utf8'), (JSON.parse(text) as Attempt[])[0]?.state];
        };
        const [born, state] = launch();
        assert.equal(groupOf(state), nameOf(cgroup));
        const bornInside = born.includes('CLONE_INTO_CGROUP');
        if (native.hasClone3()) assert.ok(bornInside && !born.includes('"cgroup.procs"'));
        const [moved, moving] = launch('-e', 'inject=clone3:error=ENOSYS');
        assert.equal(groupOf(moving), nameOf(cgroup));
        assert.match(moved, /"cgroup\.procs", O_WRONLY/);
      }),
    ),
  { skip: needed.skip || (existsSync('/usr/bin/strace') ? false : 'strace is not installed') },
);

test(
  'cgroup works together with a session, namespaces and id maps',
  (context) =>
    withCgroup(async (folder) => {
      const session = { session: true, parentDeathSignal: 'SIGKILL' } as const;
      assert.equal(groupOf(await stateOf({ ...session, cgroup: folder })), nameOf(folder));
      if (noNamespaces !== false) return context.skip(noNamespaces);
      const map = [{ inside: 0, outside: 0, count: 1 }];
      const list: ProcessAttributes[] = [
        { namespaces: { pid: true, net: true } },
        { namespaces: { user: true, uidMap: map, gidMap: map } },
      ];
      for (const attributes of list) {
        assert.equal(groupOf(await stateOf({ ...attributes, cgroup: folder })), nameOf(folder));
      }
      const inside = await stateOf({ namespaces: { cgroup: true }, cgroup: folder });
      assert.equal(groupOf(inside), '/', 'it is the root of a namespace that is made in it');
    }),
  needed,
);

test(
  'a control group can be used again after cgroup.kill',
  (context) =>
    withCgroup(async (cgroup) => {
      writeFileSync(join(cgroup, 'cgroup.kill'), '1');
      for (let round = 0; round < 5; round++) {
        assert.equal(groupOf(await stateOf({ cgroup })), nameOf(cgroup));
      }
      await assertFails(
        { cgroup, cwd: '/none' },
        { step: 'chdir', code: 'ENOENT', argument: '/none' },
      );
      if (noNamespaces !== false) return context.skip(noNamespaces);
      const map = [{ inside: 0, outside: 0, count: 1 }];
      const namespaces = { user: true, uidMap: map, gidMap: map };
      assert.equal(groupOf(await stateOf({ cgroup, namespaces })), nameOf(cgroup));
      const inside = await stateOf({ cgroup, namespaces: { cgroup: true } });
      assert.equal(groupOf(inside), '/');
    }),
  needed,
);

test(
  'a launch into a removed control group fails',
  () =>
    withCgroup(async (folder) => {
      needsOption('cgroup');
      const gone = join(folder, 'gone');
      mkdirSync(gone);
      const cgroup = openSync(gone, 'r');
      rmdirSync(gone);
      try {
        const launch = startProcess('/bin/true', ['true'], { cgroup });
        await assert.rejects(launch, ({ step, code }: LaunchError) => {
          assert.match(step, /^(clone|cgroup)$/);
          assert.match(code, /^(ENOENT|ENODEV)$/);
          return true;
        });
      } finally {
        closeSync(cgroup);
      }
    }),
  needed,
);

test(
  'a frozen control group is refused without a hang',
  () =>
    withCgroup(async (folder) => {
      await freeze(folder, true);
      await assertFails({ cgroup: folder }, { step: 'cgroup', code: 'EBUSY', argument: folder });
      await freeze(folder, false);
      assert.equal(groupOf(await stateOf({ cgroup: folder })), nameOf(folder));
    }),
  needed,
);

test('a directory that is not a control group is refused by name', async () => {
  await assertFails({ cgroup: '/none' }, { step: 'open', code: 'ENOENT', argument: '/none' });
  const file = '/etc/passwd';
  await assertFails({ cgroup: file }, { step: 'open', code: 'ENOTDIR', argument: file });
  await assertFails({ cgroup: '/tmp' }, { step: 'cgroup', code: 'EBADF', argument: '/tmp' });
  await assertFails({ cgroup: 9999 }, { step: 'cgroup', code: 'EBADF', argument: '9999' });
  const old = '/sys/fs/cgroup/pids';
  if (existsSync(join(old, 'cgroup.clone_children'))) {
    await assertFails({ cgroup: old }, { step: 'cgroup', code: 'EBADF', argument: old });
  }
});

test(
  'a control group that this process may not enter is refused by the kernel',
  () =>
    withCgroup(async (folder) => {
      const { failure } = await attemptBy({ credential: NOBODY }, { cgroup: folder });
      const argument = native.hasClone3() ? `cgroup ${folder}` : folder;
      assert.deepEqual(failure, {
        step: native.hasClone3() ? 'clone' : 'cgroup',
        code: 'EACCES',
        argument,
      });
    }),
  needed,
);

/** Two processes in the group, one of which left its session and has lost its parent. */
async function withTwo(
  cgroup: string | number,
  folder: string,
  use: (process: Awaited<ReturnType<typeof startProcess>>) => Promise<void>,
): Promise<void> {
  const script = '(setsid sleep 60 &) ; exec sleep 60';
  const files = ['null', 'null', 'null'] as const;
  const child = await startProcess('/bin/sh', ['sh', '-c', script], { cgroup, files });
  const deadline = Date.now() + patience(10_000);
  while (membersOf(folder).filter((pid) => commandOf(pid) === 'sleep').length < 2) {
    assert.ok(Date.now() < deadline, 'there are not two of them');
    await sleep(5);
  }
  await use(child);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

async function empty(folder: string): Promise<void> {
  const deadline = Date.now() + patience(10_000);
  while (/^populated 1$/m.test(readFileSync(join(folder, 'cgroup.events'), 'utf8'))) {
    assert.ok(Date.now() < deadline, 'somebody is left');
    await sleep(5);
  }
}

test(
  "the scope 'cgroup' reaches every process of the cgroup",
  () =>
    withCgroup(async (folder) => {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await withTwo(folder, folder, async (child) => {
          assert.equal(child.signal(signal, { scope: 'cgroup' }), true);
          assert.equal((await child.wait()).signal, signal);
          await empty(folder);
          assert.equal(child.signal(signal, { scope: 'cgroup' }), false);
        });
      }
      // The descriptor is the caller's, and may be closed by then.
      const fd = openSync(folder, 'r');
      await withTwo(fd, folder, async (child) => {
        closeSync(fd);
        assert.equal(child.signal('SIGKILL', { scope: 'cgroup' }), true);
        assert.equal((await child.wait()).signal, 'SIGKILL');
        await empty(folder);
      });
    }),
  needed,
);

test(
  "the scope 'cgroup' reaches the control groups below",
  () =>
    withCgroup(async (folder) => {
      const below = join(folder, 'below');
      mkdirSync(below);
      const first = await startProcess('/bin/sleep', ['sleep', '60'], { cgroup: folder });
      const second = await startProcess('/bin/sleep', ['sleep', '60'], { cgroup: below });
      assert.equal(first.signal('SIGTERM', { scope: 'cgroup' }), true);
      assert.equal((await first.wait()).signal, 'SIGTERM');
      assert.equal((await second.wait()).signal, 'SIGTERM');
    }),
  needed,
);

test(
  "run, runSync and spawn stop with the scope 'cgroup'",
  () =>
    withCgroup(async (folder) => {
      const script = '(setsid sleep 60 &) ; exec sleep 60';
      const child = await spawn('sh', ['-c', script], {
        cgroup: folder,
        stop: { scope: 'cgroup' },
      });
      await child.stop();
      await empty(folder);
      const { status } = runSync('sh', ['-c', script], {
        cgroup: folder,
        timeout: 300,
        stop: { scope: 'cgroup' },
        reject: false,
      });
      assert.equal(status.reason, 'timeout');
      await empty(folder);
    }),
  needed,
);

test(
  "the scope 'cgroup' spares the process that sends the signal",
  () =>
    withCgroup((folder) =>
      withFolder(async (scratch) => {
        const program = `
          import { startProcess } from '${new URL('../../../dist/process/index.js', import.meta.url).pathname}';
          import { writeFileSync } from 'node:fs';
          const child = await startProcess('/bin/sleep', ['sleep', '60'], { cgroup: '${folder}' });
          child.signal('SIGKILL', { scope: 'cgroup' });
          writeFileSync('${scratch}/ended', String(await child.wait()));`;
        const words = ['node', '--input-type=module', '-e', program];
        const launcher = await startProcess(process.execPath, words, { cgroup: folder });
        assert.equal(String(await launcher.wait()), 'exit status 0');
        assert.equal(readFileSync(join(scratch, 'ended'), 'utf8'), 'signal: killed');
      }),
    ),
  needed,
);

test("the scope 'cgroup' is refused for a process started without cgroup", async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '60'], {});
  assert.throws(() => child.signal('SIGTERM', { scope: 'cgroup' }), {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_VALUE',
  });
  child.signal('SIGKILL');
  await child.wait();
});

test('invalid values of cgroup are refused by name', async () => {
  for (const cgroup of [true, null, {}, '/a\0b', -1, 1.5])
    await assertRefused({ cgroup }, 'cgroup');
  assert.deepEqual(optionsOf('--cgroup /sys/fs/cgroup/x'), { cgroup: '/sys/fs/cgroup/x' });
});
