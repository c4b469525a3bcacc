import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { LAYOUT, PIDFD, RLIMIT, SA, SIG, TERMIOS, TIOC } from '#dist/syscall/constants.js';
import * as darwin from '#dist/syscall/darwin.js';
import * as freebsd from '#dist/syscall/freebsd.js';
import {
  type Field,
  type IntegerType,
  type Layout,
  readStruct,
  writeStruct,
} from '#dist/syscall/layout.js';
import * as arm64 from '#dist/syscall/linux-arm64.js';
import * as x64 from '#dist/syscall/linux-x64.js';

const bitsOf = (type: IntegerType) => Number(type.slice(1));

function integer(type: IntegerType): fc.Arbitrary<number | bigint> {
  const bits = bitsOf(type);
  const wide = type.startsWith('i')
    ? fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n })
    : fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
  return bits === 64 ? wide : wide.map(Number);
}

function valuesFor([, type, count]: Field): fc.Arbitrary<unknown> {
  const one = integer(type);
  return count === undefined ? one : fc.array(one, { minLength: count, maxLength: count });
}

const endOf = ([offset, type, count]: Field) => offset + (bitsOf(type) / 8) * (count ?? 1);

/** The fields in order of their offsets, without those that share bytes with an earlier one. */
function withoutUnions(layout: Layout): [string, Field][] {
  let end = 0;
  return Object.entries(layout.fields).filter(([, field]) => {
    if (field[0] < end) return false;
    end = endOf(field);
    return true;
  });
}

const layouts: [string, Layout][] = Object.entries({ x64, arm64, darwin, freebsd }).flatMap(
  ([platform, { LAYOUT }]) =>
    Object.entries<Layout>(LAYOUT).map(([name, layout]): [string, Layout] => [
      `${platform} ${name}`,
      layout,
    ]),
);

describe('readStruct and writeStruct', () => {
  for (const [name, layout] of layouts) {
    it(`writeStruct and readStruct round-trip ${name}`, () => {
      const arbitraries = Object.fromEntries(
        withoutUnions(layout).map(([key, field]) => [key, valuesFor(field)]),
      );
      fc.assert(
        fc.property(fc.record(arbitraries), (values) => {
          const bytes = writeStruct(layout, values as Record<string, number>);
          assert.equal(bytes.byteLength, layout.size);
          const read: Record<string, unknown> = readStruct(layout, bytes);
          for (const [key, value] of Object.entries(values)) assert.deepEqual(read[key], value);
        }),
      );
    });

    it(`writeStruct touches only the bytes of the given field of ${name}`, () => {
      for (const [key, field] of Object.entries(layout.fields)) {
        fc.assert(
          fc.property(valuesFor(field), (value) => {
            const bytes = new Uint8Array(layout.size + 16).fill(0xa5);
            const struct = bytes.subarray(8, 8 + layout.size);
            writeStruct(layout, { [key]: value as number }, struct);
            assert.deepEqual(readStruct(layout, struct)[key], value);
            const [start, end] = [8 + field[0], 8 + endOf(field)];
            assert.ok(bytes.every((byte, at) => (at >= start && at < end) || byte === 0xa5));
          }),
          { numRuns: 20 },
        );
      }
    });
  }

  it('all fields lie within their struct', () => {
    for (const [name, { size, fields }] of layouts) {
      for (const [key, field] of Object.entries(fields)) {
        assert.ok(endOf(field) <= size, `${name}.${key}`);
      }
    }
  });

  it('readStruct returns 64-bit fields as bigints, and writeStruct takes safe integers for them', () => {
    const bytes = writeStruct(LAYOUT.timeval, { sec: -1, usec: 2n ** 40n });
    const read: { sec: bigint; usec: bigint } = readStruct(LAYOUT.timeval, bytes);
    assert.deepEqual(read, { sec: -1n, usec: 2n ** 40n });
  });

  it('writeStruct refuses values that the field cannot hold', () => {
    const refused = [
      () => writeStruct(LAYOUT.winsize, { row: 65536 }),
      () => writeStruct(LAYOUT.winsize, { row: -1 }),
      () => writeStruct(LAYOUT.winsize, { row: 1.5 }),
      () => writeStruct(LAYOUT.pollfd, { fd: 2 ** 31 }),
      () => writeStruct(LAYOUT.rlimit, { cur: -1n }),
      () => writeStruct(LAYOUT.rlimit, { cur: 2n ** 64n }),
      () => writeStruct(LAYOUT.rlimit, { cur: 2 ** 53 }),
      () => writeStruct(LAYOUT.termios, { cc: [0] }),
      () => writeStruct(LAYOUT.rlimit as Layout, { soft: 0 }),
    ];
    for (const write of refused) assert.throws(write, RangeError, String(write));
  });

  it('readStruct and writeStruct refuse bytes shorter than the struct', () => {
    assert.throws(() => readStruct(LAYOUT.rusage, new Uint8Array(143)), RangeError);
    assert.throws(() => writeStruct(LAYOUT.rlimit, {}, new Uint8Array(15)), RangeError);
  });
});

// A C program that has the kernel or the C library fill each struct, and prints its bytes and what
// C reads from it. Numbers of calls and ioctls come from the tables under test.
const PROGRAM = `
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void hex(const char *name, const void *bytes, size_t size) {
  printf("%s ", name);
  for (size_t i = 0; i < size; i++) printf("%02x", ((const unsigned char *)bytes)[i]);
}
#define SHOW(member) printf(" %lld", (long long)(member))
static void on_signal(int signo) { (void)signo; }

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  hex("rusage", &usage, sizeof usage);
  SHOW(usage.ru_utime.tv_usec), SHOW(usage.ru_maxrss), SHOW(usage.ru_minflt), SHOW(usage.ru_nivcsw);
  puts("");

  pid_t child = fork();
  if (child == 0) _exit(42);
  siginfo_t info;
  waitid(P_PID, (id_t)child, &info, WEXITED);
  hex("siginfo", &info, sizeof info);
  SHOW(info.si_signo), SHOW(info.si_code), SHOW(info.si_pid), SHOW(info.si_uid), SHOW(info.si_status);
  puts("");

  struct stat stat_;
  fstat(0, &stat_);
  hex("stat", &stat_, sizeof stat_);
  SHOW(stat_.st_dev), SHOW(stat_.st_ino), SHOW(stat_.st_nlink), SHOW(stat_.st_mode);
  SHOW(stat_.st_rdev), SHOW(stat_.st_blksize), SHOW(stat_.st_mtim.tv_nsec);
  puts("");

  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u64 = 0x0123456789abcdefULL};
  hex("epoll_event", &event, sizeof event);
  SHOW(event.events), SHOW(event.data.u64), puts("");

  struct user_regs_struct regs = {0};
  hex("user_regs", &regs, sizeof regs), puts("");

  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaddset(&action.sa_mask, SIGINT);
  sigaction(SIGUSR1, &action, NULL);
  unsigned char kernel[32];
  if (syscall(strtol(argv[1], NULL, 0), SIGUSR1, NULL, kernel, 8) == 0) {
    hex("sigaction", kernel, sizeof kernel);
    SHOW((size_t)on_signal), puts("");
  }

  struct rlimit set = {7, 99}, limit;
  setrlimit(RLIMIT_CORE, &set);
  if (syscall(strtol(argv[2], NULL, 0), 0, strtol(argv[3], NULL, 0), NULL, &limit) == 0) {
    hex("rlimit", &limit, sizeof limit), puts("");
  }

  unsigned char bytes[128] = {0};
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
  if (master >= 0 && ioctl(master, strtoul(argv[4], NULL, 0), bytes) == 0) {
    hex("termios", bytes, 36), puts("");
  }

  memset(bytes, 0, sizeof bytes);
  bytes[0] = 7;
  int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (pidfd >= 0 && ioctl(pidfd, strtoul(argv[5], NULL, 0), bytes) == 0) {
    hex("pidfd_info", bytes, 72);
    SHOW(getpid()), SHOW(getppid()), SHOW(geteuid()), puts("");
  }
  return 0;
}
`;

type Printed = Map<string, { bytes: Uint8Array; values: string[] }>;

function runProgram(directory: string): Printed {
  const program = join(directory, 'structs');
  execFileSync('cc', ['-w', '-o', program, '-x', 'c', '-'], { input: PROGRAM });
  const { SYS } = process.arch === 'arm64' ? arm64 : x64; // the kernel's, whatever the backend's are
  const calls = [SYS.rt_sigaction, SYS.prlimit64, RLIMIT.RLIMIT_CORE];
  const numbers = [...calls, TIOC.TCGETS, PIDFD.PIDFD_GET_INFO];
  const output = execFileSync(program, numbers.map(String), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const structs: Printed = new Map();
  for (const line of output.trimEnd().split('\n')) {
    const [name = '', hex = '', ...values] = line.split(' ');
    structs.set(name, { bytes: Buffer.from(hex, 'hex'), values });
  }
  return structs;
}

describe('LAYOUT, against a C program', () => {
  const directory = mkdtempSync(join(tmpdir(), 'forkexec-layout-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let structs: Printed | undefined;

  /** The struct C printed; undefined, the test skipped, where the kernel would not fill it. */
  function printed(t: TestContext, name: string) {
    structs ??= runProgram(directory);
    const struct = structs.get(name);
    if (struct === undefined) t.skip(`the kernel refused to fill ${name}`);
    return struct;
  }

  function compare<L extends Layout>(t: TestContext, name: string, layout: L, keys: string[]) {
    const struct = printed(t, name);
    if (struct === undefined) return undefined;
    assert.equal(struct.bytes.byteLength, layout.size);
    const read = readStruct(layout, struct.bytes);
    const fields: Readonly<Record<string, unknown>> = read;
    const values = keys.map((key) => String(fields[key]));
    assert.deepEqual(values, struct.values);
    return read;
  }

  it('readStruct reads a rusage as C does', (t) => {
    compare(t, 'rusage', LAYOUT.rusage, ['utime_usec', 'maxrss', 'minflt', 'nivcsw']);
  });

  it('readStruct reads the siginfo of a child that exited as C does', (t) => {
    const info = compare(t, 'siginfo', LAYOUT.siginfo, ['signo', 'code', 'pid', 'uid', 'status']);
    assert.equal(info?.signo, SIG.SIGCHLD);
    assert.equal(info?.status, 42);
  });

  it('readStruct reads a stat as C does', (t) => {
    const keys = ['dev', 'ino', 'nlink', 'mode', 'rdev', 'blksize', 'mtime_nsec'];
    compare(t, 'stat', LAYOUT.stat, keys);
  });

  it('readStruct reads an epoll_event as C does', (t) => {
    compare(t, 'epoll_event', LAYOUT.epoll_event, ['events', 'data']);
  });

  it('the fields of user_regs cover all registers', (t) => {
    compare(t, 'user_regs', LAYOUT.user_regs, []);
    const covered = Object.values<Field>(LAYOUT.user_regs.fields).map(endOf);
    assert.equal(Math.max(...covered), LAYOUT.user_regs.size);
  });

  it("readStruct reads the kernel's own sigaction", (t) => {
    const action = compare(t, 'sigaction', LAYOUT.sigaction, ['handler']);
    if (action === undefined) return;
    // glibc may add SA_RESTORER.
    assert.equal(action.flags & ~BigInt(SA.SA_RESTORER), BigInt(SA.SA_RESTART));
    assert.equal(action.mask, 1n << BigInt(SIG.SIGINT - 1));
  });

  it('readStruct reads an rlimit as C does', (t) => {
    assert.deepEqual(compare(t, 'rlimit', LAYOUT.rlimit, []), { cur: 7n, max: 99n });
  });

  it('readStruct reads the termios of a new terminal', (t) => {
    const termios = compare(t, 'termios', LAYOUT.termios, []);
    if (termios === undefined) return;
    const { ICANON, ECHO, ICRNL, VINTR, VEOF, VMIN } = TERMIOS;
    assert.equal(termios.lflag & (ICANON | ECHO), ICANON | ECHO);
    assert.equal(termios.iflag & ICRNL, ICRNL);
    assert.deepEqual([termios.cc[VINTR], termios.cc[VEOF], termios.cc[VMIN]], [3, 4, 1]);
  });

  it('readStruct reads a pidfd_info as C does', (t) => {
    compare(t, 'pidfd_info', LAYOUT.pidfd_info, ['pid', 'ppid', 'euid']);
  });
});
