// What a process sees of its files with the option mounts; the numbers are those of the list of
// situations that people met.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LaunchError, type MountEntry, type RunOptions, run } from '#dist/index.js';
import { getgid, getuid } from '#dist/launch/values.js';
import { lackOf } from '../helpers/namespaces.js';
import { noMounts as lack, shell } from '../helpers/sandbox.js';
import { withFolder } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

const namespaces = {
  user: true,
  uidMap: [{ inside: 0, outside: getuid(), count: 1 }],
  gidMap: [{ inside: 0, outside: getgid(), count: 1 }],
} as const;
const inUserNamespace = await lackOf({ mounts: [{ bind: '/' }], namespaces });

function test(title: string, body: (folder: string) => Promise<void>, skip = lack): void {
  anyTest(title, () => withFolder(body), { skip });
}

/** The system, read-only, with the links of a merged /usr. */
const SYSTEM: readonly MountEntry[] = [
  { bind: '/usr', readOnly: true },
  ...['bin', 'sbin', 'lib', 'lib64']
    .filter((name) => existsSync(`/${name}`))
    .map((name): MountEntry => ({ symlink: `/${name}`, to: `usr/${name}` })),
];

async function refusal(options: RunOptions): Promise<LaunchError> {
  const error = await run('/bin/true', options).catch((reason: unknown) => reason);
  assert.equal((error as Error).name, 'LaunchError', String(error));
  return error as LaunchError;
}

test('what no entry names is not there, and the root cannot be written', async (d) => {
  const mounts = [...SYSTEM, { bind: d, readOnly: true }];
  writeFileSync(join(d, 'f'), 'text\n');
  const script = `ls /; cat ${d}/f; echo x >/new; echo x >${d}/f; cat /etc/passwd`;
  const lines = (await shell(script, { mounts, cwd: '/' })).split('\n');
  assert.ok(lines.includes('usr') && lines.includes('text') && !lines.includes('etc'), `${lines}`);
  assert.equal(lines.filter((line) => line.includes('Read-only file system')).length, 2);
  assert.match(lines.at(-1) as string, /passwd: No such file or directory/);
  assert.equal(readFileSync(join(d, 'f'), 'utf8'), 'text\n');
});

test('files, links and directories are made in the new root', async () => {
  const mounts = [
    ...SYSTEM,
    { file: '/etc/motd', content: 'hello\n' },
    { file: '/etc/empty', content: new Uint8Array() },
    { symlink: '/etc/link', to: 'motd' },
    { directory: '/var/empty' },
  ];
  const script = 'cat /etc/link /etc/empty; ls -d /var/empty /etc/empty';
  assert.equal(await shell(script, { mounts }), 'hello\n/etc/empty\n/var/empty');
});

test('a device directory has its devices, and terminals of its own', async () => {
  const mounts = [...SYSTEM, { dev: '/dev' }];
  const script =
    'echo x >/dev/null; head -c 2 /dev/zero | wc -c; ls /dev/pts; ls /dev | tr "\\n" " "';
  const lines = (await shell(script, { mounts, stdin: 'null' })).split('\n');
  assert.deepEqual(lines, [
    '2',
    'ptmx',
    'fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ',
  ]);
});

test('an overlay takes what is written, and its lower trees stay as they are', async (d) => {
  for (const name of ['one:two', 'three', 'up', 'work']) mkdirSync(join(d, name));
  writeFileSync(join(d, 'one:two/a'), 'a\n');
  writeFileSync(join(d, 'three/b'), 'b\n');
  const lower = [join(d, 'one:two'), join(d, 'three')];
  const tmpfs = { tmpfs: d } as const;
  const overlay = { overlay: '/merged', lower, upper: join(d, 'up'), work: join(d, 'work') };
  const script = 'cat /merged/a /merged/b; echo c >/merged/c; echo x >/merged/a';
  const noOverlay = /overlay|No such device/;
  const attempt = await shell(script, { mounts: [...SYSTEM, overlay, tmpfs] }).catch(
    (error: LaunchError) => error,
  );
  if (attempt instanceof Error) {
    // On an overlay itself, as in a container, or where the kernel has none.
    assert.match(
      `${attempt.step} ${attempt.code}`,
      /^fs(config|open|mount) (EINVAL|ENODEV|EPERM)$/,
    );
    return;
  }
  assert.equal(attempt, 'a\nb', String(noOverlay));
  assert.equal(readFileSync(join(d, 'up/a'), 'utf8'), 'x\n');
  assert.equal(readFileSync(join(d, 'one:two/a'), 'utf8'), 'a\n');
});

test('a file that is bound is written in place, and not replaced (case 7)', async (d) => {
  for (const name of ['tree', 'file']) mkdirSync(join(d, name));
  const f = join(d, 'file/f');
  writeFileSync(f, 'old\n');
  const mounts = [...SYSTEM, { tmpfs: '/t' }, { bind: f, to: '/t/f' }];
  const script = 'echo new >/t/f; echo other >/t/g; mv /t/g /t/f';
  assert.match(await shell(script, { mounts }), /busy/i);
  assert.equal(readFileSync(f, 'utf8'), 'new\n');
});

test('a mount point in a read-only tree names its entry (case 56)', async (d) => {
  const mounts = [...SYSTEM, { bind: d, readOnly: true }, { tmpfs: join(d, 'new') }];
  const error = await refusal({ mounts });
  const entry = `mounts[${mounts.length - 1}] ${join(d, 'new')}`;
  assert.deepEqual([error.step, error.code, error.argument], ['mkdir', 'EROFS', entry]);
  assert.deepEqual(readdirSync(d), []);
});

test('a source that does not exist names its entry (case 57)', async (d) => {
  const mounts = [...SYSTEM, { bind: join(d, 'webapp') }];
  const error = await refusal({ mounts });
  const entry = `mounts[${mounts.length - 1}] ${join(d, 'webapp')}`;
  assert.deepEqual([error.step, error.code, error.argument], ['open_tree', 'ENOENT', entry]);
});

test('mounts have the flags that keep set-user-ID bits and devices without effect (case 58)', async () => {
  const mounts = [...SYSTEM, { proc: '/proc' }, { tmpfs: '/tmp' }];
  const { stdout } = await run('cat', ['/proc/self/mountinfo'], {
    mounts,
    namespaces: { pid: true },
  });
  const flagsOf = (path: string): string[] => {
    const line = stdout.split('\n').find((each) => each.split(' ')[4] === path);
    return (line?.split(' ')[5] ?? '').split(',');
  };
  const has = (path: string, ...flags: string[]): boolean =>
    flags.every((flag) => flagsOf(path).includes(flag));
  assert.ok(has('/usr', 'ro', 'nosuid', 'nodev'), stdout);
  assert.ok(has('/proc', 'nosuid', 'nodev', 'noexec'), stdout);
  assert.ok(has('/tmp', 'rw', 'nosuid', 'nodev'), stdout);
});

test('a program is built and run in a private /tmp, unless noExec (case 59)', async () => {
  const script = 'cp /bin/true /tmp/t && /tmp/t && echo ran';
  assert.equal(await shell(script, { mounts: [...SYSTEM, { tmpfs: '/tmp' }] }), 'ran');
  const denied = await shell(script, { mounts: [...SYSTEM, { tmpfs: '/tmp', noExec: true }] });
  assert.match(denied, /Permission denied/);
});

test('a private /tmp holds no more than its size (case 60)', async () => {
  const mounts = [...SYSTEM, { tmpfs: '/t', size: 65536 }];
  const script = 'head -c 100000 /usr/bin/env /usr/bin/sort >/t/f; wc -c </t/f';
  const output = await shell(script, { mounts });
  assert.match(output, /No space left on device/);
  assert.match(output, /^65536$/m);
});

test('two binds of one file system are two file systems to a link (case 61)', async (d) => {
  for (const name of ['a', 'b']) mkdirSync(join(d, name));
  writeFileSync(join(d, 'a/f'), 'text\n');
  const mounts = [...SYSTEM, { bind: join(d, 'a'), to: '/a' }, { bind: join(d, 'b'), to: '/b' }];
  const output = await shell('ln /a/f /b/f; mv /a/f /b/f && cat /b/f', { mounts });
  assert.match(output, /cross-device/i);
  assert.match(output, /^text$/m);
});

test(
  'mounts work in a user namespace, with a proc of its own',
  async (d) => {
    const mounts = [...SYSTEM, { proc: '/proc' }, { dev: '/dev' }, { tmpfs: '/tmp' }, { bind: d }];
    const script = `echo $$; echo x >/tmp/x; echo y >${d}/y; ls /proc | grep -c '^[0-9]'; echo x >/usr/x`;
    const options = { mounts, namespaces: { ...namespaces, pid: true } };
    const attempt = await shell(script, options).catch((error: LaunchError) => error);
    if (attempt instanceof Error) {
      // The kernel mounts no proc where the one outside is partly covered, as in containers.
      assert.deepEqual([attempt.step, attempt.code], ['fsmount', 'EPERM']);
      return;
    }
    assert.match(attempt, /^1\n\d+\n.*Read-only file system/);
    assert.equal(readFileSync(join(d, 'y'), 'utf8'), 'y\n');
  },
  lack || inUserNamespace,
);

test(
  'tar gives a file another owner only where the owner is mapped (case 62)',
  async (d) => {
    const source = join(d, 'f');
    writeFileSync(source, 'text\n');
    const make = ['-cf', join(d, 'f.tar'), '--owner=:1234', '--group=:1234', '-C', d, 'f'];
    await run('tar', make);
    const mounts = [...SYSTEM, { bind: d }, { tmpfs: '/out' }];
    const options = { mounts, namespaces, cwd: '/out' };
    const output = await shell(`tar xf ${d}/f.tar; echo $?; cat f`, options);
    assert.match(output, /Cannot change ownership to uid 1234.*: Invalid argument/s);
    assert.match(output, /^2\ntext$/m);
    const same = await shell(`tar --no-same-owner -xf ${d}/f.tar; echo $?`, options);
    assert.equal(same, '0');
  },
  lack || inUserNamespace,
);

test('a file that does not fit into its file system fails the launch', async () => {
  const content = 'x'.repeat(4 * 4096);
  const mounts = [...SYSTEM, { tmpfs: '/t', size: 4096 }, { file: '/t/f', content }];
  const { step, code } = await refusal({ mounts });
  assert.deepEqual([step, code], ['write', 'ENOSPC']);
});
