// Situations that people met with Landlock; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type LaunchError, type LaunchOptions, run, spawn } from '#dist/index.js';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { AT, O, SOCK } from '#dist/syscall/constants.js';
import { type Call, outcomesOf } from '../helpers/calls.js';
import { lackOfLandlock, linkedWith, SYSTEM, shell } from '../helpers/sandbox.js';
import { helper, withFolder } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

const abi = landlockAbi();
/** ABI 2 lacks `truncate`, and ABI 1 `refer`. */
const lack = lackOfLandlock(3);

function test(title: string, body: (folder: string) => Promise<void>): void {
  anyTest(title, () => withFolder(body), { skip: lack });
}

const CWD = AT.AT_FDCWD;

/** Runs programs of the system, and the helper. */
const programs = { execute: [...SYSTEM, helper('calls')], read: [...SYSTEM, '/dev', '/proc'] };

async function refusal(file: string, options: LaunchOptions): Promise<LaunchError> {
  let error: unknown;
  await run(file, options).catch((reason: unknown) => {
    error = reason;
  });
  assert.equal((error as Error | undefined)?.name, 'LaunchError', String(error));
  return error as LaunchError;
}

test('a policy without the dynamic loader names the loader (case 1)', async () => {
  const { loader, libraries } = linkedWith('/usr/bin/true');
  const landlock = { execute: ['/usr/bin/true', ...libraries] };
  const error = await refusal('/usr/bin/true', { landlock });
  assert.deepEqual([error.step, error.code], ['execve', 'EACCES']);
  assert.match(error.message, /Landlock policy/);
  assert.ok(
    error.message.includes(`the program's loader ${JSON.stringify(loader)}`),
    error.message,
  );
  await run('/usr/bin/true', { landlock: { execute: [...landlock.execute, loader] } });
});

test('a policy without the interpreter of a script names the interpreter (case 2)', async (d) => {
  const script = join(d, 'script');
  writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 });
  const error = await refusal(script, { landlock: { execute: [d, '/usr/lib'], read: [d] } });
  assert.deepEqual([error.step, error.code], ['execve', 'EACCES']);
  assert.match(error.message, /script's interpreter "\/bin\/sh": the Landlock policy/);
});

test('a denied program is named, and that it may be executed without the policy (case 3)', async (d) => {
  const program = join(d, 'program');
  copyFileSync('/bin/true', program);
  const landlock = { execute: ['/usr/bin'], read: ['/usr'] };
  const error = await refusal(program, { landlock });
  assert.deepEqual([error.step, error.code, error.argument], ['execve', 'EACCES', program]);
  const reason = `the Landlock policy does not allow execute and readFile of "${program}", which this process may execute`;
  assert.ok(error.message.includes(reason), error.message);
  // The permissions of the file itself come first.
  chmodSync(program, 0o644);
  assert.match((await refusal(program, { landlock })).message, /no execute permission/);
});

test('a second layer denies moves between directories, and one layer allows them (case 4)', async (d) => {
  const move: Call[] = [['renameat', CWD, join(d, 'a/f'), CWD, join(d, 'b/f')]];
  for (const folder of ['a', 'b']) mkdirSync(join(d, folder));
  const files = { ...programs, write: [d] };
  const outcome = async (landlock: LaunchOptions['landlock']): Promise<string | undefined> => {
    writeFileSync(join(d, 'a/f'), '');
    return (await outcomesOf(move, { landlock }))[0];
  };
  assert.equal(await outcome([files, { handled: ['makeBlock'] }]), 'EXDEV');
  assert.equal(await outcome(files), 'ok');
  const granted = { handled: ['refer'], rules: [{ paths: ['/'], rights: ['refer'] }] } as const;
  assert.equal(await outcome([files, granted]), 'ok');
  if (abi >= 4) assert.equal(await outcome([files, { connect: [443] }]), 'EXDEV');
  if (abi >= 4) assert.equal(await outcome({ ...files, connect: [443] }), 'ok');
  if (abi >= 6) assert.equal(await outcome([files, { scope: ['signal'] }]), 'EXDEV');
});

test('a file does not move to a tree with more rights, and moves to one with fewer (case 5)', async (d) => {
  const [a, b] = [join(d, 'a'), join(d, 'b')];
  for (const folder of [a, b]) {
    mkdirSync(folder);
    writeFileSync(join(folder, `of-${folder.slice(-1)}`), '');
  }
  const there: Call[] = [['renameat', CWD, join(a, 'of-a'), CWD, join(b, 'of-a')]];
  const back: Call[] = [['renameat', CWD, join(b, 'of-b'), CWD, join(a, 'of-b')]];
  const landlock = { ...programs, write: [a, b], execute: [...programs.execute, b] };
  assert.deepEqual(await outcomesOf([...there, ...back], { landlock }), ['EXDEV', 'ok']);
  assert.equal(
    await shell(`mv ${a}/of-a ${b} && ls ${b}`, { landlock: { ...landlock, read: ['/'] } }),
    'of-a',
  );
  assert.deepEqual(
    await outcomesOf(
      there.map(() => there[0] as Call),
      { landlock },
    ),
    ['ENOENT'],
  );
});

test('files are linked within a tree, and not those that may only be read (case 6)', async (d) => {
  for (const folder of ['r', 'w', 'w/s']) mkdirSync(join(d, folder));
  for (const file of ['r/f', 'w/f']) writeFileSync(join(d, file), '');
  const link = (from: string, to: string): Call => [
    'linkat',
    CWD,
    join(d, from),
    CWD,
    join(d, to),
    0,
  ];
  const landlock = {
    ...programs,
    read: [...programs.read, join(d, 'r')],
    write: [join(d, 'w')],
  };
  const results = await outcomesOf([link('w/f', 'w/s/g'), link('r/f', 'w/g')], { landlock });
  assert.deepEqual(results, ['ok', 'EXDEV']);
  assert.equal(statSync(join(d, 'r/f')).nlink, 1);
});

test('a listed path that does not exist is refused by its entry, or left out alone (case 8)', async (d) => {
  const missing = join(d, 'no');
  const landlock = { ...programs, read: ['/usr', missing], write: [d] };
  const error = await refusal('/bin/true', { landlock });
  assert.deepEqual([error.code, error.argument], ['ENOENT', `landlock.read[1] ${missing}`]);
  const calls: Call[] = [
    ['openat', CWD, join(d, 'new'), O.O_WRONLY | O.O_CREAT, 0o600],
    ['openat', CWD, '/etc/passwd', O.O_RDONLY, 0],
  ];
  const options = { landlock: { ...landlock, bestEffort: true } };
  assert.deepEqual(await outcomesOf(calls, options), ['ok', 'EACCES']);
  const child = await spawn('/bin/true', options);
  await child.exited;
  assert.match(child.sandbox?.layers[0]?.reason ?? '', /read\[1\] .*\/no is not there/);
});

test('/dev/stdout is in a policy where it is a pipe, and where it is a file (case 9)', async (d) => {
  const landlock = { ...programs, write: ['/dev/stdout'] };
  assert.equal(await shell('echo x >/dev/stdout', { landlock }), 'x');
  const file = join(d, 'out');
  const to = { stdout: { file } } as const;
  assert.equal(await shell('echo x >/dev/stdout', { landlock, ...to }), '');
  assert.equal(readFileSync(file, 'utf8'), 'x\n');
  const denied = await shell('echo x >/dev/stdout', { landlock: programs, ...to });
  assert.match(denied, /Permission denied/);
});

test('a launch does not wait for the other side of a named pipe in its policy (case 10)', async (d) => {
  const pipe = join(d, 'p');
  execFileSync('mkfifo', [pipe]);
  const landlock = { ...programs, read: [...programs.read, pipe], write: [pipe] };
  assert.equal(await shell(`(echo hi >${pipe} &); cat ${pipe}`, { landlock }), 'hi');
});

test('/dev/tty is in a policy where there is no controlling terminal (case 11)', async () => {
  const landlock = { ...programs, read: [...programs.read, '/dev/tty'], write: ['/dev/tty'] };
  await run('/bin/true', { session: true, landlock });
});

test('a listed link gives the directory that it leads to (case 22)', async (d) => {
  mkdirSync(join(d, 'real'));
  symlinkSync('real', join(d, 'link'));
  writeFileSync(join(d, 'real/f'), 'text\n');
  const landlock = { ...programs, read: [...programs.read, join(d, 'link')] };
  assert.equal(await shell(`cat ${d}/real/f ${d}/link/f`, { landlock }), 'text\ntext');
});

test('a program that is a link to somewhere outside names the target (case 23)', async (d) => {
  for (const folder of ['bin', 'real']) mkdirSync(join(d, folder));
  writeFileSync(join(d, 'real/tool'), '#!/bin/sh\n', { mode: 0o755 });
  symlinkSync('../real/tool', join(d, 'bin/tool'));
  const tool = join(d, 'bin/tool');
  const execute = [...programs.execute, join(d, 'bin')];
  const error = await refusal(tool, { landlock: { ...programs, execute } });
  assert.equal(error.code, 'EACCES');
  assert.ok(error.message.includes(`a link to "${join(d, 'real/tool')}"`), error.message);
  await run(tool, { landlock: { ...programs, execute: [...execute, join(d, 'real')] } });
});

test('what counts of a link is where it leads (case 26)', async (d) => {
  mkdirSync(join(d, 't'));
  writeFileSync(join(d, 's'), 'outside');
  writeFileSync(join(d, 't/f'), 'inside');
  const read = (path: string): Call => ['openat', CWD, join(d, path), O.O_RDONLY, 0];
  const calls: Call[] = [
    ['symlinkat', 'f', CWD, join(d, 't/l')],
    ['symlinkat', '../s', CWD, join(d, 't/m')],
    read('t/l'),
    read('t/m'),
    read('t/../s'),
  ];
  const landlock = { ...programs, read: [join(d, 't')], write: [join(d, 't')] };
  assert.deepEqual(await outcomesOf(calls, { landlock }), ['ok', 'ok', 'ok', 'EACCES', 'EACCES']);
});

test('a file without a name gets one within the tree (case 27)', async (d) => {
  const calls: Call[] = [
    ['openat', CWD, d, O.O_TMPFILE | O.O_RDWR, 0o600],
    ['linkat', CWD, '/proc/self/fd/3', CWD, join(d, 'named'), AT.AT_SYMLINK_FOLLOW],
  ];
  const landlock = { ...programs, write: [d], read: [...programs.read, d] };
  const layers = [landlock, { handled: ['makeBlock'] as const }];
  assert.deepEqual(await outcomesOf(calls, { landlock: layers }), ['ok', 'ok']);
  assert.ok(existsSync(join(d, 'named')));
});

test('a rule goes with the directory that was opened, and not with its name (case 28)', async (d) => {
  mkdirSync(join(d, 'd'));
  writeFileSync(join(d, 'd/x'), 'of the first\n');
  writeFileSync(join(d, 'f'), 'old\n');
  writeFileSync(join(d, 'g'), 'new\n');
  const read = [...programs.read, join(d, 'd'), join(d, 'f')];
  const script = `read line; cat ${d}/e/x ${d}/d/x ${d}/f 2>&1`;
  const child = await spawn('/bin/sh', ['-c', script], {
    stdin: 'pipe',
    stdout: 'pipe',
    landlock: { ...programs, read },
  });
  renameSync(join(d, 'd'), join(d, 'e'));
  mkdirSync(join(d, 'd'));
  linkSync(join(d, 'e/x'), join(d, 'd/x'));
  renameSync(join(d, 'g'), join(d, 'f'));
  writeFileSync(join(d, 'd/x'), 'of the first\n');
  child.stdin.end('\n');
  const lines: string[] = [];
  for await (const line of child.lines()) lines.push(line);
  await child.closed;
  assert.equal(lines[0], 'of the first');
  assert.match(lines.at(-1) as string, /f: Permission denied/);
});

/** struct sockaddr_in of 127.0.0.1. */
function address(port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(SOCK.AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set([127, 0, 0, 1], 4);
  return bytes;
}

anyTest(
  'port 0 is a port of its own, which is any that the kernel chooses (case 35)',
  async () => {
    const bindTo = (port: number): Call[] => [
      ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 0],
      ['bind', { result: 0 }, address(port), 16],
    ];
    const outcome = async (bind: readonly number[], port: number): Promise<string | undefined> =>
      (await outcomesOf(bindTo(port), { landlock: { bind: [...bind] } }))[1];
    assert.equal(await outcome([0], 0), 'ok');
    assert.equal(await outcome([0], 45_671), 'EACCES');
    assert.equal(await outcome([], 0), 'EACCES');
  },
  { skip: lackOfLandlock(4) },
);

anyTest(
  'signals reach processes of the same domain, and none outside (case 38)',
  async () => {
    // The session is its own, so that its group is as well.
    const options = { landlock: { scope: ['signal'] }, session: true } as const;
    const script = [
      `kill -0 ${process.pid} 2>/dev/null || echo refused`,
      'sleep 1000 & kill -0 $! && echo child; kill $!',
      'trap "echo group" USR1; kill -USR1 0',
    ].join('\n');
    assert.equal(await shell(script, options), 'refused\nchild\ngroup');
  },
  { skip: lackOfLandlock(6) },
);
