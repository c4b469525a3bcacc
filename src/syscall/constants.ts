// The constants of the running platform: plain tables, chosen once.

import { backend } from '../backend.js';
import { POSIX_CALL } from '../protocol.js';
import * as darwin from './darwin.js';
import * as freebsd from './freebsd.js';
import * as arm64 from './linux-arm64.js';
import * as x64 from './linux-x64.js';

type X64 = typeof x64;
type Arm64 = typeof arm64;
type Group = keyof X64 & keyof Arm64;
type Shared<G extends Group> = keyof X64[G] & keyof Arm64[G];

/** A constant that every architecture has is a number; others may be missing on the running one. */
type Constants<G extends Group> = Readonly<
  Record<Shared<G>, number> &
    Partial<Record<Exclude<keyof X64[G] | keyof Arm64[G], Shared<G>>, number>>
>;
type Texts<G extends Group> = Readonly<Record<Shared<G>, string>>;
type Layouts = { readonly [K in Shared<'LAYOUT'>]: X64['LAYOUT'][K] | Arm64['LAYOUT'][K] };

/**
 * The tables of a system other than Linux. Their types are those of Linux, because otherwise every
 * constant could be missing on Linux too. A constant that this system lacks is undefined, and an
 * option that needs it is refused by name first (`on` of its attribute in src/launch). Structs that
 * calls fill in are those of Linux, because the portable backend takes them so.
 */
function portable(): X64 {
  const own: { LAYOUT: object } | undefined = { darwin, freebsd }[process.platform as string];
  if (own === undefined) {
    throw new Error(`forkexec does not support ${process.platform}`);
  }
  const nothing = Object.fromEntries(Object.keys(x64).map((group) => [group, {}]));
  const { rlimit, rusage, siginfo, timespec, pollfd } = x64.LAYOUT;
  const LAYOUT = { ...own.LAYOUT, rlimit, rusage, siginfo, timespec, pollfd };
  return { ...nothing, ...own, LAYOUT } as unknown as X64;
}

function chooseTables(): X64 | Arm64 {
  // The global: importing 'node:process' reads all its properties and so opens the standard
  // streams.
  if (process.platform !== 'linux') return portable();
  return process.arch === 'arm64' ? arm64 : x64;
}

const tables: X64 | Arm64 = chooseTables();

/** Numbers of system calls; with the portable backend the numbers of its own calls. */
export const SYS: Constants<'SYS'> =
  backend === 'posix' ? (POSIX_CALL as unknown as Constants<'SYS'>) : tables.SYS;
/** Numbers of signals: signal(7). */
export const SIG: Constants<'SIG'> = tables.SIG;
/** Numbers of errors: errno(3). */
export const E: Constants<'E'> = tables.E;
/** Other names of the same errors, such as EWOULDBLOCK: errno(3). */
export const E_ALIAS: Constants<'E_ALIAS'> = tables.E_ALIAS;
/** Flags of open(2). */
export const O: Constants<'O'> = tables.O;
/** AT_FDCWD and flags of openat(2) and similar calls. */
export const AT: Constants<'AT'> = tables.AT;
/** Commands of fcntl(2). */
export const F: Constants<'F'> = tables.F;
/** FD_CLOEXEC: fcntl(2). */
export const FD: Constants<'FD'> = tables.FD;
/** Options of prctl(2). */
export const PR: Constants<'PR'> = tables.PR;
/** Resources of getrlimit(2). */
export const RLIMIT: Constants<'RLIMIT'> = tables.RLIMIT;
/** Flags of clone(2), unshare(2) and setns(2). */
export const CLONE: Constants<'CLONE'> = tables.CLONE;
/** Kinds of ids of waitid(2). */
export const P: Constants<'P'> = tables.P;
/** Options of wait4(2) and waitid(2). */
export const W: Constants<'W'> = tables.W;
/** Codes of SIGCHLD: how a child changed, sigaction(2). */
export const CLD: Constants<'CLD'> = tables.CLD;
/** Flags of sigaction(2). */
export const SA: Constants<'SA'> = tables.SA;
/** How sigprocmask(2) applies a set. */
export const SIG_HOW: Constants<'SIG_HOW'> = tables.SIG_HOW;
/** Codes of signals: why a signal was sent, sigaction(2). */
export const SI: Constants<'SI'> = tables.SI;
/** Requests of terminals and other descriptors: ioctl_tty(2), ioctl(2). */
export const TIOC: Constants<'TIOC'> = tables.TIOC;
/** Flags and indices of termios(3). */
export const TERMIOS: Constants<'TERMIOS'> = tables.TERMIOS;
/** Policies and flags of sched_setscheduler(2) and sched_setattr(2). */
export const SCHED: Constants<'SCHED'> = tables.SCHED;
/** Targets and range of nice values: getpriority(2). */
export const PRIO: Constants<'PRIO'> = tables.PRIO;
/** Classes and targets of ioprio_set(2). */
export const IOPRIO: Constants<'IOPRIO'> = tables.IOPRIO;
/** Numbers of capabilities: capabilities(7). */
export const CAP: Constants<'CAP'> = tables.CAP;
/** Versions and sizes of capset(2). */
export const CAP_VERSION: Constants<'CAP_VERSION'> = tables.CAP_VERSION;
/** Flags of PR_SET_SECUREBITS(2const): capabilities(7). */
export const SECBIT: Constants<'SECBIT'> = tables.SECBIT;
/** Requests of namespaces: ioctl_nsfs(2). */
export const NS: Constants<'NS'> = tables.NS;
/** Requests, options and events of ptrace(2). */
export const PTRACE: Constants<'PTRACE'> = tables.PTRACE;
/** Sets of registers of PTRACE_GETREGSET: ptrace(2). */
export const NT: Constants<'NT'> = tables.NT;
/** Flags of pidfd_open(2) and pidfd_send_signal(2), requests of pidfds. */
export const PIDFD: Constants<'PIDFD'> = tables.PIDFD;
/** Operations and events of epoll_ctl(2). */
export const EPOLL: Constants<'EPOLL'> = tables.EPOLL;
/** Events of poll(2). */
export const POLL: Constants<'POLL'> = tables.POLL;
/** Families, types, levels, options and flags of socket(2) and similar calls. */
export const SOCK: Constants<'SOCK'> = tables.SOCK;
/** Targets of getrusage(2). */
export const RUSAGE: Constants<'RUSAGE'> = tables.RUSAGE;
/** Flags of close_range(2), Linux 5.9. */
export const CLOSE_RANGE: Constants<'CLOSE_RANGE'> = tables.CLOSE_RANGE;
/** Flags of memfd_create(2). */
export const MFD: Constants<'MFD'> = tables.MFD;
/** Types and permissions of files: inode(7). */
export const S: Constants<'S'> = tables.S;
/** Flags of mount(2). */
export const MS: Constants<'MS'> = tables.MS;
/** Flags of umount2(2). */
export const MNT: Constants<'MNT'> = tables.MNT;
/** Flags of signalfd(2). */
export const SFD: Constants<'SFD'> = tables.SFD;
/** Flags of eventfd(2). */
export const EFD: Constants<'EFD'> = tables.EFD;
/** Timers of setitimer(2). */
export const ITIMER: Constants<'ITIMER'> = tables.ITIMER;
/** Operations, flags and actions of seccomp(2). */
export const SECCOMP: Constants<'SECCOMP'> = tables.SECCOMP;
/** Names of sysconf(3). */
export const SC: Constants<'SC'> = tables.SC;
/** Descriptions of signals by name: strsignal(3). */
export const SIG_DESCRIPTION: Texts<'SIG_DESCRIPTION'> = tables.SIG_DESCRIPTION;
/** Descriptions of errors by name: strerror(3). */
export const E_MESSAGE: Texts<'E_MESSAGE'> = tables.E_MESSAGE;
/** The number of this architecture for seccomp(2) and ptrace(2). */
export const AUDIT_ARCH: number = tables.AUDIT_ARCH;
/** The kernel's structs, for `readStruct` and `writeStruct`. */
export const LAYOUT: Layouts = tables.LAYOUT;

/** The name of a system call, as `SYS` has it. */
export type SyscallName = keyof typeof SYS;
/** The name of an errno: `'ENOENT'`. */
export type ErrorName = keyof typeof E;
