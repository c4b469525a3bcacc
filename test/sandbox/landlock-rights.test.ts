// Every right of Landlock that the running kernel has, allowed once and denied once, seen by the child.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type LaunchOptions, run, spawn } from '#dist/index.js';
import { layerOf } from '#dist/sandbox/landlock-policy.js';
import { FILE_RIGHTS, type LandlockFileRight, landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { call, close } from '#dist/syscall/call.js';
import { AT, O, S, SOCK } from '#dist/syscall/constants.js';
import { errorName } from '#dist/syscall/errors.js';
import { needsLinux } from '../helpers/backend.js';
import { type Call, callWords, outcomesOf } from '../helpers/calls.js';
import { asRoot } from '../helpers/identity.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const CWD = AT.AT_FDCWD;

/** Calls of which the last needs the right in the folder, and what the others need. */
const trials: Readonly<Record<LandlockFileRight, (folder: string) => readonly Call[]>> = {
  execute: (folder) => [['execve', join(folder, 'true'), 0, 0]],
  writeFile: (folder) => [['openat', CWD, join(folder, 'file'), O.O_WRONLY, 0]],
  readFile: (folder) => [['openat', CWD, join(folder, 'file'), O.O_RDONLY, 0]],
  readDir: (folder) => [['openat', CWD, folder, O.O_RDONLY | O.O_DIRECTORY, 0]],
  removeDir: (folder) => [['unlinkat', CWD, join(folder, 'empty'), AT.AT_REMOVEDIR]],
  removeFile: (folder) => [['unlinkat', CWD, join(folder, 'file'), 0]],
  makeChar: (folder) => [['mknodat', CWD, join(folder, 'new'), S.S_IFCHR, 0x103]],
  makeDir: (folder) => [['mkdirat', CWD, join(folder, 'new'), 0o700]],
  makeReg: (folder) => [['mknodat', CWD, join(folder, 'new'), S.S_IFREG | 0o600, 0]],
  makeSock: (folder) => [['mknodat', CWD, join(folder, 'new'), S.S_IFSOCK, 0]],
  makeFifo: (folder) => [['mknodat', CWD, join(folder, 'new'), S.S_IFIFO, 0]],
  makeBlock: (folder) => [['mknodat', CWD, join(folder, 'new'), S.S_IFBLK, 0x700]],
  makeSym: (folder) => [['symlinkat', 'target', CWD, join(folder, 'new')]],
  refer: (folder) => [['linkat', CWD, join(folder, 'file'), CWD, join(folder, 'empty/new'), 0]],
  truncate: (folder) => [['truncate', join(folder, 'file'), 0]],
  ioctlDev: (folder) => [
    ['openat', CWD, join(folder, 'random'), O.O_RDONLY, 0],
    ['ioctl', { result: 0 }, 0x8004_5200, { zeros: 8 }], // RNDGETENTCNT
  ],
  resolveUnix: (folder) => {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(SOCK.AF_UNIX, 0);
    address.write(join(folder, 'socket'), 2);
    return [
      ['socket', SOCK.AF_UNIX, SOCK.SOCK_STREAM, 0],
      ['connect', { result: 0 }, address, 110],
    ];
  },
};

/** The outcome of the last call in a new tree, whose rule gives the right or not. */
async function outcomeOf(
  right: LandlockFileRight,
  policy: 'none' | 'with a rule' | 'without a rule',
): Promise<string> {
  return withFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), 'text');
    mkdirSync(join(folder, 'empty'));
    copyFileSync('/bin/true', join(folder, 'true'));
    await outcomesOf([['mknodat', CWD, join(folder, 'random'), S.S_IFCHR | 0o666, 0x108]]);
    const server = createServer().listen(join(folder, 'socket'));
    try {
      await once(server, 'listening');
      // The helper and what it is linked with are outside of the tree.
      const programs = { paths: ['/usr', '/lib', helper('calls')], rights: RUNNABLE };
      const tree = { paths: [folder], rights: [right] };
      const rules = policy === 'with a rule' ? [programs, tree] : [programs];
      const landlock = { handled: [right], rules };
      const options = policy === 'none' ? {} : { landlock };
      const { stdout } = await run(helper('calls'), callWords(trials[right](folder)), options);
      // Nothing: it has become /bin/true.
      const result = stdout === '' ? 0 : ((JSON.parse(stdout) as number[]).at(-1) as number);
      return result < 0 ? errorName(-result) : 'ok';
    } finally {
      server.close();
    }
  });
}

const RUNNABLE = ['execute', 'readFile', 'readDir'] as const;

for (const right of Object.keys(trials) as LandlockFileRight[]) {
  const lack = lackOf(FILE_RIGHTS[right].abi);
  test(
    `Landlock denies ${right}, and allows it where a rule gives it`,
    async () => {
      needsLinux('Landlock');
      assert.equal(await outcomeOf(right, 'none'), 'ok');
      assert.equal(await outcomeOf(right, 'with a rule'), 'ok');
      const denial = right === 'refer' ? 'EXDEV' : 'EACCES';
      assert.equal(await outcomeOf(right, 'without a rule'), denial);
    },
    { skip: asRoot.skip || lack },
  );
}

/** struct sockaddr_in of 127.0.0.1. */
function address(port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(SOCK.AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.writeUInt32BE(0x7f00_0001, 4);
  return bytes;
}

const TCP: Call = ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 0];

function lackOf(abi: number): string | false {
  return landlockAbi() < abi && `Landlock ABI ${landlockAbi()} of this kernel lacks it`;
}

test(
  'Landlock lets a process connect to listed TCP ports and to no others',
  async () => {
    needsLinux('Landlock');
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const calls: readonly Call[] = [TCP, ['connect', { result: 0 }, address(port), 16]];
    const outcome = async (landlock: LaunchOptions['landlock']): Promise<string | undefined> =>
      (await outcomesOf(calls, { landlock })).at(-1);
    assert.equal(await outcome({ connect: [1, port] }), 'ok');
    assert.equal(await outcome({ connect: [1] }), 'EACCES');
    assert.equal(await outcome({ bind: [] }), 'ok');
    server.close();
    await once(server, 'close');
  },
  { skip: lackOf(4) },
);

test(
  'Landlock lets a process bind listed TCP ports, and 0 is a port of its own',
  async () => {
    needsLinux('Landlock');
    const calls = (port: number): Call[] => [TCP, ['bind', { result: 0 }, address(port), 16]];
    const outcome = async (bind: readonly number[], port: number): Promise<string | undefined> =>
      (await outcomesOf(calls(port), { landlock: { bind } })).at(-1);
    assert.equal(await outcome([0], 0), 'ok');
    assert.equal(await outcome([0], 45671), 'EACCES');
    assert.equal(await outcome([], 0), 'EACCES');
  },
  { skip: lackOf(4) },
);

test(
  'Landlock keeps signals from processes outside, and lets them reach those inside',
  async () => {
    needsLinux('Landlock');
    const calls: Call[] = [['kill', process.pid, 0], ['getpid'], ['kill', { result: 1 }, 0]];
    const [outside, , inside] = await outcomesOf(calls, { landlock: { scope: ['signal'] } });
    assert.deepEqual([outside, inside], ['EPERM', 'ok']);
    const [free] = await outcomesOf(calls, { landlock: { scope: ['abstractUnixSocket'] } });
    assert.equal(free, 'ok');
  },
  { skip: lackOf(6) },
);

test(
  'Landlock keeps a process from abstract sockets of processes outside',
  async () => {
    needsLinux('Landlock');
    const name = `\0forkexec-${process.pid}-${Math.random()}`;
    const server = call('socket', SOCK.AF_UNIX, SOCK.SOCK_STREAM, 0);
    try {
      const bytes = Buffer.alloc(2 + name.length);
      bytes.writeUInt16LE(SOCK.AF_UNIX, 0);
      bytes.write(name, 2);
      call('bind', server, bytes, bytes.length);
      call('listen', server, 1);
      const calls: Call[] = [
        ['socket', SOCK.AF_UNIX, SOCK.SOCK_STREAM, 0],
        ['connect', { result: 0 }, bytes, bytes.length],
      ];
      const outcome = async (scope: 'signal' | 'abstractUnixSocket'): Promise<string | undefined> =>
        (await outcomesOf(calls, { landlock: { scope: [scope] } })).at(-1);
      assert.equal(await outcome('abstractUnixSocket'), 'EPERM');
      assert.equal(await outcome('signal'), 'ok');
    } finally {
      close(server);
    }
  },
  { skip: lackOf(6) },
);

test(
  'Landlock takes every flag of logging',
  async () => {
    needsLinux('Landlock');
    for (const log of ['sameExecOff', 'newExecOn', 'subdomainsOff'] as const) {
      await run('/bin/true', { landlock: { scope: ['signal'], log: [log] } });
    }
  },
  { skip: lackOf(7) },
);

test(
  'a right that the kernel lacks is refused by name, and skipped with bestEffort',
  async () => {
    needsLinux('Landlock');
    const landlock = { handled: ['resolveUnix', 'makeBlock'] as const };
    await assert.rejects(run('/bin/true', { landlock }), {
      step: 'landlock_create_ruleset',
      code: 'EOPNOTSUPP',
      message: /resolveUnix \(this kernel has Landlock ABI \d+\)/,
    });
    const child = await spawn('/bin/true', { landlock: { ...landlock, bestEffort: true } });
    await child.exited;
    const [layer] = child.sandbox?.layers ?? [];
    assert.equal(layer?.holds, false);
    assert.match(layer?.reason ?? '', /lacks resolveUnix$/);
  },
  { skip: landlockAbi() >= 9 && 'this kernel lacks no right' },
);

test('a path that is listed several times is one rule with all its rights', () => {
  const once = ['/usr'];
  const policy = { read: once, write: once, execute: once };
  const { paths } = layerOf('landlock', policy, 7);
  const alone = Object.entries(policy).map(
    ([key, list]) => layerOf('landlock', { [key]: list }, 7).paths[0]?.access ?? 0,
  );
  const access = alone.reduce((all, rights) => all | rights, 0);
  assert.deepEqual(paths, [{ option: 'landlock.read[0]', path: '/usr', access }]);
});
