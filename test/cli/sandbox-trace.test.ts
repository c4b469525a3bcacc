import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { backend } from '#dist/backend.js';
import { type RunOptions, runSync, type SandboxOptions, spawn } from '#dist/index.js';
import { bin, cli, type Outcome } from '../helpers/cli.js';
import { noPlainNamespaces } from '../helpers/facilities.js';
import { lackOfProgram, noMounts, once } from '../helpers/sandbox.js';
import { test } from '../helpers/test.js';

const noTracing =
  process.arch !== 'x64' && process.arch !== 'arm64' && 'traced programs are of x64 or arm64';

function forkexec(
  cwd: string,
  words: readonly string[],
  options: Pick<RunOptions, 'seccomp' | 'namespaces'> = {},
): Outcome {
  const { status, stdout, stderr } = runSync(process.execPath, [bin, ...words], {
    ...options,
    cwd,
    reject: false,
    stripFinalNewline: false,
  });
  return { code: status.code, stdout, stderr };
}

/** Runs a program, and returns what it printed and the policy that it needs. */
function traced(
  folder: string,
  program: readonly string[],
  flags: readonly string[] = [],
): Outcome & { policy: SandboxOptions } {
  const { code, stdout, stderr } = forkexec(folder, [
    ...['sandbox', '--trace', '--output', 'policy.json', ...flags, '--'],
    ...program,
  ]);
  const file = join(folder, 'policy.json');
  assert.ok(existsSync(file), stderr);
  const policy = JSON.parse(readFileSync(file, 'utf8')) as SandboxOptions;
  unlinkSync(file);
  return { code, stdout, stderr, policy };
}

/** Runs a program in a sandbox. */
function sandboxed(
  folder: string,
  program: readonly string[],
  policy: SandboxOptions,
  strength: string,
): Outcome {
  writeFileSync(join(folder, 'policy.json'), JSON.stringify(policy));
  const words = ['run', '--sandbox-file', 'policy.json', '--sandbox-strength', strength, '--'];
  const outcome = forkexec(folder, [...words, ...program]);
  unlinkSync(join(folder, 'policy.json'));
  return outcome;
}

const CASES: readonly (readonly [program: readonly string[], skip?: string | false])[] = [
  [['cat', 'given/f']],
  [['sh', '-c', 'cat given/f >made; echo made; exit 3']],
  [['python3', '-c', 'print("hello")'], lackOfProgram('python3')],
  [['node', '-e', 'console.log("hello")'], lackOfProgram('node')],
  [['git', 'init', 'repository'], lackOfProgram('git')],
];

for (const [program, skip = false] of CASES) {
  once(
    `${program[0]} runs under the policy that a trace of it printed, and reads no other file`,
    async (folder) => {
      mkdirSync(join(folder, 'given'));
      writeFileSync(join(folder, 'given/f'), 'text\n');
      writeFileSync(join(folder, 'given/g'), 'other\n');
      const { code, stdout, policy } = traced(folder, program);
      for (const strength of ['kernel', ...(noMounts === false ? ['namespaces'] : [])]) {
        for (const made of ['made', 'repository']) {
          rmSync(join(folder, made), { recursive: true, force: true });
        }
        const inside = sandboxed(folder, program, policy, strength);
        assert.deepEqual(
          { ...inside, strength },
          { code, stdout, stderr: inside.stderr, strength },
        );
      }
      if (policy.write?.some((path) => folder.startsWith(path))) return;
      const other = sandboxed(folder, ['cat', join(folder, 'given/g')], policy, 'kernel');
      assert.deepEqual({ code: other.code, stdout: other.stdout }, { code: 1, stdout: '' });
      assert.match(other.stderr, /Permission denied/);
    },
    skip || noTracing,
  );
}

once(
  'a trace of a program that reads one file names the file, and no directory that it is in',
  async (folder) => {
    writeFileSync(join(folder, 'f'), 'text\n');
    symlinkSync('f', join(folder, 'link'));
    mkdirSync(join(folder, 'out'));
    const script = 'exec 3<link; cd out; cat ../f; : >new; cat missing';
    const { policy, stdout, code } = traced(folder, ['sh', '-c', script]);
    assert.deepEqual({ stdout, code }, { stdout: 'text\n', code: 1 });
    const own = (paths: readonly string[] = []) => paths.filter((path) => path.startsWith(folder));
    assert.deepEqual(own(policy.read), [join(folder, 'f'), join(folder, 'link')]);
    assert.deepEqual(policy.write, [join(folder, 'out')]);
    assert.equal(policy.network, false);
  },
  noTracing,
);

once(
  'a trace follows threads, children in the background and programs that they execute',
  async (folder) => {
    for (const name of ['a', 'b', 'c']) writeFileSync(join(folder, name), `${name}\n`);
    writeFileSync(join(folder, 'script'), '#!/bin/sh\ncat b\n', { mode: 0o755 });
    const program = [
      'const { readFile } = require("node:fs");', // on a thread of libuv
      'readFile("a", () => {',
      '  const { spawn } = require("node:child_process");',
      '  spawn("sh", ["-c", "(sh -c ./script &) | cat; cat c"], { stdio: "inherit" });',
      '});',
    ].join('\n');
    const { policy, stdout } = traced(folder, ['node', '-e', program]);
    assert.equal(stdout, 'b\nc\n');
    const read = policy.read?.filter((path) => path.startsWith(`${folder}/`));
    assert.deepEqual(
      read,
      ['a', 'b', 'c', 'script'].map((name) => join(folder, name)),
    );
  },
  lackOfProgram('node') || noTracing,
);

once(
  'a trace lists the TCP ports that a program binds and connects to',
  async (folder) => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port: free } = server.address() as { port: number };
        server.close(() => resolve(free));
      });
    });
    const program = [
      'const net = require("node:net");',
      `const server = net.createServer((socket) => socket.end()).listen(${port}, "127.0.0.1", () =>`,
      `  net.connect(${port}, "127.0.0.1").on("close", () => server.close()).resume());`,
    ].join('\n');
    const { policy, code } = traced(folder, ['node', '-e', program]);
    assert.equal(code, 0);
    assert.deepEqual(policy.network, { connect: [port], bind: [port] });
    const inside = sandboxed(folder, ['node', '-e', program], policy, 'kernel');
    assert.deepEqual(inside, { code: 0, stdout: '', stderr: '' });
  },
  lackOfProgram('node') || noTracing,
);

once(
  'a trace prints the policy on stderr, names calls that no policy allows, and ends as the program did',
  async (folder) => {
    const words = (script: string): string[] => ['sandbox', '--trace', '--', 'sh', '-c', script];
    const { code, stderr } = forkexec(folder, words('unshare -r true; exit 7'));
    assert.equal(code, 7);
    assert.match(stderr, /^forkexec: the program called unshare, which every sandbox refuses$/m);
    const policy = JSON.parse(stderr.slice(stderr.indexOf('{'))) as SandboxOptions;
    assert.equal(policy.network, false);
    // A signal that ends the program ends forkexec as well.
    const killed = await spawn(process.execPath, [bin, ...words('kill -USR1 $$')], {
      cwd: folder,
      stderr: 'null',
    });
    assert.equal((await killed.exited).signal, 'SIGUSR1');
  },
  lackOfProgram('unshare') || noTracing,
);

once(
  'a signal to forkexec sandbox reaches the traced program',
  async (folder) => {
    const script = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done';
    const words = ['sandbox', '--trace', '--output', 'policy.json', '--', 'sh', '-c', script];
    const child = await spawn(process.execPath, [bin, ...words], { cwd: folder, stdout: 'pipe' });
    const lines = child.lines();
    for await (const line of lines) {
      assert.equal(line, 'ready');
      break;
    }
    child.kill('SIGTERM');
    assert.equal((await child.exited).code, 9);
    assert.ok(existsSync(join(folder, 'policy.json')));
  },
  noTracing,
);

once(
  'forkexec sandbox says what it lacks, and that ptrace is denied',
  async (folder) => {
    const words = ['sandbox', '--trace', '--', 'true'];
    const rules = [{ calls: ['ptrace'], action: 'errno' }] as const;
    const denied = forkexec(folder, words, { seccomp: { rules } });
    assert.equal(denied.code, 125);
    assert.match(denied.stderr, /^forkexec: ptrace\(.*\): EPERM/);
    const missing = forkexec(folder, ['sandbox', '--trace', '--', 'no-such-program']);
    assert.equal(missing.code, 127);
    const plain = forkexec(folder, ['sandbox', '--', 'true']);
    assert.equal(plain.code, 125);
    assert.match(plain.stderr, /sandbox needs --trace\. forkexec run --sandbox runs/);
    const strength = forkexec(folder, ['sandbox', '--trace', '--strength', 'max', '--', 'true']);
    assert.match(strength.stderr, /--strength must be best, kernel or namespaces, not max/);
    const output = forkexec(folder, ['sandbox', '--trace', '--output', 'no/file', '--', 'true']);
    assert.match(output.stderr, /^forkexec: --output: ENOENT/);
  },
  noTracing,
);

once(
  'forkexec sandbox traces nothing where /proc belongs to another pid namespace',
  async (folder) => {
    const words = ['sandbox', '--trace', '--', 'touch', 'made'];
    const { code, stderr } = forkexec(folder, words, { namespaces: { pid: true } });
    assert.equal(code, 125);
    assert.equal(stderr, 'forkexec: sandbox --trace needs the /proc of its own pid namespace\n');
    assert.ok(!existsSync(join(folder, 'made')));
  },
  noTracing || noPlainNamespaces,
);

test(
  'forkexec sandbox says that it takes Linux where it does',
  () => {
    const { code, stderr } = cli(['sandbox', '--trace', '--', 'true']);
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^forkexec: sandbox --trace is not available on this system: it takes Linux$/m,
    );
  },
  { skip: backend === 'linux' && 'the backend is that of Linux' },
);
