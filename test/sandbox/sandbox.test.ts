// Situations that people met with sandboxes, in the strengths that they name; the numbers are those of
// the list that they come from.

import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { backend } from '#dist/backend.js';
import { lookPath, type RunOptions, run, type SandboxOptions, spawn } from '#dist/index.js';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { SOCK } from '#dist/syscall/constants.js';
import { outcomesOf } from '../helpers/calls.js';
import { lackOf } from '../helpers/namespaces.js';
import { patience } from '../helpers/patience.js';
import { helper } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

const abi = landlockAbi();
const noLandlock =
  backend !== 'linux'
    ? 'sandboxes are of Linux, and not of the portable backend'
    : abi < 6 && `Landlock ABI ${abi} of this kernel lacks ports or scopes`;
const noMounts = await lackOf({ mounts: [{ bind: '/' }] });

type Strength = 'kernel' | 'namespaces';

/** Not below /tmp, so that the tree of a test can be told from it. */
const here = realpathSync(tmpdir());

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(here, 'forkexec-sandbox-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lackOfProgram(name: string): string | false {
  try {
    lookPath(name);
    return false;
  } catch {
    return `there is no ${name} on this system`;
  }
}

/** A test in both strengths, and in a folder of its own. */
function test(
  title: string,
  body: (strength: Strength, folder: string) => Promise<void>,
  skip: string | false = false,
): void {
  for (const strength of ['kernel', 'namespaces'] as const) {
    const lack = noLandlock || skip || (strength === 'namespaces' && noMounts);
    const run = (): Promise<void> => inFolder((folder) => body(strength, folder));
    anyTest(`${title}, strength ${strength}`, run, { skip: lack, timeout: 120_000 });
  }
}

function once(
  title: string,
  body: (folder: string) => Promise<void>,
  skip: string | false = false,
) {
  anyTest(title, () => inFolder(body), { skip: noLandlock || skip, timeout: 120_000 });
}

const SYSTEM = ['/usr', '/etc'];
const PROGRAMS = [...SYSTEM, ...['/lib', '/lib64', '/bin', '/sbin'].filter(existsSync)];

async function shell(
  script: string,
  sandbox: SandboxOptions,
  options: RunOptions = {},
): Promise<string> {
  const env = { LC_ALL: 'C', ...options.env };
  const all = { ...options, env, sandbox, reject: false };
  const { stdout, stderr } = await run('/bin/sh', ['-c', script], all as { encoding: 'utf8' });
  return [stdout, stderr].filter((text) => text !== '').join('\n');
}

test('what is listed can be read or written, and nothing else', async (strength, d) => {
  mkdirSync(join(d, 'out'));
  writeFileSync(join(d, 'secret'), 'secret\n');
  const sandbox = { read: PROGRAMS, write: [join(d, 'out')], strength };
  const script = `echo x >${d}/out/f; cat ${d}/out/f; cat ${d}/secret; echo x >${d}/new; echo x >/etc/x`;
  const output = await shell(script, sandbox);
  assert.match(output, /^x$/m);
  assert.doesNotMatch(output, /^secret$/m);
  assert.equal(existsSync(join(d, 'new')) || existsSync('/etc/x'), false);
});

test('a program in /tmp that is not listed does not run, and the policy is named', async (strength, d) => {
  const program = join(d, 'program');
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
  await assert.rejects(run(program, { sandbox: { read: PROGRAMS, strength } }), {
    step: 'execve',
    code: strength === 'kernel' ? 'EACCES' : 'ENOENT',
  });
});

test('files move between two trees that may be written, with ports in the policy (case 4)', async (strength, d) => {
  for (const name of ['a', 'b']) mkdirSync(join(d, name));
  writeFileSync(join(d, 'a/f'), 'text\n');
  const sandbox = { read: PROGRAMS, write: [d], network: { connect: [443] }, strength };
  assert.equal(await shell(`mv ${d}/a/f ${d}/b/f && cat ${d}/b/f`, sandbox), 'text');
});

const SET_RAW =
  'process.stdin.isTTY && process.stdin.setRawMode(true); console.log(process.stdin.isTTY)';

test('a program sets its terminal to raw mode (case 12)', async (strength, d) => {
  const node = realpathSync(process.execPath);
  const read = [...PROGRAMS, node];
  const sandbox = { read, write: [d], strength };
  const { stdout } = await run(process.execPath, ['-e', SET_RAW], {
    terminal: {},
    sandbox,
    cwd: d,
  });
  assert.match(stdout, /true/);
});

once(
  'a program opens terminals itself where they are listed (case 13)',
  async (d) => {
    const sandbox = { read: PROGRAMS, strength: 'kernel' as const };
    const write = [d, '/dev/ptmx', '/dev/pts', '/dev/null'];
    const script = 'script -qc tty /dev/null';
    assert.match(await shell(script, { ...sandbox, write }), /\/dev\/pts\/\d+/);
    assert.match(await shell(script, { ...sandbox, write: [d, '/dev/null'] }), /Permission denied/);
  },
  lackOfProgram('script'),
);

test(
  'a long here-document takes a folder for temporary files (case 14)',
  async (strength, d) => {
    const sandbox = { read: PROGRAMS, write: [d], strength };
    const script = (size: number) => `cat <<EOF | wc -c\n${'x'.repeat(size)}\nEOF`;
    const bash = async (text: string, env: RunOptions['env'] = {}): Promise<string> => {
      const options = { sandbox, env: { LC_ALL: 'C', TMPDIR: undefined, ...env }, reject: false };
      const { stdout, stderr } = await run('bash', ['-c', text], options);
      return stdout + stderr;
    };
    assert.equal((await bash(script(2))).trim(), '3');
    assert.match(await bash(script(100_000)), /cannot create temp file for here.document/);
    assert.equal((await bash(script(100_000), { TMPDIR: d })).trim(), '100001');
  },
  lackOfProgram('bash'),
);

test(
  'the compiler works where TMPDIR can be written, and the report says where not (case 15)',
  async (strength, d) => {
    writeFileSync(join(d, 'h.c'), '#include <stdio.h>\nint main(void) { puts("hello"); }\n');
    const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
    const script = `cd ${d} && gcc -o h h.c && ./h`;
    const without = await shell(script, sandbox, { env: { TMPDIR: undefined } });
    // Where /tmp is not there it takes the working directory.
    assert.match(without, strength === 'kernel' ? /temporary file/ : /temporary file|^hello$/);
    assert.equal(await shell(script, sandbox, { env: { TMPDIR: d } }), 'hello');
    const child = await spawn('/bin/true', { sandbox, env: { TMPDIR: '/usr' } });
    await child.exited;
    const remark = child.sandbox?.layers.find(({ restricts }) => restricts === 'temporary files');
    assert.match(remark?.reason ?? '', /\/usr cannot be written inside: set TMPDIR/);
  },
  lackOfProgram('gcc'),
);

test(
  'node runs where /etc/ssl is listed, and the report names it where not (case 17)',
  async (strength) => {
    const read = ['/usr', ...PROGRAMS.filter((path) => !path.startsWith('/etc')), process.execPath];
    const child = await spawn(process.execPath, ['-e', '0'], {
      sandbox: { read, write: ['/dev/null'], strength },
      stderr: 'null',
    });
    const { code } = await child.exited;
    const remark = child.sandbox?.layers.find(
      ({ restricts }) => restricts === 'settings of OpenSSL',
    );
    if (strength === 'kernel') assert.ok(code === 0 || /\/etc\/ssl/.test(remark?.reason ?? ''));
    else assert.equal(code, 0);
    const all = { read: [...read, '/etc/ssl'], write: ['/dev/null'], strength };
    await run(process.execPath, ['-e', '0'], { sandbox: all });
  },
  existsSync('/etc/ssl') ? false : 'there is no /etc/ssl',
);

test(
  'git clones where its home is listed (case 18)',
  async (strength, d) => {
    const home = mkdtempSync(join(here, 'forkexec-home-'));
    try {
      const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
      const clone = (target: string, HOME: string): Promise<string> =>
        shell(`git clone -q src ${target} && echo cloned`, sandbox, { cwd: d, env: { HOME } });
      const git = { cwd: d, env: { HOME: home } };
      await run('git', ['init', '-q', 'src'], git);
      assert.match(await clone('one', home), /cloned/);
      writeFileSync(join(home, '.gitconfig'), '[user]\nname = x\n');
      const denied = await clone('two', home);
      if (strength === 'kernel') assert.match(denied, /configuration files|Permission denied/);
      assert.match(await clone('three', d), /cloned/);
    } finally {
      rmSync(home, { recursive: true });
    }
  },
  lackOfProgram('git'),
);

test(
  'npm runs a script without its cache (case 19)',
  async (strength, d) => {
    writeFileSync(join(d, 'package.json'), '{ "name": "x", "scripts": { "hi": "node -p 40+2" } }');
    const node = realpathSync(process.execPath);
    const read = [...PROGRAMS, node, realpathSync(lookPath('npm'))];
    const sandbox = { read, write: [d, '/dev/null'], strength };
    const options = { cwd: d, env: { HOME: d, npm_config_update_notifier: 'false' }, sandbox };
    assert.equal((await run('npm', ['run', '--silent', 'hi'], options)).stdout, '42');
  },
  lackOfProgram('npm') ||
    (!realpathSync(process.execPath).startsWith('/usr') && 'node is not below /usr'),
);

test('everyday tools work (case 20)', async (strength, d) => {
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
  const options = { cwd: d, env: { TMPDIR: d, HOME: d } };
  const tar = `echo x >f; ln -s f l; chmod 600 f; tar cf t.tar f l; mkdir o; tar xf t.tar -C o; stat -c %a o/f; readlink o/l`;
  assert.equal(await shell(tar, sandbox, options), '600\nf');
  if (!lackOfProgram('make')) {
    writeFileSync(join(d, 'Makefile'), 'all: a b\na b:\n\t@echo $@\n');
    const made = await shell('make -s -j2', sandbox, options);
    assert.deepEqual(made.split('\n').sort(), ['a', 'b']);
  }
  if (!lackOfProgram('bash')) {
    const bash = { sandbox, ...options, reject: false };
    const jobs = 'set -m; sleep 0.1 & fg >/dev/null; echo done';
    assert.equal((await run('bash', ['-c', jobs], bash)).stdout, 'done');
    // The shell names the pipe /dev/fd/63, which is a link to /proc.
    const withPipes = { ...sandbox, read: [...PROGRAMS, '/proc', '/dev/fd'] };
    const substituted = { ...bash, sandbox: withPipes };
    assert.equal((await run('bash', ['-c', 'cat <(echo hi)'], substituted)).stdout, 'hi');
  }
});

test('a link in a tree leads only where the policy goes (case 21)', async (strength, d) => {
  for (const name of ['etc', 'run']) mkdirSync(join(d, name));
  symlinkSync('../run/conf', join(d, 'etc/conf'));
  writeFileSync(join(d, 'run/conf'), 'conf\n');
  const sandbox = { read: ['/usr', ...PROGRAMS, join(d, 'etc')], strength };
  const expected = strength === 'kernel' ? /Permission denied/ : /No such file/;
  assert.match(await shell(`cat ${d}/etc/conf`, sandbox), expected);
  const resolver = { ...sandbox, read: PROGRAMS.filter((path) => path !== '/etc') };
  const withNetwork = { ...resolver, network: true };
  if (existsSync('/etc/hosts')) {
    assert.doesNotMatch(await shell('cat /etc/hosts >&2', resolver), /localhost/);
    assert.match(await shell('cat /etc/hosts', withNetwork), /localhost/);
  }
});

test('a link that is listed and what it leads to are both there (case 22)', async (strength, d) => {
  mkdirSync(join(d, 'real'));
  symlinkSync('real', join(d, 'link'));
  writeFileSync(join(d, 'real/f'), 'text\n');
  const sandbox = { read: [...PROGRAMS, join(d, 'link')], strength };
  assert.equal(await shell(`cat ${d}/real/f ${d}/link/f`, sandbox), 'text\ntext');
});

test(
  'links of the root that lead into a listed tree are there (case 24)',
  async (strength) => {
    await run('/bin/true', { sandbox: { read: ['/usr'], strength } });
  },
  existsSync('/bin') && realpathSync('/bin').startsWith('/usr') ? false : '/usr is not merged',
);

test('a working directory outside of the policy is refused, or is the root (case 25)', async (strength, d) => {
  const sandbox = { read: PROGRAMS, strength };
  await assert.rejects(run('/bin/true', { cwd: d, sandbox }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: 'cwd must lie in a tree of sandbox.read or sandbox.write.',
  });
  assert.equal(await shell('pwd', sandbox), '/');
  assert.equal(await shell('pwd', { ...sandbox, write: [d] }, { cwd: d }), d);
});

test('a folder that is read-only in a tree that may be written is so or is refused (case 29)', async (strength, d) => {
  mkdirSync(join(d, 'ro'));
  const sandbox = { write: [d], read: [...PROGRAMS, join(d, 'ro')], strength };
  const attempt = shell(`echo x >${d}/ro/f; echo y >${d}/f; cat ${d}/f`, sandbox);
  if (strength === 'kernel') {
    await assert.rejects(attempt, {
      message:
        /^sandbox\.read\[\d+\] cannot be read-only in a tree of sandbox\.write with strength/,
    });
  } else {
    assert.match(await attempt, /^y\n.*Read-only file system/);
  }
  assert.equal(existsSync(join(d, 'ro/f')), false);
});

test('nothing in a path is expanded (cases 8 and 30)', async (strength) => {
  for (const path of ['$TMPDIR', '~/x']) {
    await assert.rejects(run('/bin/true', { sandbox: { read: ['/usr', path], strength } }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: `sandbox.read[1] does not exist: ${JSON.stringify(path)}.`,
    });
  }
});

test('a file watcher sees what happens in its tree (case 31)', async (strength, d) => {
  const read = [...PROGRAMS, realpathSync(process.execPath)];
  const script = `const { watch, writeFileSync } = require('fs');
const watcher = watch('.', (_, name) => { console.log(name); watcher.close(); });
writeFileSync('made', '');`;
  const sandbox = { read, write: [d, '/dev/null'], strength };
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: d, sandbox });
  assert.equal(stdout, 'made');
});

test('with ports, TCP goes to these alone and datagrams to none (case 36)', async (strength) => {
  const sandbox = { read: [...PROGRAMS, helper('calls')], network: { connect: [443] }, strength };
  const to = (family: number, size: number): Uint8Array => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt16LE(family, 0);
    bytes.writeUInt16BE(9, 2);
    if (family === SOCK.AF_INET) bytes.writeUInt32BE(0x7f00_0001, 4);
    else bytes.writeUInt8(1, 23);
    return bytes;
  };
  const calls = [
    ['socket', SOCK.AF_INET, SOCK.SOCK_DGRAM, 0],
    ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 0],
    ['connect', { result: 1 }, to(SOCK.AF_INET, 16), 16],
    ['socket', SOCK.AF_INET6, SOCK.SOCK_STREAM, 0],
    ['connect', { result: 3 }, to(SOCK.AF_INET6, 28), 28],
    ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 262], // MPTCP, which Landlock does not know
  ] as const;
  const [datagram, , four, v6, six, other] = await outcomesOf(calls, { sandbox });
  assert.deepEqual([datagram, four, other], ['EAFNOSUPPORT', 'EACCES', 'EAFNOSUPPORT']);
  assert.ok(v6 !== 'ok' || six === 'EACCES', six);
});

test('a unix socket with a path is reached or not, and the report says so (case 37)', async (strength, d) => {
  const path = join(d, 's');
  const server = createServer((socket) => socket.destroy()).listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(SOCK.AF_UNIX, 0);
    address.write(path, 2);
    const calls = [
      ['socket', SOCK.AF_UNIX, SOCK.SOCK_STREAM, 0],
      ['connect', { result: 0 }, address, 110],
    ] as const;
    const sandbox = { read: [...PROGRAMS, helper('calls')], network: false, strength };
    const [, outcome] = await outcomesOf(calls, { sandbox });
    const child = await spawn('/bin/true', { sandbox });
    await child.exited;
    const isTold = child.sandbox?.layers.some(
      ({ restricts, holds }) => restricts === 'unix sockets with a path' && !holds,
    );
    if (strength === 'namespaces') assert.equal(outcome, 'ENOENT');
    else assert.ok(outcome === 'EACCES' || (outcome === 'ok' && isTold === true), outcome);
  } finally {
    server.close();
  }
});

test("network 'loopback' is a network of its own, or is refused", async (strength) => {
  const sandbox = { read: PROGRAMS, network: 'loopback', strength } as const;
  const script = `cat /proc/net/dev | wc -l; node -e "
    require('net').createServer((c) => c.end('hi')).listen(0, '127.0.0.1', function () {
      require('net').connect(this.address().port, '127.0.0.1').on('data', (d) => { console.log(String(d)); process.exit(); });
    });"`;
  if (strength === 'kernel') {
    await assert.rejects(shell(script, sandbox), {
      message: /^sandbox\.network cannot be 'loopback'/,
    });
    return;
  }
  const read = [...PROGRAMS, '/proc', realpathSync(process.execPath)];
  const output = await shell(script, { ...sandbox, read, write: ['/dev/null'] });
  assert.match(output, /^hi$/m);
  assert.match(output, /^3$/m);
});

once(
  'a limit of processes is held or told, and refused where it was to be held (case 39)',
  async () => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], processes: 20 };
    const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2 & done; wait; echo all';
    assert.equal(await shell(script, sandbox), 'all');
    const child = await spawn('/bin/true', { sandbox });
    await child.exited;
    const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'processes');
    assert.ok(told !== undefined && (told.holds || told.reason !== ''), JSON.stringify(told));
    await assert.rejects(shell(script, { ...sandbox, strength: 'kernel' }), {
      message: /^sandbox\.processes cannot be held with strength 'kernel': /,
    });
  },
);

test('a limit of memory counts what is used, and not reserved addresses (cases 40 and 41)', async (strength) => {
  const read = [...PROGRAMS, '/proc', realpathSync(process.execPath)];
  const sandbox = { read, write: ['/dev/null'], memory: '512M', strength };
  const script = 'new WebAssembly.Memory({ initial: 1 }); console.log(1)';
  const { stdout } = await run(process.execPath, ['-e', script], { sandbox });
  assert.equal(stdout, '1');
  const large = 'Buffer.alloc(900 << 20, 1); console.log(2)';
  const result = await run(process.execPath, ['-e', large], { sandbox, reject: false });
  assert.equal(result.status.ok, false);
  const child = await spawn('/bin/true', { sandbox });
  await child.exited;
  const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'memory');
  assert.match(told?.reason ?? '', /each process/);
});

/** The processes of this system with this word on their command line. */
function withWord(word: string): number[] {
  const { readdirSync } = process.getBuiltinModule('node:fs');
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function nobodyLeft(word: string): Promise<void> {
  const deadline = Date.now() + patience(10_000);
  while (withWord(word).length > 0) {
    assert.ok(Date.now() < deadline, `${withWord(word)} are left`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Seconds that no other process sleeps. */
const seconds = (index: number): string => `${30 + index}.${process.pid}`;

test('when the time is over nothing of it is left (case 42)', async (strength) => {
  const time = seconds(strength === 'kernel' ? 1 : 2);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], time: '300ms', strength };
  const script = `setsid sleep ${time} & (sleep ${time} &) ; sleep ${time}`;
  const options = { sandbox, reject: false, stop: { grace: 200 } };
  const { status } = await run('/bin/sh', ['-c', script], options);
  assert.equal(status.reason, 'timeout');
  await nobodyLeft(time);
});

test('what a program leaves behind ends with it (case 43)', async (strength) => {
  const time = seconds(strength === 'kernel' ? 3 : 4);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], strength };
  const { status } = await run('/bin/sh', ['-c', `setsid sleep ${time} >/dev/null & exit 0`], {
    sandbox,
  });
  assert.equal(status.code, 0);
  await nobodyLeft(time);
});

once(
  'orphans of a sandbox are no zombies, inside or outside (case 44)',
  async () => {
    const sandbox = {
      read: [...PROGRAMS, '/proc'],
      write: ['/dev/null'],
      strength: 'namespaces',
    } as const;
    const script = `for i in 1 2 3; do (sh -c 'exit 0' &) ; done; sleep 0.2
for s in /proc/[0-9]*/stat; do read -r line <$s && case "$line" in *" Z $$ "*) echo zombie ;; esac; done 2>/dev/null; echo end`;
    assert.equal(await shell(script, sandbox), 'end');
  },
  noMounts,
);

once('a program lives on when the thread that started it has ended (case 45)', async (d) => {
  const api = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);
  const out = join(d, 'out');
  const script = `const { workerData } = require('node:worker_threads');
import(${api}).then(async ({ spawn }) => {
  const child = await spawn('/bin/sh', ['-c', 'read line; echo "$line" >out'], workerData);
  require('node:worker_threads').parentPort.postMessage(child.pid);
  child.unref();
});`;
  const pipe = join(d, 'pipe');
  await run('mkfifo', [pipe]);
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength: 'kernel' };
  const options = { cwd: d, sandbox, stdin: { file: pipe, access: 'readwrite' } };
  const worker = new Worker(script, { eval: true, workerData: options });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  writeFileSync(pipe, 'alive\n');
  const deadline = Date.now() + patience(10_000);
  while (!existsSync(out) || readFileSync(out, 'utf8') === '') {
    assert.ok(Date.now() < deadline, 'the program has ended with the thread');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(readFileSync(out, 'utf8'), 'alive\n');
});

test('a crash is reported (case 46)', async (strength) => {
  const sandbox = { read: PROGRAMS, strength };
  const options = { sandbox, reject: false, rlimits: { core: 'unlimited' as const } };
  const { status } = await run('/bin/sh', ['-c', 'kill -SEGV $$'], options);
  assert.equal(status.signal, 'SIGSEGV');
  assert.equal(
    status.coreDumped && readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('core'),
    false,
  );
});

/** What a program inside an outer restriction gets of its own sandboxes. */
async function nested(
  d: string,
  file: string,
  args: readonly string[],
  outer: Pick<RunOptions, 'sandbox'>,
) {
  const program = join(d, 'program.mjs');
  const api = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);
  writeFileSync(
    program,
    `import { spawn } from ${api};
const results = {};
for (const strength of ['best', 'kernel', 'namespaces']) {
  const sandbox = { read: ${JSON.stringify(PROGRAMS)}, write: ['/dev/null'], strength };
  try {
    const child = await spawn('/bin/true', { sandbox });
    results[strength] = { code: (await child.exited).code, layers: child.sandbox.layers };
  } catch (error) {
    results[strength] = { message: error.message };
  }
}
console.log(JSON.stringify(results));\n`,
  );
  const { stdout } = await run(file, [...args, process.execPath, program], outer);
  return JSON.parse(stdout);
}

once('a sandbox in a sandbox says why it has no mounts (case 54)', async (d) => {
  const sandbox = { read: ['/'], write: ['/dev/null'], strength: 'kernel' } as const;
  const { best, kernel, namespaces } = await nested(d, '/usr/bin/env', [], { sandbox });
  assert.equal(best.code, 0);
  assert.equal(kernel.code, 0);
  const told = best.layers.find(({ layer }: { layer: string }) => layer === 'namespaces');
  assert.ok(told?.holds === false && told.reason !== '');
  assert.match(namespaces.message, /^sandbox\.strength cannot be 'namespaces' on this system: /);
});

once('a sandbox where new namespaces are refused says so (case 55)', async (d) => {
  const deny = ['docker', '--'];
  const { best, namespaces } = await nested(d, helper('deny'), ['--errno', 'EPERM', ...deny], {});
  assert.equal(best.code, 0);
  const told = best.layers.find(({ layer }: { layer: string }) => layer === 'namespaces');
  assert.match(told?.reason ?? '', /EPERM/);
  assert.match(namespaces.message, /EPERM/);
});

once('a sandbox without Landlock is refused in the strength of the kernel (case 52)', async (d) => {
  const words = ['--errno', 'ENOSYS', 'landlock', '--'];
  const { kernel } = await nested(d, helper('deny'), words, {});
  assert.match(kernel.message, /Landlock: it was not built in/);
});

anyTest(
  'values that cannot be are refused by the path of the option (case 63)',
  async () => {
    const refused: readonly (readonly [sandbox: object, path: string])[] = [
      [{ network: { connect: [70000] } }, 'sandbox.network.connect[0] must be'],
      [{ network: 'none' }, 'sandbox.network must be'],
      [{ network: { connect: ['https'] } }, 'sandbox.network.connect[0] must be'],
      [{ network: { listen: [1] } }, "Unknown option 'sandbox.network.listen'"],
      [{ memory: 'lots' }, 'sandbox.memory must be'],
      [{ memory: 0 }, 'sandbox.memory must be'],
      [{ time: -1 }, 'sandbox.time must be'],
      [{ time: '10 parsecs' }, 'sandbox.time must be'],
      [{ strength: 'max' }, 'sandbox.strength must be'],
      [{ reads: [] }, "Unknown option 'sandbox.reads'"],
      [{ read: '/usr' }, 'sandbox.read must be'],
      [{ write: [5] }, 'sandbox.write[0] must be'],
      [{ processes: 0 }, 'sandbox.processes must be'],
      [{ cpu: 1.5 }, 'sandbox.cpu must be'],
      [{ keep: 'PATH' }, 'sandbox.keep must be'],
    ];
    for (const [sandbox, message] of refused) {
      await assert.rejects(run('/bin/true', { sandbox } as RunOptions), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE');
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      });
    }
  },
  { skip: noLandlock },
);

test('the environment has what is kept, and what is given', async (strength) => {
  const sandbox = { read: PROGRAMS, keep: ['PATH', 'NOT_THERE'], strength };
  const { stdout } = await run('/usr/bin/env', { sandbox, env: { A: '1' }, lines: true });
  const names = stdout
    .map((line) => line.split('=')[0])
    .filter((name) => !/^FORKEXEC_/.test(name ?? ''));
  assert.deepEqual(names.sort(), ['A', 'PATH']);
});
