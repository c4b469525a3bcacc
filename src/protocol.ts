/**
 * The numbers that TypeScript and the native addon have to agree on.
 *
 * This file is the only place that defines them: `scripts/generate-protocol` writes
 * `native/protocol.h` from it, and a test checks that the header is up to date. It holds nothing but
 * tables of integers, each with a comment. `MODE.skipIf` is `MODE_SKIP_IF`
 * in C.
 *
 * @module
 */

/** What an instruction of a launch program does with the result r of its call: -errno on failure. */
export const MODE = {
  /** r < 0 ends the launch with this step and errno. */
  fail: 0,
  /** Go on whatever r is. */
  ignore: 1,
  /** As `fail`; r is kept in the slot at `skip`. */
  store: 2,
  /** r == value skips the next `skip` instructions. */
  skipIf: 3,
  /** r < 0 is reported, and the launch goes on behind the next `skip` instructions. */
  degrade: 4,
  /** A candidate: on failure the next instruction is tried. */
  tryNext: 5,
} as const;

/** What an argument of an instruction is; two bits for each of the six. */
export const KIND = {
  immediate: 0,
  /** An offset into the program's data; after relocation a pointer. */
  address: 1,
  /** The 64-bit value that a slot of the data has when the instruction runs. */
  load: 2,
} as const;

/** Numbers of instructions that are not system calls but routines of the child: launch.c. */
export const OWN_CALL = {
  /** (first, last): marks a range of descriptors close-on-exec through /proc/thread-self/fd. */
  closeOnExecRange: 0x8000_0000,
  /** (): waits until the parent has written its files. */
  waitForParent: 0x8000_0001,
  /** (): 1 if the child was born in its control group, else 0. */
  isInCgroup: 0x8000_0002,
  /** One past the last. */
  end: 0x8000_0003,
} as const;

/** The bytes of a launch program; native/program.h has their layout. */
export const PROGRAM = {
  /** 'FEX1' */
  magic: 0x3158_4546,
  headerWords: 10,
  instructionWords: 16,
  /** Of a table of strings, and of a file that the parent writes. */
  tableWords: 4,
  /** Of a relocation. */
  relocationWords: 2,
  /** How many instructions of a program may have the mode `degrade`. */
  mostDegrading: 8,
  mostInstructions: 65_536,
  mostRelocations: 4096,
  /** Bytes of strings, tables and structs. */
  mostData: 268_435_456,
  /**
   * Among the clone flags: the child begins with a copy of this process' memory, as after fork(2).
   * Only for calls that the kernel refuses to a process that shares memory, such as setns(2) of a
   * time namespace: the copy takes long where there is much memory.
   */
  ownMemory: 1,
} as const;

/** What a launch reports as its step if no instruction of its program failed. */
export const START = {
  /** The program was executed. */
  launched: -1,
  /** clone failed, or something that comes before it. */
  clone: -2,
  /** setns failed for the pid namespace that the process is born in. */
  setns: -3,
  /** The process was killed before its first instruction. Never reported to TypeScript. */
  unborn: -4,
} as const;

/** What becomes of a process that was launched. */
export const WATCH = {
  /** Its end is the caller's to wait for. */
  none: 0,
  /** Once it has ended it is reaped and its end is reported. */
  reap: 1,
  /** As `reap`, but it is not reaped before `unpinChild`: its number stays its own until then. */
  hold: 2,
  /** This thread waits for its end and reaps it with `reapChild`; once the thread has ended it is as `reap`. */
  own: 3,
} as const;

/** Where a build for tests fails at will: native/failpoint.h. */
export const FAILPOINT = {
  /** A step of the child. */
  step: 0,
  clone: 1,
  setns: 2,
  pidfdOpen: 3,
  epollCreate: 4,
  epollAdd: 5,
  epollArm: 6,
  eventfd: 7,
  thread: 8,
  /** Memory, of the heap and of mappings. */
  memory: 9,
  /** A system call that JavaScript makes on its own thread. */
  call: 10,
  /** The same on a thread of the pool. */
  poolCall: 11,
} as const;

/** Where `asyncSyscall` makes a call. */
export const CALL = {
  pool: 0,
  /** On the thread that launched all tracees. */
  tracer: 1,
  /** In the pool, and the result is a descriptor of the calling JavaScript thread. */
  owned: 2,
} as const;

/** The numbers that stand for channels and fork locks. */
export const HANDLE = {
  /** The numbers below are errnos. */
  least: 0x0100_0000,
} as const;

/** What every completion has; the columns of its kind follow. */
export const ROW = {
  kind: 0,
  token: 1,
  /** How many numbers a completion has. */
  size: 20,
} as const;

/** The kinds of completion. */
export const COMPLETION = {
  launched: 0,
  exited: 1,
  ready: 2,
  called: 3,
  locked: 4,
  signal: 5,
} as const;

/** The columns of `COMPLETION.launched`. */
export const LAUNCHED = {
  /** One of `START`, or the index of the instruction that failed. */
  step: 2,
  /** 0, or a positive errno. */
  error: 3,
  pid: 4,
  /** -1 on a system without pidfds. */
  pidfd: 5,
  /** Of the pidfd, unique for this boot; 0 before Linux 6.9. */
  inode: 6,
  /** KiB: the peak of the parent, with which the figure of the child began. */
  maxRssFloor: 7,
  /** CLOCK_MONOTONIC before the birth, in microseconds. */
  started: 8,
  /** How many instructions failed and were left out: their mode is `degrade`. */
  skipped: 9,
  /** The first of them, and the others behind it: its index times 4096 plus its errno. */
  firstSkipped: 10,
} as const;

/**
 * The columns of `COMPLETION.exited`; times are in microseconds. Those from `userTime` on are NaN if
 * another part of the process reaped it.
 */
export const EXITED = {
  /** CLD_EXITED, CLD_KILLED or CLD_DUMPED; 0 if another part of the process reaped it. */
  code: 2,
  /** The exit code or the signal. */
  status: 3,
  wallTime: 4,
  userTime: 5,
  systemTime: 6,
  maxRss: 7,
  minorFaults: 8,
  majorFaults: 9,
  blockInput: 10,
  blockOutput: 11,
  voluntarySwitches: 12,
  involuntarySwitches: 13,
} as const;

/** The columns of `COMPLETION.ready`. */
export const READY = {
  /** Bits of `EVENT`. */
  events: 2,
} as const;

/** The columns of `COMPLETION.called`: the result of a system call, in two halves. */
export const CALLED = {
  /** Signed. */
  high: 2,
  /** Unsigned. */
  low: 3,
} as const;

/** The columns of `COMPLETION.signal`: siginfo_t, as sigaction(2) has it. */
export const SIGNAL = {
  number: 2,
  code: 3,
  pid: 4,
  uid: 5,
  status: 6,
  value: 7,
  /** Signals of this number that were lost since the last one. */
  dropped: 8,
} as const;

/** What is reported of a descriptor, as poll(2) has it on every system. */
export const EVENT = {
  read: 0x1,
  write: 0x4,
  /** Reported even if it was not asked for. */
  error: 0x8,
  /** Reported even if it was not asked for. */
  hangUp: 0x10,
  /** Only asked for: a hang-up alone is not reported. */
  quiet: 0x1_0000,
} as const;

/** What the process does on a signal now. */
export const ACTION = {
  default: 0,
  /** Ignored by other code, such as the runtime. */
  ignored: 1,
  otherHandler: 2,
  ours: 3,
  /** Ignored by this library. */
  ignoredHere: 4,
  oursAboveIgnored: 5,
} as const;

/** What becomes of the handler below ours. The runtime knows whether anything listens there. */
export const BELOW = {
  hears: 0,
  isMute: 1,
  /** Mute if our handler has one user left. */
  lastMutes: 2,
  /** Not put back in the end, either. */
  isForgotten: 3,
} as const;

/** The functions of the C library that change users and groups for all threads. */
export const SETTER = {
  setuid: 0,
  seteuid: 1,
  setgid: 2,
  setegid: 3,
  setgroups: 4,
} as const;

/**
 * The calls of the portable backend: indexes into a table of functions of the C library, which have
 * the names and take the arguments of Linux' system calls.
 */
export const POSIX_CALL = {
  read: 0,
  write: 1,
  close: 2,
  openat: 3,
  faccessat: 4,
  fcntl: 5,
  dup: 6,
  dup3: 7,
  pipe2: 8,
  socketpair: 9,
  shutdown: 10,
  ioctl: 11,
  ppoll: 12,
  chdir: 13,
  fchdir: 14,
  chroot: 15,
  umask: 16,
  getpid: 17,
  getppid: 18,
  getpgid: 19,
  setpgid: 20,
  getsid: 21,
  setsid: 22,
  getuid: 23,
  geteuid: 24,
  getgid: 25,
  getegid: 26,
  getresuid: 27,
  getresgid: 28,
  getgroups: 29,
  setgroups: 30,
  setgid: 31,
  setuid: 32,
  getpriority: 33,
  setpriority: 34,
  getrlimit: 35,
  setrlimit: 36,
  prlimit64: 37,
  getrusage: 38,
  kill: 39,
  rt_sigaction: 40,
  rt_sigprocmask: 41,
  waitid: 42,
  wait4: 43,
  ptrace: 44,
  procctl: 45,
  execve: 46,
  exit_group: 47,
  flock: 48,
} as const;
