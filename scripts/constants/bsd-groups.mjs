// The tables of macOS and FreeBSD: keys as in groups.mjs, which says what the properties mean.
//
// Linux alone has PR, CLONE, CAP, CAP_VERSION, SECBIT, NS, PIDFD, EPOLL, SFD, SECCOMP and MS; ptrace
// and the priorities of input and output have other names here.

const fcntl = { headers: ['fcntl.h'] };
const signal = { headers: ['signal.h'] };
const resource = { headers: ['sys/types.h', 'sys/resource.h'] };
const event = { headers: ['sys/types.h', 'sys/event.h'] };

const common = {
  SYS: {
    headers: [],
    match: /^SYS_(\w+)$/,
    without: ['SYS_MAXSYSCALL', 'SYS__exit'],
    order: 'value',
  },
  SIG: {
    ...signal,
    match: /^(SIG[A-Z0-9]+)$/,
    without: ['SIGIOT', 'SIGPOLL', 'SIGLWP', 'SIGSTKSZ'],
    order: 'value',
  },
  E: {
    headers: ['errno.h'],
    match: /^E[A-Z0-9]+$/,
    without: ['ELAST'],
    order: 'value',
    aliases: 'E_ALIAS',
  },
  O: { ...fcntl, match: /^O_/, radix: 16 },
  AT: { ...fcntl, match: /^AT_/, radix: 16 },
  F: { ...fcntl, match: /^F_/ },
  FD: { ...fcntl, match: /^FD_CLO/ },
  RLIMIT: { ...resource, match: /^RLIMIT_/, order: 'value' },
  W: { headers: ['sys/wait.h'], match: /^W[A-Z]+$/, without: ['WCOREFLAG'], radix: 16 },
  CLD: { ...signal, match: /^CLD_/, order: 'value' },
  SA: { ...signal, match: /^SA_/, radix: 16 },
  SIG_HOW: { ...signal, match: /^SIG_(?:BLOCK|UNBLOCK|SETMASK)$/ },
  SI: { ...signal, match: /^SI_/, radix: 16 },
  // With those of the structs whose sizes the numbers carry.
  TIOC: {
    headers: ['sys/types.h', 'sys/time.h', 'sys/mman.h', 'sys/ioctl.h', 'termios.h'],
    match: /^(?:TIOC|TC|FIO)/,
    radix: 16,
  },
  TERMIOS: {
    headers: ['termios.h'],
    match: /^(?!TC|TIOC|\w+DISC$)(?:[A-Z][A-Z0-9]+|C\w+FLOW)$/,
    // The usual control characters: values, not indexes or flags.
    without: (
      'CBRK CDISCARD CDSUSP CEOF CEOL CEOT CERASE CERASE2 CFLUSH CINTR CKILL CLNEXT CMIN CQUIT ' +
      'CREPRINT CRPRNT CSTART CSTATUS CSTOP CSUSP CTIME CWERASE'
    ).split(' '),
    radix: 16,
    // Speeds, which are what they say here.
    decimal: /^(?:B\d+|EXT[AB])$/,
  },
  SCHED: { headers: ['sched.h'], match: /^SCHED_/ },
  PRIO: { ...resource, match: /^PRIO_/ },
  PT: { headers: ['sys/types.h'], match: /^PT_/ },
  POLL: { headers: ['poll.h'], match: /^POLL[A-Z0-9]+$/, radix: 16 },
  SOCK: {
    headers: ['sys/types.h', 'sys/socket.h', 'sys/un.h'],
    match: /^(?:AF_(?!VENDOR)|(?:SOCK|SHUT|SCM|MSG|SO|LOCAL)_|SOL_(?:SOCKET|LOCAL)$)/,
  },
  RUSAGE: { ...resource, match: /^RUSAGE_(?!INFO_)/ },
  S: { headers: ['sys/stat.h'], match: /^S_I/, radix: 8 },
  MNT: { headers: ['sys/param.h', 'sys/mount.h'], match: /^MNT_/, radix: 16 },
  ITIMER: { headers: ['sys/time.h'], match: /^ITIMER_/ },
  SC: { headers: ['unistd.h'], match: /^_SC_/, order: 'value' },
  EVFILT: { ...event, match: /^EVFILT_/, without: ['EVFILT_SYSCOUNT', 'EVFILT_THREADMARKER'] },
  EV: { ...event, match: /^EV_/, radix: 16 },
  NOTE: { ...event, match: /^NOTE_/, without: ['NOTE_PCTRLMASK', 'NOTE_PDATAMASK'], radix: 16 },
  POSIX_SPAWN: { headers: ['spawn.h'], match: /^POSIX_SPAWN_/, radix: 16 },
};

/** The common tables with those changed or added that `own` has. */
function withOwn(own) {
  const tables = { ...common, ...own };
  return Object.fromEntries(
    Object.entries(tables).map(([name, group]) => [name, { ...common[name], ...group }]),
  );
}

export const bsdGroups = {
  darwin: withOwn({
    P: { headers: ['sys/wait.h'], names: ['P_ALL', 'P_PID', 'P_PGID'] },
    // What one thread's or footprint's monitor takes: no limit of setrlimit(2).
    RLIMIT: {
      without: [
        'RLIMIT_CPU_USAGE_MONITOR',
        'RLIMIT_FOOTPRINT_INTERVAL',
        'RLIMIT_THREAD_CPULIMITS',
        'RLIMIT_WAKEUPS_MONITOR',
      ],
    },
    // setiopolicy_np(3).
    IOPOL: { ...resource, match: /^IOPOL_/ },
  }),
  freebsd: withOwn({
    SYS: { headers: ['sys/syscall.h'] },
    // Without those of one architecture, from PT_FIRSTMACH on.
    PT: {
      headers: ['sys/types.h', 'sys/ptrace.h'],
      match: /^PT_(?!(?:FIRST|LAST)MACH$|\w+BASE$|\w*(?:XMMREGS|XSTATE|XSTATE_INFO|VFPREGS32)$)/,
    },
    P: {
      headers: ['sys/types.h', 'sys/wait.h'],
      names: (
        'P_PID P_PPID P_PGID P_SID P_CID P_UID P_GID P_ALL P_LWPID P_TASKID P_PROJID P_POOLID ' +
        'P_JAILID P_CTID P_CPUID P_PSETID'
      ).split(' '),
      order: 'value',
    },
    // procctl(2), without what one architecture has.
    PROC: {
      headers: ['sys/types.h', 'sys/procctl.h'],
      match: /^(?:PROC_(?!KPTI_|LA_|PROCCTL_MD_)|PPROT_|REAPER_)/,
      radix: 16,
    },
    // pdfork(2).
    PD: { headers: ['sys/types.h', 'sys/procdesc.h'], match: /^PD_/, radix: 16 },
    // rfork(2).
    RF: {
      headers: ['unistd.h'],
      match: /^RF[A-Z]+$/,
      without: ['RFFLAGS', 'RFKERNELONLY'],
      unsigned: true,
      radix: 16,
    },
    // cpuset_setaffinity(2).
    CPU: { headers: ['sys/param.h', 'sys/cpuset.h'], match: /^CPU_(?:LEVEL|WHICH)_/ },
    // rtprio(2).
    RTP: { headers: ['sys/types.h', 'sys/rtprio.h'], match: /^RTP_/ },
    CLOSE_RANGE: { headers: ['unistd.h'], match: /^CLOSE_RANGE_/ },
    MFD: { headers: ['sys/mman.h'], match: /^MFD_/, unsigned: true, radix: 16 },
    EFD: { headers: ['sys/eventfd.h'], match: /^EFD_/, radix: 16 },
  }),
};
