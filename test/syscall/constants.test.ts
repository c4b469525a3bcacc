import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as running from '#dist/syscall/constants.js';
import * as arm64 from '#dist/syscall/linux-arm64.js';
import * as x64 from '#dist/syscall/linux-x64.js';

// The tests run from the package's root, wherever they were compiled to.
const root = process.cwd();
const generator = resolve(root, 'scripts/generate-constants');
const newer = readFileSync(resolve(root, 'scripts/constants/newer.h'), 'utf8');

function compilerFor(arch: string): string {
  const triple = arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  return arch === process.arch ? 'cc' : `${triple}-gcc`;
}

/** Why `compiler` can't read the headers, or undefined if it can. */
function lack(compiler: string): string | undefined {
  const input = '#include <errno.h>\n#include <linux/version.h>\n';
  const { error, status, stderr } = spawnSync(compiler, ['-E', '-x', 'c', '-'], {
    input,
    encoding: 'utf8',
  });
  if (error !== undefined) return error.message;
  return status === 0 ? undefined : stderr.split('\n')[0];
}

/** Every `key: value` of a generated file, as 'TABLE.key' → the value's text. */
function parseEntries(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const path: string[] = [];
  for (const line of text.split('\n')) {
    const open = /^\s*(?:export const )?(\w+)(?: =|:) \{$/.exec(line);
    const entry = /^\s+(\w+): (.+),$/.exec(line);
    if (open?.[1] !== undefined) path.push(open[1]);
    else if (/^\s*\}/.test(line)) path.pop();
    else if (entry?.[1] !== undefined) found.set([...path, entry[1]].join('.'), entry[2] ?? '');
  }
  return found;
}

const headersOf = (text: string) => /^\/\/ Headers: .*$/m.exec(text)?.[0];

function compareWithCommitted(t: TestContext, table: string, directory: string): void {
  execFileSync(process.execPath, [generator, '--out', directory, table]);
  const name = `${table}.ts`;
  const made = readFileSync(join(directory, name), 'utf8');
  const committed = readFileSync(resolve(root, 'src/syscall', name), 'utf8');
  if (headersOf(made) === headersOf(committed)) {
    assert.equal(made, committed);
    return;
  }
  // Other headers know other names; what both know is the kernel's ABI and has to agree.
  t.diagnostic(`compared by entry: here ${headersOf(made)}, committed ${headersOf(committed)}`);
  const here = parseEntries(made);
  const shared = [...parseEntries(committed)].filter(([key]) => here.has(key));
  assert.ok(shared.length > 1000, `only ${shared.length} shared entries`);
  for (const [key, value] of shared) {
    // Messages are the C library's, not an ABI.
    if (/^(?:E_MESSAGE|SIG_DESCRIPTION)\./.test(key)) continue;
    assert.equal(here.get(key), value, key);
  }
}

// Those of macOS and FreeBSD take Zig: `scripts/generate-constants --check darwin freebsd`.
describe('scripts/generate-constants', () => {
  const lacks = {
    'linux-x64': () => lack(compilerFor('x64')) ?? lack('cc'),
    'linux-arm64': () => lack(compilerFor('arm64')) ?? lack('cc'),
  };
  for (const [table, why] of Object.entries(lacks)) {
    it(`scripts/generate-constants makes the committed ${table}.ts`, (t) => {
      const reason = why();
      if (reason !== undefined) {
        t.skip(reason);
        return;
      }
      const directory = mkdtempSync(join(tmpdir(), 'forkexec-constants-'));
      try {
        compareWithCommitted(t, table, directory);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    });
  }
});

// Where a C program would find each group's names: the C library's headers first, which the
// generator mostly doesn't read, then the kernel's.
const HEADERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  SYS: [['sys/syscall.h']],
  SIG: [['signal.h']],
  E: [['errno.h']],
  E_ALIAS: [['errno.h']],
  O: [['fcntl.h'], ['linux/fcntl.h']],
  AT: [['fcntl.h'], ['linux/fcntl.h']],
  F: [['fcntl.h'], ['linux/fcntl.h']],
  FD: [['fcntl.h']],
  PR: [['sys/prctl.h']],
  RLIMIT: [['sys/resource.h']],
  CLONE: [['sched.h'], ['linux/sched.h']],
  P: [['sys/wait.h'], ['linux/wait.h']],
  W: [['sys/wait.h'], ['linux/wait.h']],
  CLD: [['signal.h']],
  SA: [['signal.h'], ['asm/signal.h']],
  SIG_HOW: [['signal.h']],
  SI: [['signal.h'], ['asm/siginfo.h']],
  TIOC: [['sys/ioctl.h', 'asm/termbits.h', 'linux/serial.h']],
  TERMIOS: [['termios.h'], ['asm/termbits.h']],
  SCHED: [['sched.h'], ['linux/sched.h', 'linux/sched/types.h']],
  PRIO: [['sys/resource.h'], ['linux/resource.h']],
  IOPRIO: [['linux/ioprio.h']],
  CAP: [['linux/capability.h']],
  CAP_VERSION: [['linux/capability.h']],
  SECBIT: [['linux/securebits.h']],
  NS: [['linux/nsfs.h']],
  PTRACE: [['sys/ptrace.h'], ['linux/ptrace.h', 'asm/ptrace.h']],
  NT: [['elf.h']],
  PIDFD: [['sys/pidfd.h'], ['linux/pidfd.h']],
  EPOLL: [['sys/epoll.h'], ['linux/eventpoll.h']],
  POLL: [['poll.h'], ['asm/poll.h']],
  SOCK: [['sys/socket.h'], ['asm/socket.h']],
  RUSAGE: [['sys/resource.h'], ['linux/resource.h']],
  CLOSE_RANGE: [['linux/close_range.h']],
  MFD: [['sys/mman.h'], ['linux/memfd.h']],
  S: [['sys/stat.h']],
  MS: [['sys/mount.h'], ['linux/mount.h']],
  MNT: [['sys/mount.h']],
  SFD: [['sys/signalfd.h']],
  EFD: [['sys/eventfd.h']],
  ITIMER: [['sys/time.h'], ['linux/time.h']],
  SECCOMP: [['linux/seccomp.h', 'sys/ioctl.h']],
  SC: [['unistd.h']],
};

// Where the C library's view of the name is not the kernel's.
const NOT_THE_KERNELS = new Set([
  'O_LARGEFILE', // 0: it is always on there
  'NCCS', // of glibc's own struct termios
  'SIGRTMIN', // calls, not constants; tested below
  'SIGRTMAX',
]);

// Enumerators, of which `#ifdef` knows nothing.
const ENUMERATORS = /^(?:IOPRIO_(?:CLASS|WHO)_\w+)$/;

/** Asserts the entries in C; returns the names these headers don't define. */
function assertInC(
  compiler: string,
  headers: readonly string[],
  names: ReadonlyMap<string, number>,
): string[] {
  const source = [
    '#define _GNU_SOURCE 1',
    ...headers.map((header) => `#include <${header}>`),
    ...[...names].flatMap(([name, value]) => {
      const check = `_Static_assert((long long)(${name}) == ${value}LL, "${name}");`;
      return ENUMERATORS.test(name)
        ? [check]
        : [`#ifdef ${name}`, check, '#else', `#pragma message "missing ${name}"`, '#endif'];
    }),
  ].join('\n');
  const { status, stderr } = spawnSync(compiler, ['-fsyntax-only', '-x', 'c', '-'], {
    input: source,
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${headers.join(' ')}: ${stderr}`);
  return [...stderr.matchAll(/message: missing (\w+)/g)].map(([, name]) => name ?? '');
}

type Tables = Readonly<Record<string, Readonly<Record<string, number>>>>;
const NOT_NUMBERS = ['SIG_DESCRIPTION', 'E_MESSAGE', 'AUDIT_ARCH', 'LAYOUT'];

/** Checks one table's entries against each set of headers in turn; counts those none knows. */
function countUnseen(
  compiler: string,
  table: string,
  entries: readonly (readonly [string, number])[],
): number {
  const prefix = table === 'SYS' ? '__NR_' : '';
  let left = new Map(entries.map(([key, value]) => [`${prefix}${key}`, value]));
  for (const headers of HEADERS[table] ?? []) {
    const missing = new Set(assertInC(compiler, headers, left));
    left = new Map([...left].filter(([name]) => missing.has(name)));
  }
  for (const name of left.keys()) {
    assert.match(newer, new RegExp(`#define ${name}\\b`), `${name} is in no header`);
  }
  return left.size;
}

for (const [arch, module] of Object.entries({ x64, arm64 })) {
  describe(`linux-${arch}`, () => {
    const compiler = compilerFor(arch);
    const tables = Object.entries(module as unknown as Tables).filter(
      ([table]) => !NOT_NUMBERS.includes(table),
    );

    it(`linux-${arch}: every table has headers to be checked against`, () => {
      assert.deepEqual(tables.map(([table]) => table).sort(), Object.keys(HEADERS).sort());
    });

    it(`linux-${arch}: every entry has the value that C programs see`, (t) => {
      const reason = lack(compiler);
      if (reason !== undefined) {
        t.skip(reason);
        return;
      }
      let seen = 0;
      let unseen = 0;
      for (const [table, values] of tables) {
        const entries = Object.entries(values).filter(([key]) => !NOT_THE_KERNELS.has(key));
        const missing = countUnseen(compiler, table, entries);
        seen += entries.length - missing;
        unseen += missing;
      }
      t.diagnostic(`${seen} checked, ${unseen} newer than the headers`);
    });
  });
}

describe('constants', () => {
  it('SIG and E have the numbers of node:os', () => {
    for (const [name, number] of Object.entries(constants.signals)) {
      if (name in running.SIG) assert.equal(running.SIG[name as 'SIGHUP'], number, name);
      else assert.match(name, /^SIG(?:IOT|POLL|UNUSED|CLD)$/);
    }
    const errors: Readonly<Record<string, number>> = { ...running.E, ...running.E_ALIAS };
    for (const [name, number] of Object.entries(constants.errno)) {
      assert.equal(errors[name], number, name);
    }
  });

  it('SIGRTMIN and SIGRTMAX are those of the C library', (t) => {
    const reason = lack('cc');
    if (reason !== undefined) {
      t.skip(reason);
      return;
    }
    const directory = mkdtempSync(join(tmpdir(), 'forkexec-signals-'));
    try {
      const program = join(directory, 'signals');
      const input =
        '#include <signal.h>\n#include <stdio.h>\n' +
        'int main(void) { printf("%d %d", SIGRTMIN, SIGRTMAX); return 0; }\n';
      execFileSync('cc', ['-o', program, '-x', 'c', '-'], { input });
      const bounds = `${running.SIG.SIGRTMIN} ${running.SIG.SIGRTMAX}`;
      assert.equal(execFileSync(program, { encoding: 'utf8' }), bounds);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('every signal and error has a text', () => {
    const named = Object.keys(running.SIG).filter((name) => !name.startsWith('SIGRT'));
    assert.deepEqual(Object.keys(running.SIG_DESCRIPTION), named);
    assert.deepEqual(Object.keys(running.E_MESSAGE), Object.keys(running.E));
    assert.equal(running.SIG_DESCRIPTION.SIGSEGV, 'segmentation fault');
    assert.equal(running.SIG_DESCRIPTION.SIGXCPU, 'CPU time limit exceeded');
    assert.equal(running.SIG_DESCRIPTION.SIGIO, 'I/O possible');
    assert.equal(running.E_MESSAGE.ENOENT, 'no such file or directory');
    assert.equal(running.E_MESSAGE.EIO, 'i/o error');
  });
});
