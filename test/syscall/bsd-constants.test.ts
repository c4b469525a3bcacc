import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import * as darwin from '#dist/syscall/darwin.js';
import * as freebsd from '#dist/syscall/freebsd.js';
import type { Field, Layout } from '#dist/syscall/layout.js';
import * as linux from '#dist/syscall/linux-x64.js';

type Table = Readonly<Record<string, number>>;
type Tables = Readonly<Record<string, Table>>;

const systems: Readonly<Record<string, Tables>> = {
  darwin: darwin as unknown as Tables,
  freebsd: freebsd as unknown as Tables,
};
const layoutsOf = (tables: Tables) =>
  tables['LAYOUT'] as unknown as Readonly<Record<string, Layout>>;
const words = (text: string) => text.trim().split(/\s+/);

function table(tables: Tables, name: string): Table {
  const found = tables[name];
  assert.ok(found !== undefined, `there is no ${name}`);
  return found;
}

// What POSIX, or the Unix that all of them come from, gave one number everywhere.
const SHARED: Readonly<Record<string, string>> = {
  SIG: 'SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGFPE SIGKILL SIGSEGV SIGPIPE SIGALRM SIGTERM',
  E: `EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD ENOMEM EACCES EFAULT ENOTBLK
    EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE
    EROFS EMLINK EPIPE EDOM ERANGE`,
  O: 'O_RDONLY O_WRONLY O_RDWR O_ACCMODE',
  F: 'F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL',
  FD: 'FD_CLOEXEC',
  RLIMIT: 'RLIMIT_CPU RLIMIT_FSIZE RLIMIT_DATA RLIMIT_STACK RLIMIT_CORE',
  P: 'P_PGID',
  W: 'WNOHANG WUNTRACED',
  CLD: 'CLD_EXITED CLD_KILLED CLD_DUMPED CLD_TRAPPED CLD_STOPPED CLD_CONTINUED',
  TIOC: 'TCSANOW TCSADRAIN TCSAFLUSH TIOCPKT_DATA TIOCPKT_STOP TIOCPKT_START TIOCPKT_IOCTL',
  TERMIOS: `IGNBRK BRKINT IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL OPOST ECHO
    B0 CS5 TAB0 IXANY IMAXBEL`,
  PRIO: 'PRIO_PROCESS PRIO_PGRP PRIO_USER PRIO_MIN PRIO_MAX',
  POLL: 'POLLIN POLLPRI POLLOUT POLLERR POLLHUP POLLNVAL POLLRDNORM POLLRDBAND',
  SOCK: `AF_UNSPEC AF_UNIX AF_LOCAL AF_INET SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_RDM SOCK_SEQPACKET
    SHUT_RD SHUT_WR SHUT_RDWR MSG_OOB MSG_PEEK MSG_DONTROUTE SCM_RIGHTS`,
  RUSAGE: 'RUSAGE_SELF RUSAGE_CHILDREN',
  S: `S_IFMT S_IFSOCK S_IFLNK S_IFREG S_IFBLK S_IFDIR S_IFCHR S_IFIFO S_ISUID S_ISGID S_ISVTX S_IRWXU
    S_IRUSR S_IWUSR S_IXUSR S_IRWXG S_IRGRP S_IWGRP S_IXGRP S_IRWXO S_IROTH S_IWOTH S_IXOTH`,
  ITIMER: 'ITIMER_REAL ITIMER_VIRTUAL ITIMER_PROF',
};

// What Linux alone has: other systems have nothing like it, or under names of their own.
const LINUX_ALONE = words(`AUDIT_ARCH CAP CAP_VERSION CLONE EPOLL IOPRIO MS NS NT PIDFD PR PTRACE
  SECBIT SECCOMP SFD`);
const FREEBSD_TOO = words('CLOSE_RANGE EFD MFD');

describe('the tables of macOS and FreeBSD', () => {
  it('macOS and FreeBSD have the groups of Linux except those of Linux alone', () => {
    const groups = Object.keys(linux).filter((name) => !LINUX_ALONE.includes(name));
    for (const name of groups) {
      assert.ok(name in freebsd, `freebsd ${name}`);
      assert.equal(name in darwin, !FREEBSD_TOO.includes(name), `darwin ${name}`);
    }
    for (const name of LINUX_ALONE) assert.ok(!(name in darwin) && !(name in freebsd), name);
  });

  for (const [system, tables] of Object.entries(systems)) {
    it(`${system}: constants that all systems share have the value of Linux`, () => {
      for (const [group, names] of Object.entries(SHARED)) {
        for (const name of words(names)) {
          const expected = table(linux as unknown as Tables, group)[name];
          assert.ok(expected !== undefined, `linux ${name}`);
          assert.equal(table(tables, group)[name], expected, `${system} ${name}`);
        }
      }
    });

    it(`${system}: no two names of a group share a number, aliases aside`, () => {
      // The other name of each.
      const aliases = new Set(words('RLIMIT_RSS RLIMIT_VMEM _SC_PAGE_SIZE'));
      for (const group of words('SYS SIG E RLIMIT P CLD SIG_HOW PT EVFILT SC ITIMER SCHED')) {
        const names = Object.keys(table(tables, group)).filter((name) => !aliases.has(name));
        const numbers = names.map((name) => table(tables, group)[name]);
        assert.equal(new Set(numbers).size, names.length, `${system} ${group}`);
      }
    });

    it(`${system}: indexes of control characters are distinct and within c_cc`, () => {
      const termios = table(tables, 'TERMIOS');
      const indexes = Object.entries(termios).filter(([name]) => /^V(?!T\d|TDLY)/.test(name));
      const count = layoutsOf(tables)['termios']?.fields['cc']?.[2] ?? 0;
      assert.equal(termios['NCCS'], count);
      assert.equal(new Set(indexes.map(([, index]) => index)).size, indexes.length);
      assert.ok(indexes.length >= 18 && indexes.every(([, index]) => index < count));
    });

    it(`${system}: each speed has the number in its name`, () => {
      const speeds = Object.entries(table(tables, 'TERMIOS')).filter(([name]) => /^B\d/.test(name));
      assert.ok(speeds.length >= 23, `${speeds.length} speeds`);
      for (const [name, value] of speeds) assert.equal(`B${value}`, name);
    });

    it(`${system}: masks of termios, open and inode types cover their members`, () => {
      const { CSIZE = 0, CS5, CS6, CS7, CS8 } = table(tables, 'TERMIOS');
      assert.deepEqual(
        [CS5, CS6, CS7, CS8].map((size) => size ?? -1),
        [0, 1, 2, 3].map((index) => index * (CSIZE / 3)),
      );
      const { O_ACCMODE = 0, ...flags } = table(tables, 'O');
      for (const name of words('O_NONBLOCK O_APPEND O_CREAT O_EXCL O_TRUNC O_NOCTTY O_CLOEXEC')) {
        const flag = flags[name] ?? 0;
        assert.ok(flag !== 0 && (flag & (flag - 1)) === 0 && (flag & O_ACCMODE) === 0, name);
      }
    });

    it(`${system}: every signal and error has a text`, () => {
      const named = Object.keys(table(tables, 'SIG')).filter((name) => !name.startsWith('SIGRT'));
      assert.deepEqual(Object.keys(table(tables, 'SIG_DESCRIPTION')), named);
      assert.deepEqual(Object.keys(table(tables, 'E_MESSAGE')), Object.keys(table(tables, 'E')));
      for (const group of ['SIG_DESCRIPTION', 'E_MESSAGE']) {
        for (const [name, text] of Object.entries(table(tables, group))) {
          assert.match(String(text), /^\S.*\S$/, name);
        }
      }
    });

    if (process.platform === system) {
      it(`${system}: signals and errors have the numbers of Node on this system`, () => {
        const errors = { ...table(tables, 'E'), ...table(tables, 'E_ALIAS') };
        for (const [name, number] of Object.entries(constants.errno)) {
          assert.equal(errors[name], number, name);
        }
        for (const [name, number] of Object.entries(constants.signals)) {
          if (name in table(tables, 'SIG')) assert.equal(table(tables, 'SIG')[name], number, name);
        }
      });
    }
  }

  // Both come from 4.4BSD: what they disagree about is what one of them changed since.
  it('macOS and FreeBSD agree except where one of them changed a number', () => {
    const changed = words(`AT_EACCESS AT_FDCWD AT_REMOVEDIR AT_SYMLINK_FOLLOW AT_SYMLINK_NOFOLLOW
      ECANCELED EIDRM ENOMSG EILSEQ ENOATTR EBADMSG EMULTIHOP ENOLINK EPROTO EOPNOTSUPP
      ENOTRECOVERABLE EOWNERDEAD ENOTCAPABLE FD_CLOFORK RLIMIT_AS
      TIOCGETA TIOCSETA TIOCSETAF TIOCSETAW TIOCSIG TABDLY
      AF_E164 AF_INET6 AF_ISDN AF_MAX AF_NATM AF_NETBIOS MSG_NOSIGNAL SO_LABEL SO_MAX_PACING_RATE
      SO_NOSIGPIPE SO_PEERLABEL _SC_PAGESIZE _SC_PAGE_SIZE _SC_MAPPED_FILES _SC_XOPEN_XCU_VERSION
      _SC_PHYS_PAGES EVFILT_LIO EVFILT_USER NOTE_NSECONDS NOTE_USECONDS`);
    const groups = words(`AT SIG E FD RLIMIT SA SIG_HOW SI CLD TIOC TERMIOS SOCK POLL S PRIO RUSAGE
      ITIMER SC EVFILT EV NOTE PT`);
    const both = groups.flatMap((group) => {
      const there = table(systems['freebsd'] ?? {}, group);
      const here = Object.entries(table(systems['darwin'] ?? {}, group));
      return here.flatMap(([name, value]) =>
        name in there ? [{ name, same: there[name] === value }] : [],
      );
    });
    const different = both.filter(({ same }) => !same).map(({ name }) => name);
    assert.deepEqual(different.sort(), changed.sort());
    assert.ok(both.length > 600, `${both.length} names`);
  });
});

const bytesOf = ([, type, count]: Field) => (Number(type.slice(1)) / 8) * (count ?? 1);
const alignmentOf = ([, type]: Field) => Number(type.slice(1)) / 8;

// The members that share bytes: arms of a union, of which signo and code say which holds.
const UNIONS: Readonly<Record<string, readonly string[]>> = {
  'darwin siginfo': ['value', 'value_ptr'],
  'freebsd siginfo': ['value', 'value_ptr', 'trapno', 'timerid', 'mqd', 'band', 'overrun'],
};

// As the manual pages and the ABI of 64-bit programs have them.
const SIZES = {
  darwin: {
    ...{ rusage: 144, rlimit: 16, termios: 72, winsize: 8, timeval: 16, timespec: 16 },
    ...{ itimerval: 32, sigaction: 16, siginfo: 104, stat: 144, kevent: 32, pollfd: 8, iovec: 16 },
    ...{ msghdr: 48, cmsghdr: 12, proc_bsdinfo: 136 },
  },
  freebsd: {
    ...{ rusage: 144, rlimit: 16, termios: 44, winsize: 8, timeval: 16, timespec: 16 },
    ...{ itimerval: 32, sigaction: 32, siginfo: 80, stat: 224, kevent: 64, pollfd: 8, iovec: 16 },
    ...{ msghdr: 48, cmsghdr: 12, procctl_reaper_status: 80, procctl_reaper_pids: 72 },
    ...{ procctl_reaper_pidinfo: 72, procctl_reaper_kill: 80, kinfo_proc: 1088 },
  },
} as const;

describe('the structs of macOS and FreeBSD', () => {
  for (const [system, tables] of Object.entries(systems)) {
    it(`${system}: structs have the sizes of the ABI`, () => {
      const sizes = Object.entries(layoutsOf(tables)).map(([name, { size }]) => [name, size]);
      assert.deepEqual(Object.fromEntries(sizes), SIZES[system as keyof typeof SIZES]);
    });

    it(`${system}: members of structs are aligned and do not overlap`, () => {
      for (const [name, { size, fields }] of Object.entries(layoutsOf(tables))) {
        const shared = UNIONS[`${system} ${name}`] ?? [];
        let end = 0;
        for (const [key, field] of Object.entries<Field>(fields)) {
          const where = `${system} ${name}.${key}`;
          assert.equal(field[0] % alignmentOf(field), 0, `${where} is aligned`);
          if (!shared.includes(key)) assert.ok(field[0] >= end, `${where} overlaps another`);
          end = Math.max(end, field[0] + bytesOf(field));
        }
        const widest = Math.max(...Object.values<Field>(fields).map(alignmentOf));
        assert.ok(
          end <= size && size % widest === 0,
          `${system} ${name} ends at ${end} of ${size}`,
        );
      }
    });
  }
});
