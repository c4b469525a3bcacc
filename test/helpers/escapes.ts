// What a program in a sandbox tries to get out, as system calls of the program itself. All is harmless where it
// succeeds.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { AT, O, PR, S, SOCK } from '#dist/syscall/constants.js';
import type { Call } from './calls.js';
import { helper } from './state.js';

const CWD = AT.AT_FDCWD;

/** The folders of a trial: one that may be written, and one that is outside of the policy. */
export interface Place {
  readonly inside: string;
  readonly outside: string;
  readonly socket: string;
  readonly abstract: string;
}

export interface Escape {
  readonly name: string;
  /** The last call is the escape; results of earlier ones are numbered within this list. */
  readonly calls: (place: Place) => readonly Call[];
  /** Where it is not stopped, at least for root. */
  readonly open?: readonly ('kernel' | 'namespaces')[];
  /** What says that it is stopped, where that is no error. */
  readonly stopped?: number;
}

function unix(path: string, size = 110): Uint8Array {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt16LE(SOCK.AF_UNIX, 0);
  bytes.write(path, 2);
  return bytes;
}

const one = (name: string, call: (place: Place) => Call, more: Partial<Escape> = {}): Escape => ({
  name,
  calls: (place) => [call(place)],
  ...more,
});

const secret = ({ outside }: Place): string => join(outside, 'secret');
const made = ({ outside }: Place): string => join(outside, 'made');
const socketOf = (family: number, type: number = SOCK.SOCK_STREAM): Call => [
  'socket',
  family,
  type,
  0,
];

export const escapes: readonly Escape[] = [
  one('read a file outside', (p) => ['openat', CWD, secret(p), O.O_RDONLY, 0]),
  one('write a file outside', (p) => ['openat', CWD, secret(p), O.O_WRONLY, 0]),
  one('create a file outside', (p) => ['openat', CWD, made(p), O.O_CREAT | O.O_WRONLY, 0o600]),
  one('list a directory outside', (p) => ['openat', CWD, p.outside, O.O_DIRECTORY, 0]),
  one('leave by ..', (p) => ['openat', CWD, `${p.inside}/../outside/secret`, O.O_RDONLY, 0]),
  {
    name: 'leave by a symbolic link',
    calls: (p) => [
      ['symlinkat', secret(p), CWD, join(p.inside, 'link')],
      ['openat', CWD, join(p.inside, 'link'), O.O_RDONLY, 0],
    ],
  },
  one('leave by a hard link', (p) => ['linkat', CWD, secret(p), CWD, join(p.inside, 'hard'), 0]),
  one('rename a file out of the tree', (p) => ['renameat', CWD, join(p.inside, 'f'), CWD, made(p)]),
  one('rename a file into the tree', (p) => ['renameat', CWD, secret(p), CWD, join(p.inside, 's')]),
  one('exchange two files', (p) => ['renameat2', CWD, secret(p), CWD, join(p.inside, 'f'), 2]),
  one('remove a file outside', (p) => ['unlinkat', CWD, secret(p), 0]),
  one('make a directory outside', (p) => ['mkdirat', CWD, made(p), 0o700]),
  one('truncate a file outside', (p) => ['truncate', secret(p), 0]),
  one('make a socket outside', (p) => ['mknodat', CWD, made(p), S.S_IFSOCK, 0]),
  one('make a device inside', (p) => ['mknodat', CWD, join(p.inside, 'd'), S.S_IFCHR, 0x103]),
  one('go through /proc/self/root', (p) => ['openat', CWD, `/proc/self/root${secret(p)}`, 0, 0]),
  one('go through the parent in /proc', (p) => [
    'openat',
    CWD,
    `/proc/${process.pid}/root${secret(p)}`,
    0,
    0,
  ]),
  one('open with openat2', (p) => ['openat2', CWD, secret(p), { zeros: 24 }, 24]),
  one('open by handle', () => ['open_by_handle_at', CWD, { zeros: 16 }, 0]),
  one('use an inherited descriptor', () => ['fcntl', 3, 1]),
  one('execute a program outside', (p) => ['execve', join(p.outside, 'program'), 0, 0]),
  one('change the root', (p) => ['chroot', p.inside]),
  one('open a socket of IPv4', () => socketOf(SOCK.AF_INET)),
  one('open a socket of IPv6', () => socketOf(SOCK.AF_INET6)),
  one('open a packet socket', () => socketOf(SOCK.AF_PACKET, SOCK.SOCK_RAW)),
  one('open a netlink socket', () => socketOf(SOCK.AF_NETLINK, SOCK.SOCK_RAW)),
  one('open a socket to the host of a virtual machine', () => socketOf(SOCK.AF_VSOCK)),
  {
    name: 'connect to an abstract socket outside',
    calls: (p) => [
      socketOf(SOCK.AF_UNIX),
      ['connect', { result: 0 }, unix(p.abstract, 2 + p.abstract.length), 2 + p.abstract.length],
    ],
  },
  {
    name: 'connect to a socket with a path outside',
    calls: (p) => [socketOf(SOCK.AF_UNIX), ['connect', { result: 0 }, unix(p.socket), 110]],
    ...(landlockAbi() < 9 ? { open: ['kernel'] as const } : {}),
  },
  one('signal a process outside', () => ['kill', process.pid, 0]),
  {
    name: 'signal a process outside by pidfd',
    calls: () => [
      ['pidfd_open', process.pid, 0],
      ['pidfd_send_signal', { result: 0 }, 0, 0, 0],
    ],
  },
  one('trace a process outside', () => ['ptrace', 0x4206, process.pid, 0, 0]),
  one(
    'read the memory of a process outside',
    () => ['process_vm_readv', process.pid, 0, 0, 0, 0, 0],
    {
      stopped: 0, // of no bytes: nothing was read
    },
  ),
  one(
    'gain privileges by a set-user-ID program',
    () => ['prctl', PR.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0],
    {
      stopped: 1, // whether it is without effect
    },
  ),
  one('make a user namespace', () => ['unshare', 0x1000_0000]),
  one('make a user namespace with clone', () => ['clone', 0x1000_0011, 0, 0, 0, 0]),
  one('make a process with clone3', () => ['clone3', { zeros: 88 }, 88]),
  one('join a namespace', () => ['setns', 0, 0]),
  one('mount', (p) => ['mount', 'none', p.inside, 'tmpfs', 0, 0]),
  one('mount by the new calls', () => ['fsopen', 'tmpfs', 0]),
  one('unmount', (p) => ['umount2', p.inside, 2]),
  one('change the root mount', (p) => ['pivot_root', p.inside, p.inside]),
  one('use a keyring', () => ['keyctl', 0, -3, 0, 0, 0]),
  one('set up io_uring', () => ['io_uring_setup', 1, { zeros: 120 }]),
  one('load a program of BPF', () => ['bpf', 0, { zeros: 64 }, 64]),
  one('count events of others', () => ['perf_event_open', { zeros: 128 }, process.pid, -1, -1, 0]),
  one('load a module', () => ['finit_module', -1, '', 0]),
  one('type into the terminal', () => ['ioctl', 0, 0x5412, 'x']),
  one('set the clock', () => ['clock_settime', 99, { zeros: 16 }]),
  one('name the host', () => ['sethostname', 0, -1]),
  one(
    'see size and owner of a file outside',
    (p) => ['newfstatat', CWD, secret(p), { zeros: 256 }, 0],
    {
      open: ['kernel'],
    },
  ),
  one('change the mode of a file outside', (p) => ['fchmodat', CWD, secret(p), 0o644], {
    open: ['kernel'],
  }),
  one(
    'see the limits of a process outside',
    () => ['prlimit64', process.pid, 7, 0, { zeros: 16 }],
    {
      open: ['kernel', 'namespaces'],
    },
  ),
];

async function withPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'forkexec-escapes-')));
  const [inside, outside] = [join(folder, 'inside'), join(folder, 'outside')];
  const socket = join(outside, 'socket');
  const abstract = `\0forkexec-escapes-${process.pid}`;
  for (const path of [inside, outside]) {
    mkdirSync(path);
    chmodSync(path, 0o777);
  }
  chmodSync(folder, 0o755);
  writeFileSync(join(inside, 'f'), '', { mode: 0o666 });
  writeFileSync(join(outside, 'secret'), 'secret', { mode: 0o644 });
  writeFileSync(join(outside, 'program'), '#!/bin/sh\n', { mode: 0o755 });
  const servers = [socket, abstract].map((path) =>
    createServer((end) => end.destroy()).listen(path),
  );
  try {
    const result = await use({ inside, outside, socket, abstract });
    assert.equal(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
    assert.equal(existsSync(join(outside, 'made')), false);
    return result;
  } finally {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  }
}

/** What the calls of an escape return in a sandbox, made by a program in the folder that may be written. */
export type Runner = (
  calls: readonly Call[],
  program: string,
  inside: string,
) => Promise<readonly (number | string)[]>;

/** What became of each escape: whether it was stopped, and what its last call returned. */
export function tryAll(
  runner: Runner,
): Promise<Record<string, { isStopped: boolean; last: number | string | undefined }>> {
  return withPlace(async (place) => {
    // For every user to read: what is built may lie where only its owner does.
    const program = join(place.inside, 'calls');
    writeFileSync(program, readFileSync(helper('calls')), { mode: 0o755 });
    const all: Awaited<ReturnType<typeof tryAll>> = {};
    for (const { name, calls, stopped } of escapes) {
      const results = await runner(calls(place), program, place.inside).catch(() => ['escaped']);
      const last = results.at(-1);
      const isStopped = typeof last === 'string' ? last !== 'escaped' : last === stopped;
      all[name] = { isStopped, last };
    }
    return all;
  });
}
