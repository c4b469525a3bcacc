// Which constants each exported table holds, and the headers that define them.
//
// The kernel's own headers come first: these values go to the kernel, and glibc's differ in places
// (O_LARGEFILE is 0 there). glibc's serve where the kernel exports none.
//
//   match    macros to take; the first capture group, if any, is the key
//   names    enumerators, which the preprocessor can't list
//   without  macros that match and are no member of the table
//   radix    how the values read best, where that is not decimal
//   decimal  keys whose values read best in decimal nevertheless
//   unsigned flags of an int, of which the highest bit is one: no negative numbers
//   order    'value' where the numbers are what one looks up; else by name

const fcntl = { headers: ['linux/fcntl.h'] };

export const groups = {
  SYS: {
    headers: ['asm/unistd.h'],
    match: /^__NR_(\w+)$/,
    // How many there are, and where the architecture's own range starts: no calls.
    without: ['__NR_syscalls', '__NR_arch_specific_syscall'],
    order: 'value',
  },
  SIG: {
    headers: ['asm/signal.h'],
    match: /^(SIG[A-Z0-9]+)$/,
    without: ['SIGIOT', 'SIGPOLL', 'SIGCLD', 'SIGUNUSED', 'SIGSTKSZ'],
    // glibc keeps the kernel's first two real-time signals, 32 and 33, for its threads.
    prelude: ['#undef SIGRTMIN', '#undef SIGRTMAX', '#define SIGRTMIN 34', '#define SIGRTMAX 64'],
    order: 'value',
  },
  E: { headers: ['errno.h'], match: /^E[A-Z0-9]+$/, order: 'value', aliases: 'E_ALIAS' },
  O: {
    ...fcntl,
    match: /^O_/,
    // The kernel's header has these two under other names only.
    prelude: ['#define O_ASYNC FASYNC', '#define O_RSYNC O_SYNC'],
    without: ['O_TMPFILE_MASK'],
    radix: 16,
  },
  AT: { ...fcntl, match: /^AT_/, radix: 16 },
  F: { ...fcntl, match: /^F_/ },
  FD: { ...fcntl, match: /^FD_/ },
  PR: { headers: ['linux/prctl.h'], match: /^PR_/ },
  RLIMIT: { headers: ['linux/resource.h'], match: /^RLIMIT_/, order: 'value' },
  CLONE: { headers: ['linux/sched.h'], match: /^CLONE_/, radix: 16 },
  P: { headers: ['linux/wait.h'], match: /^P_/ },
  W: { headers: ['linux/wait.h'], match: /^(?:W|__W)[A-Z]+$/, radix: 16 },
  CLD: { headers: ['asm/siginfo.h'], match: /^CLD_/, order: 'value' },
  SA: { headers: ['asm/signal.h'], match: /^SA_/, radix: 16 },
  SIG_HOW: { headers: ['asm/signal.h'], match: /^SIG_(?:BLOCK|UNBLOCK|SETMASK)$/ },
  SI: { headers: ['asm/siginfo.h'], match: /^SI_/, without: ['SI_MAX_SIZE', 'SI_PAD_SIZE'] },
  TIOC: {
    // The ioctls' numbers carry the sizes of these headers' structs.
    headers: ['asm/ioctls.h', 'asm/termbits.h', 'linux/serial.h'],
    match: /^(?:TIOC|TC|FIO)/,
    radix: 16,
  },
  // Whatever that header has but what goes with an ioctl, which is in TIOC.
  TERMIOS: { headers: ['asm/termbits.h'], match: /^(?!TC)[A-Z][A-Z0-9]+$/, radix: 16 },
  SCHED: {
    headers: ['linux/sched.h', 'linux/sched/types.h'],
    match: /^SCHED_/,
    // POSIX's name for it.
    prelude: ['#define SCHED_OTHER SCHED_NORMAL'],
  },
  PRIO: { headers: ['linux/resource.h'], match: /^PRIO_/ },
  IOPRIO: {
    headers: ['linux/ioprio.h'],
    match: /^IOPRIO_/,
    names: [
      'IOPRIO_CLASS_NONE',
      'IOPRIO_CLASS_RT',
      'IOPRIO_CLASS_BE',
      'IOPRIO_CLASS_IDLE',
      'IOPRIO_WHO_PROCESS',
      'IOPRIO_WHO_PGRP',
      'IOPRIO_WHO_USER',
    ],
  },
  CAP: {
    headers: ['linux/capability.h'],
    match: /^CAP_/,
    // The last one the headers know is not the last one the kernel has.
    without: ['CAP_LAST_CAP'],
    order: 'value',
  },
  CAP_VERSION: { headers: ['linux/capability.h'], match: /^_LINUX_CAPABILITY_/, radix: 16 },
  SECBIT: { headers: ['linux/securebits.h'], match: /^SECBIT_/, radix: 16 },
  NS: { headers: ['linux/nsfs.h'], match: /^NS_/, radix: 16 },
  PTRACE: { headers: ['linux/ptrace.h', 'asm/ptrace.h'], match: /^PTRACE_/, radix: 16 },
  // The register sets PTRACE_GETREGSET takes; arm64 has no other way to its registers.
  NT: {
    headers: ['linux/elf.h'],
    names: ['NT_PRSTATUS', 'NT_PRFPREG', 'NT_ARM_SYSTEM_CALL', 'NT_X86_XSTATE'],
    radix: 16,
  },
  PIDFD: { headers: ['linux/pidfd.h'], match: /^PIDFD_/, radix: 16 },
  EPOLL: {
    headers: ['linux/eventpoll.h'],
    match: /^EPOLL/,
    without: ['EPOLL_PACKED'],
    radix: 16,
  },
  // POLLFREE is the kernel's message to itself.
  POLL: { headers: ['asm/poll.h'], match: /^POLL[A-Z]+$/, without: ['POLLFREE'], radix: 16 },
  SOCK: {
    headers: ['sys/socket.h'],
    match: /^(?:AF|SOCK|SHUT|SCM|MSG|SO)_|^SOL_SOCKET$/,
  },
  RUSAGE: { headers: ['linux/resource.h'], match: /^RUSAGE_/ },
  CLOSE_RANGE: { headers: ['linux/close_range.h'], match: /^CLOSE_RANGE_/ },
  MFD: { headers: ['linux/memfd.h'], match: /^MFD_/, radix: 16 },
  S: { headers: ['linux/stat.h'], match: /^S_I/, radix: 8 },
  MS: {
    headers: ['linux/mount.h'],
    match: /^MS_/,
    // A mark inside the kernel, and the header's value for it is negative.
    without: ['MS_NOUSER'],
    radix: 16,
  },
  MNT: { headers: ['sys/mount.h'], match: /^(?:MNT|UMOUNT)_/ },
  SFD: { headers: ['linux/signalfd.h'], match: /^SFD_/, radix: 16 },
  EFD: { headers: ['sys/eventfd.h'], match: /^EFD_/, radix: 16 },
  ITIMER: { headers: ['linux/time.h'], match: /^ITIMER_/ },
  SECCOMP: { headers: ['linux/seccomp.h', 'linux/ioctl.h'], match: /^SECCOMP_/, radix: 16 },
  // What sysconf(3) takes: the C library's own numbers, which the kernel knows nothing of.
  SC: { headers: ['unistd.h'], match: /^_SC_/, order: 'value' },
};

/** What seccomp(2) and ptrace(2) call the architecture itself. */
export const auditArch = {
  headers: ['linux/audit.h'],
  x64: 'AUDIT_ARCH_X86_64',
  arm64: 'AUDIT_ARCH_AARCH64',
};
