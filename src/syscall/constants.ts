// The constants of the running platform: plain tables, chosen once.

import { backend } from '../backend.js';
import * as darwin from './darwin.js';
import * as freebsd from './freebsd.js';
import * as arm64 from './linux-arm64.js';
import * as x64 from './linux-x64.js';
import * as posix from './posix.js';

type X64 = typeof x64;
type Arm64 = typeof arm64;
type Group = keyof X64 & keyof Arm64;
type Shared<G extends Group> = keyof X64[G] & keyof Arm64[G];

/** A constant every architecture has is a number; another may be missing where we run. */
type Constants<G extends Group> = Readonly<
  Record<Shared<G>, number> &
    Partial<Record<Exclude<keyof X64[G] | keyof Arm64[G], Shared<G>>, number>>
>;
type Texts<G extends Group> = Readonly<Record<Shared<G>, string>>;
type Layouts = { readonly [K in Shared<'LAYOUT'>]: X64['LAYOUT'][K] | Arm64['LAYOUT'][K] };

/**
 * The tables of a system that is not Linux. The types are those of Linux all the same, so that not
 * every constant may be missing there: what this system lacks is undefined, and the options that need
 * it are refused by name before that matters (src/launch/available.ts). Structs that calls fill in
 * are as on Linux, since the portable backend takes them so.
 */
function portable(): X64 {
  const own: { LAYOUT: object } | undefined = { darwin, freebsd }[process.platform as string];
  if (own === undefined) {
    throw new Error(`forkexec has no tables of constants for ${process.platform}`);
  }
  const nothing = Object.fromEntries(Object.keys(x64).map((group) => [group, {}]));
  const { rlimit, rusage, siginfo, timespec, pollfd } = x64.LAYOUT;
  const LAYOUT = { ...own.LAYOUT, rlimit, rusage, siginfo, timespec, pollfd };
  return { ...nothing, ...own, LAYOUT } as unknown as X64;
}

function chooseTables(): X64 | Arm64 {
  // The global: importing 'node:process' reads all its properties and so opens the standard streams.
  if (process.platform !== 'linux') return portable();
  return process.arch === 'arm64' ? arm64 : x64;
}

const tables: X64 | Arm64 = chooseTables();

/** Numbers of system calls; with the portable backend its own, and only what it has. */
export const SYS: Constants<'SYS'> =
  backend === 'posix' ? (posix.SYS as unknown as Constants<'SYS'>) : tables.SYS;
export const SIG: Constants<'SIG'> = tables.SIG;
export const E: Constants<'E'> = tables.E;
export const E_ALIAS: Constants<'E_ALIAS'> = tables.E_ALIAS;
export const O: Constants<'O'> = tables.O;
export const AT: Constants<'AT'> = tables.AT;
export const F: Constants<'F'> = tables.F;
export const FD: Constants<'FD'> = tables.FD;
export const PR: Constants<'PR'> = tables.PR;
export const RLIMIT: Constants<'RLIMIT'> = tables.RLIMIT;
export const CLONE: Constants<'CLONE'> = tables.CLONE;
export const P: Constants<'P'> = tables.P;
export const W: Constants<'W'> = tables.W;
export const CLD: Constants<'CLD'> = tables.CLD;
export const SA: Constants<'SA'> = tables.SA;
export const SIG_HOW: Constants<'SIG_HOW'> = tables.SIG_HOW;
export const SI: Constants<'SI'> = tables.SI;
export const TIOC: Constants<'TIOC'> = tables.TIOC;
export const TERMIOS: Constants<'TERMIOS'> = tables.TERMIOS;
export const SCHED: Constants<'SCHED'> = tables.SCHED;
export const PRIO: Constants<'PRIO'> = tables.PRIO;
export const IOPRIO: Constants<'IOPRIO'> = tables.IOPRIO;
export const CAP: Constants<'CAP'> = tables.CAP;
export const CAP_VERSION: Constants<'CAP_VERSION'> = tables.CAP_VERSION;
export const SECBIT: Constants<'SECBIT'> = tables.SECBIT;
export const NS: Constants<'NS'> = tables.NS;
export const PTRACE: Constants<'PTRACE'> = tables.PTRACE;
export const NT: Constants<'NT'> = tables.NT;
export const PIDFD: Constants<'PIDFD'> = tables.PIDFD;
export const EPOLL: Constants<'EPOLL'> = tables.EPOLL;
export const POLL: Constants<'POLL'> = tables.POLL;
export const SOCK: Constants<'SOCK'> = tables.SOCK;
export const RUSAGE: Constants<'RUSAGE'> = tables.RUSAGE;
export const CLOSE_RANGE: Constants<'CLOSE_RANGE'> = tables.CLOSE_RANGE;
export const MFD: Constants<'MFD'> = tables.MFD;
export const S: Constants<'S'> = tables.S;
export const MS: Constants<'MS'> = tables.MS;
export const MNT: Constants<'MNT'> = tables.MNT;
export const SFD: Constants<'SFD'> = tables.SFD;
export const EFD: Constants<'EFD'> = tables.EFD;
export const ITIMER: Constants<'ITIMER'> = tables.ITIMER;
export const SECCOMP: Constants<'SECCOMP'> = tables.SECCOMP;
export const SC: Constants<'SC'> = tables.SC;
export const SIG_DESCRIPTION: Texts<'SIG_DESCRIPTION'> = tables.SIG_DESCRIPTION;
export const E_MESSAGE: Texts<'E_MESSAGE'> = tables.E_MESSAGE;
/** What seccomp(2) and ptrace(2) call this architecture. */
export const AUDIT_ARCH: number = tables.AUDIT_ARCH;
/** The kernel's structs, for `readStruct` and `writeStruct`. */
export const LAYOUT: Layouts = tables.LAYOUT;

export type SyscallName = keyof typeof SYS;
export type ErrorName = keyof typeof E;
