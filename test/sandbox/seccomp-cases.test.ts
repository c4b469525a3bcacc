// Situations that people met with filters of system calls; the numbers are those of their list.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend } from '#dist/backend.js';
import { explain, type LaunchOptions, run } from '#dist/index.js';
import { type Call, outcomesOf } from '../helpers/calls.js';
import { lackOfProgram } from '../helpers/sandbox.js';
import { withFolder } from '../helpers/state.js';
import { lacks, test } from '../helpers/test.js';

const lack = backend !== 'linux' && 'filters are of Linux, and not of the portable backend';

const noPython = lack || lackOfProgram('python3');
/** The program itself: what PATH has may be a script that starts it. */
const pythonPath =
  noPython === false
    ? (await run('python3', ['-c', 'import sys; print(sys.executable)'])).stdout
    : 'python3';

async function node(script: string, options: LaunchOptions): Promise<string> {
  const { stdout } = await run(process.execPath, ['-e', script], options as { encoding: 'utf8' });
  return stdout;
}

async function python(script: string, options: LaunchOptions): Promise<string> {
  const { stdout } = await run(pythonPath, ['-c', script], options as { encoding: 'utf8' });
  return stdout;
}

/** A program for i386 that writes a line and exits, by int 0x80. */
function programForI386(): Buffer {
  const code = Buffer.from(
    // mov eax,4; mov ebx,1; mov ecx,text; mov edx,3; int 0x80; mov eax,1; xor ebx,ebx; int 0x80
    `b804000000bb01000000b976800408ba03000000cd80b80100000031dbcd806f6b0a`,
    'hex',
  );
  const size = 84 + code.length;
  const header = Buffer.alloc(84);
  header.write('\x7fELF\x01\x01\x01', 'latin1');
  header.writeUInt16LE(2, 16); // ET_EXEC
  header.writeUInt16LE(3, 18); // EM_386
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(0x0804_8054, 24); // the entry: behind the headers
  header.writeUInt32LE(52, 28); // where the program header is
  header.writeUInt16LE(52, 40);
  header.writeUInt16LE(32, 42);
  header.writeUInt16LE(1, 44);
  const segment = [1, 0, 0x0804_8000, 0x0804_8000, size, size, 5, 0x1000];
  for (const [index, value] of segment.entries()) header.writeUInt32LE(value, 52 + index * 4);
  const offset = code.indexOf('6f6b0a', 'hex');
  code.writeUInt32LE(0x0804_8054 + offset, 11);
  return Buffer.concat([header, code]);
}

/** Whether this kernel runs programs for i386. */
async function lackOfI386(): Promise<string | false> {
  if (process.arch !== 'x64') return 'this machine does not run programs for i386';
  return withFolder(async (folder) => {
    const path = join(folder, 'program');
    writeFileSync(path, programForI386(), { mode: 0o755 });
    const result = await run(path, { reject: false }).catch((error: Error) => error);
    if (result instanceof Error) return `this kernel runs no programs for i386: ${result.message}`;
    return result.status.ok ? false : `a program for i386 ends with ${result.status}`;
  });
}

const noI386 = lack || (await lackOfI386());

const NO_NETWORK = { seccomp: 'no-network' } as const;

test(
  'node talks to its own children without a network (case 32)',
  async () => {
    const script = `const { status, error, stdout } = require('child_process').spawnSync('cat', { input: 'x' });
console.log(status, error, String(stdout));`;
    assert.equal(await node(script, NO_NETWORK), '0 undefined x');
  },
  { skip: lack },
);

test(
  'asyncio of Python wakes up without a network (case 32)',
  async () => {
    const script = `import asyncio
async def main():
  print(await asyncio.get_running_loop().run_in_executor(None, lambda: 42))
asyncio.run(main())`;
    assert.equal(await python(script, NO_NETWORK), '42');
  },
  { skip: noPython },
);

test(
  'a name is not found without a network, at once and without a signal (case 33)',
  async () => {
    const script = `require('dns').lookup('no-such.invalid', (error) => console.log(error.code));`;
    assert.match(await node(script, NO_NETWORK), /^(EAI_AGAIN|ENOTFOUND)$/);
    const local = `require('dns').lookup('localhost', (error, address) => console.log(error?.code ?? address));`;
    assert.match(await node(local, NO_NETWORK), /^(127\.0\.0\.1|::1)$/);
  },
  { skip: lack },
);

test(
  'a server without a network gets an error event (case 34)',
  async () => {
    const script = `require('net').createServer().on('error', ({ code }) => console.log(code)).listen(0);`;
    const code = await node(script, NO_NETWORK);
    // There is an event all the same.
    if (process.versions['bun'] && code === 'undefined') lacks('codes of errors of servers');
    assert.equal(code, 'EAFNOSUPPORT');
  },
  { skip: lack },
);

test(
  'threads start where new namespaces are refused, and namespaces are refused (case 47)',
  async () => {
    const script =
      'import threading\nt = threading.Thread(target=lambda: print(1))\nt.start(); t.join()';
    for (const seccomp of ['container', 'compute'] as const) {
      if (noPython === false) assert.equal(await python(script, { seccomp }), '1');
      assert.equal(await node('console.log(2)', { seccomp }), '2');
    }
    const unshare: Call[] = [
      ['unshare', 0x1000_0000],
      ['clone', 0x1000_0011],
      ['clone3', { zeros: 88 }, 88],
    ];
    const outcomes = await outcomesOf(unshare, { seccomp: 'container' });
    assert.deepEqual(outcomes, ['EPERM', 'EPERM', 'ENOSYS']);
    const fork: Call[] = [
      ['clone', 17],
      ['socket', 2, 1, 0],
    ];
    assert.deepEqual(await outcomesOf(fork, { seccomp: 'compute' }), ['EPERM', 'EAFNOSUPPORT']);
  },
  { skip: lack },
);

test(
  'node reads a file where io_uring is refused (case 48)',
  async () => {
    const env = { UV_USE_IO_URING: '1' };
    const script = `require('fs').promises.readFile('/etc/passwd').then(({ length }) => console.log(length > 0));`;
    assert.equal(await node(script, { seccomp: 'container', env }), 'true');
  },
  { skip: lack },
);

test(
  'the call that a filter kills for is named (case 49)',
  () =>
    withFolder(async (cwd) => {
      const seccomp = { default: 'allow', rules: [{ calls: ['mkdir'], action: 'kill' }] } as const;
      const { status } = await run('/bin/mkdir', ['x'], { cwd, seccomp, reject: false });
      assert.equal(status.signal, 'SIGSYS');
      assert.match(explain(status) ?? '', /it called mkdir\./);
    }),
  { skip: lack || (process.arch !== 'x64' && 'mkdir(1) calls mkdirat on this architecture') },
);

test(
  'a program for i386 is ended as foreign, and runs where that is among the architectures (case 50)',
  () =>
    withFolder(async (folder) => {
      const path = join(folder, 'program');
      writeFileSync(path, programForI386(), { mode: 0o755 });
      const rules = [{ calls: ['stat'], action: 'kill' }] as const;
      const { status } = await run(path, { seccomp: { rules }, reject: false });
      assert.equal(status.signal, 'SIGSYS');
      assert.match(explain(status) ?? '', /foreign architecture i386/);
      assert.doesNotMatch(explain(status) ?? '', /stat/);
      const seccomp = { rules, architectures: ['x86_64', 'i386'] } as const;
      assert.equal((await run(path, { seccomp })).stdout, 'ok');
      const denied = {
        ...seccomp,
        rules: [{ calls: ['write'], action: { errno: 'EDOM' } }],
      } as const;
      await assert.rejects(run(path, { seccomp: denied as never }), /write/);
    }),
  { skip: noI386 },
);

test(
  'filters lie on one another, and the strictest action holds (case 51)',
  async () => {
    const filter = (action: 'errno' | 'kill' | 'allow') => {
      return { rules: [{ calls: ['sched_yield'], action }] } as const;
    };
    const yields: Call[] = [['sched_yield']];
    const errno = [filter('allow'), filter('errno'), filter('allow')];
    assert.deepEqual(await outcomesOf(yields, { seccomp: errno }), ['EPERM']);
    const killing = Array.from({ length: 16 }, (_, index) =>
      filter(index === 3 ? 'kill' : 'errno'),
    );
    await assert.rejects(outcomesOf(yields, { seccomp: killing }), /bad system call/);
    // Three launches within one another, each with sixteen filters.
    const api = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);
    await withFolder(async (folder) => {
      const program = join(folder, 'program.mjs');
      writeFileSync(
        program,
        `import { readFileSync } from 'node:fs';
import { exec } from ${api.replace('index.js', 'process/index.js')};
const depth = Number(process.argv[2]);
const seccomp = Array(16).fill({ rules: [{ calls: ['acct'], action: 'errno' }] });
if (depth > 0) exec(process.execPath, [process.argv[1], String(depth - 1)], { seccomp });
console.log(/Seccomp_filters:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);`,
      );
      const { stdout } = await run(process.execPath, [program, '3']);
      assert.ok(Number(stdout) >= 48, stdout);
    });
  },
  { skip: lack },
);

test(
  'a filter that is too long is refused before the launch',
  async () => {
    const calls = ['read', 'open', 'close', 'stat', 'fstat', 'lstat', 'poll'];
    const rules = Array.from({ length: 1200 }, (_, index) => ({
      calls: [calls[index % calls.length] as string],
      arguments: [{ index: 0, op: 'eq' as const, value: index }],
      action: { errno: 1 + index },
    }));
    await assert.rejects(run('/bin/true', { seccomp: { rules } }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^seccomp must be shorter: it has \d+ instructions/,
    });
  },
  { skip: lack },
);
