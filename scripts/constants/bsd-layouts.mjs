// The structs of macOS and FreeBSD: as in layouts.mjs, which says what the properties mean.
//
// They are those of the C library, which is the interface of these systems.

import { layouts } from './layouts.mjs';

const resource = ['sys/types.h', 'sys/resource.h'];
const time = ['sys/time.h'];
const socket = ['sys/types.h', 'sys/socket.h'];

const times = ['atim', 'mtim', 'ctim', 'birthtim'];

/** `suffix` is what the system has after 'st_atim'. */
function stat(members, suffix) {
  const timed = times.flatMap((name) => {
    const key = name.replace('birth', 'b');
    const member = `st_${name}${suffix}`;
    return [`${key}e=${member}.tv_sec`, `${key}e_nsec=${member}.tv_nsec`];
  });
  return {
    headers: ['sys/stat.h'],
    type: 'struct stat',
    prefix: 'st',
    members: [members, ...timed].join(' '),
  };
}

const siginfo =
  'si_signo si_errno si_code si_pid si_uid si_status si_addr value=si_value.sival_int';

const common = {
  rusage: { ...layouts.rusage, headers: resource },
  termios: {
    headers: ['termios.h'],
    type: 'struct termios',
    prefix: 'c',
    members: 'c_iflag c_oflag c_cflag c_lflag c_cc[] c_ispeed c_ospeed',
  },
  winsize: { ...layouts.winsize, headers: ['sys/ioctl.h'] },
  rlimit: { ...layouts.rlimit, headers: resource, type: 'struct rlimit' },
  timespec: { ...layouts.timespec, headers: ['time.h'] },
  timeval: { ...layouts.timeval, headers: time },
  itimerval: { ...layouts.itimerval, headers: time },
  pollfd: { ...layouts.pollfd, headers: ['poll.h'] },
  iovec: { ...layouts.iovec, headers: ['sys/uio.h'] },
  msghdr: { ...layouts.msghdr, headers: socket },
  cmsghdr: { ...layouts.cmsghdr, headers: socket },
};

export const bsdLayouts = {
  darwin: {
    ...common,
    siginfo: {
      headers: ['signal.h'],
      type: 'siginfo_t',
      prefix: 'si',
      members: `${siginfo} value_ptr=si_value.sival_ptr si_band`,
    },
    sigaction: {
      headers: ['signal.h'],
      type: 'struct sigaction',
      prefix: 'sa',
      members: 'handler=__sigaction_u.__sa_handler sa_mask sa_flags',
    },
    stat: stat(
      'st_dev st_mode st_nlink st_ino st_uid st_gid st_rdev st_size st_blocks st_blksize st_flags ' +
        'st_gen',
      'espec',
    ),
    kevent: {
      headers: ['sys/types.h', 'sys/event.h'],
      type: 'struct kevent',
      members: 'ident filter flags fflags data udata',
    },
    // proc_pidinfo(PROC_PIDTBSDINFO): who a process is, and when it started.
    proc_bsdinfo: {
      headers: ['sys/types.h', 'sys/proc_info.h'],
      type: 'struct proc_bsdinfo',
      prefix: 'pbi',
      members:
        'pbi_flags pbi_status pbi_xstatus pbi_pid pbi_ppid pbi_uid pbi_gid pbi_ruid pbi_rgid ' +
        'pbi_svuid pbi_svgid pbi_comm[] pbi_name[] pbi_nfiles pbi_pgid pbi_pjobc e_tdev e_tpgid ' +
        'pbi_nice pbi_start_tvsec pbi_start_tvusec',
    },
  },
  freebsd: {
    ...common,
    siginfo: {
      headers: ['signal.h'],
      type: 'siginfo_t',
      prefix: 'si',
      members:
        `${siginfo} value_ptr=si_value.sival_ptr trapno=_reason._fault._trapno ` +
        'timerid=_reason._timer._timerid overrun=_reason._timer._overrun mqd=_reason._mesgq._mqd ' +
        'band=_reason._poll._band',
    },
    sigaction: {
      headers: ['signal.h'],
      type: 'struct sigaction',
      prefix: 'sa',
      members: 'handler=__sigaction_u.__sa_handler sa_flags mask=sa_mask.__bits[]',
    },
    stat: stat(
      'st_dev st_ino st_nlink st_mode st_uid st_gid st_rdev st_size st_blocks st_blksize st_flags ' +
        'st_gen',
      '',
    ),
    kevent: {
      headers: ['sys/types.h', 'sys/event.h'],
      type: 'struct kevent',
      members: 'ident filter flags fflags data udata ext[]',
    },
    procctl_reaper_status: {
      headers: ['sys/types.h', 'sys/procctl.h'],
      type: 'struct procctl_reaper_status',
      prefix: 'rs',
      members: 'rs_flags rs_children rs_descendants rs_reaper rs_pid',
    },
    procctl_reaper_pids: {
      headers: ['sys/types.h', 'sys/procctl.h'],
      type: 'struct procctl_reaper_pids',
      prefix: 'rp',
      members: 'rp_count rp_pids',
    },
    procctl_reaper_pidinfo: {
      headers: ['sys/types.h', 'sys/procctl.h'],
      type: 'struct procctl_reaper_pidinfo',
      prefix: 'pi',
      members: 'pi_pid pi_subtree pi_flags',
    },
    procctl_reaper_kill: {
      headers: ['sys/types.h', 'sys/procctl.h'],
      type: 'struct procctl_reaper_kill',
      prefix: 'rk',
      members: 'rk_sig rk_flags rk_subtree rk_killed rk_fpid',
    },
    // sysctl(KERN_PROC): who a process is, and when it started.
    kinfo_proc: {
      headers: ['sys/types.h', 'sys/user.h'],
      type: 'struct kinfo_proc',
      prefix: 'ki',
      members:
        'ki_structsize ki_pid ki_ppid ki_pgid ki_tpgid ki_sid ki_tsid ki_uid ki_ruid ki_svuid ' +
        'ki_rgid ki_svgid ki_xstat ki_start.tv_sec ki_start.tv_usec ki_flag ki_stat ki_nice ki_comm[] ' +
        'ki_tdev ki_tracer ki_jid ki_numthreads',
    },
  },
};
