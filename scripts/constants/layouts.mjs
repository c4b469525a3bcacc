// Which structs, and which of their members, LAYOUT describes.
//
//   type      as C names it
//   prefix    what the members' names share; the keys drop it, and 'tv_' with it
//   members   C members; `[]` marks an array, `key=member` names one otherwise
//
// A member may be given per architecture. Padding and unions' other arms are left out.

const resource = ['linux/resource.h'];
const time = ['linux/time.h'];

const termiosMembers = 'c_iflag c_oflag c_cflag c_lflag c_line c_cc[]';

export const layouts = {
  rusage: {
    headers: resource,
    type: 'struct rusage',
    prefix: 'ru',
    members:
      'ru_utime.tv_sec ru_utime.tv_usec ru_stime.tv_sec ru_stime.tv_usec ru_maxrss ru_ixrss ' +
      'ru_idrss ru_isrss ru_minflt ru_majflt ru_nswap ru_inblock ru_oublock ru_msgsnd ru_msgrcv ' +
      'ru_nsignals ru_nvcsw ru_nivcsw',
  },
  siginfo: {
    headers: ['asm/siginfo.h'],
    type: 'siginfo_t',
    prefix: 'si',
    // Which of the later members hold anything depends on signo and code: sigaction(2).
    members:
      'si_signo si_errno si_code si_pid si_uid si_status si_utime si_stime value=si_int ' +
      'value_ptr=si_ptr si_addr si_addr_lsb si_band si_fd timerid=si_tid si_overrun si_call_addr ' +
      'si_syscall si_arch',
  },
  // As the kernel has it for TCGETS; glibc's is longer, with 32 control characters and two speeds.
  termios: {
    headers: ['asm/termbits.h'],
    type: 'struct termios',
    prefix: 'c',
    members: termiosMembers,
  },
  termios2: {
    headers: ['asm/termbits.h'],
    type: 'struct termios2',
    prefix: 'c',
    members: `${termiosMembers} c_ispeed c_ospeed`,
  },
  winsize: {
    headers: ['asm/termios.h'],
    type: 'struct winsize',
    prefix: 'ws',
    members: 'ws_row ws_col ws_xpixel ws_ypixel',
  },
  // rlim64_t in both directions: prlimit64(2) takes this one everywhere.
  rlimit: {
    headers: resource,
    type: 'struct rlimit64',
    prefix: 'rlim',
    members: 'rlim_cur rlim_max',
  },
  sched_attr: {
    headers: ['linux/sched/types.h'],
    type: 'struct sched_attr',
    prefix: 'sched',
    members:
      'size sched_policy sched_flags sched_nice sched_priority sched_runtime sched_deadline ' +
      'sched_period sched_util_min sched_util_max',
  },
  clone_args: {
    headers: ['linux/sched.h'],
    type: 'struct clone_args',
    members:
      'flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size ' +
      'cgroup',
  },
  // As rt_sigaction(2) takes it, whose fourth argument is the mask's size. glibc's own struct of
  // this name has another order and a mask of 128 bytes.
  sigaction: {
    headers: ['asm/signal.h'],
    type: 'struct sigaction',
    prefix: 'sa',
    members: {
      x64: 'sa_handler sa_flags sa_restorer sa_mask',
      arm64: 'sa_handler sa_flags sa_restorer mask=sa_mask.sig[0]',
    },
  },
  timespec: { headers: time, type: 'struct timespec', prefix: 'tv', members: 'tv_sec tv_nsec' },
  timeval: { headers: time, type: 'struct timeval', prefix: 'tv', members: 'tv_sec tv_usec' },
  itimerval: {
    headers: time,
    type: 'struct itimerval',
    prefix: 'it',
    members: 'it_interval.tv_sec it_interval.tv_usec it_value.tv_sec it_value.tv_usec',
  },
  // Packed on x64 alone, where 32-bit programs share it.
  epoll_event: {
    headers: ['linux/eventpoll.h'],
    type: 'struct epoll_event',
    members: 'events data',
  },
  pollfd: { headers: ['asm/poll.h'], type: 'struct pollfd', members: 'fd events revents' },
  stat: {
    headers: ['asm/stat.h'],
    type: 'struct stat',
    prefix: 'st',
    members:
      'st_dev st_ino st_nlink st_mode st_uid st_gid st_rdev st_size st_blksize st_blocks ' +
      'st_atime st_atime_nsec st_mtime st_mtime_nsec st_ctime st_ctime_nsec',
  },
  statfs: {
    headers: ['asm/statfs.h'],
    type: 'struct statfs',
    prefix: 'f',
    members:
      'f_type f_bsize f_blocks f_bfree f_bavail f_files f_ffree fsid=f_fsid.val[] f_namelen ' +
      'f_frsize f_flags',
  },
  user_cap_header: {
    headers: ['linux/capability.h'],
    type: 'struct __user_cap_header_struct',
    members: 'version pid',
  },
  // One of the two that version 3 takes.
  user_cap_data: {
    headers: ['linux/capability.h'],
    type: 'struct __user_cap_data_struct',
    members: 'effective permitted inheritable',
  },
  iovec: {
    headers: ['linux/uio.h'],
    type: 'struct iovec',
    prefix: 'iov',
    members: 'iov_base iov_len',
  },
  msghdr: {
    headers: ['sys/socket.h'],
    type: 'struct msghdr',
    prefix: 'msg',
    members: 'msg_name msg_namelen msg_iov msg_iovlen msg_control msg_controllen msg_flags',
  },
  cmsghdr: {
    headers: ['sys/socket.h'],
    type: 'struct cmsghdr',
    prefix: 'cmsg',
    members: 'cmsg_len cmsg_level cmsg_type',
  },
  // newer.h says which kernel has which member.
  pidfd_info: {
    headers: ['linux/pidfd.h'],
    type: 'struct pidfd_info_72',
    members:
      'mask cgroupid pid tgid ppid ruid rgid euid egid suid sgid fsuid fsgid exit_code ' +
      'coredump_mask coredump_signal',
  },
  user_regs: {
    headers: ['sys/user.h'],
    type: 'struct user_regs_struct',
    members: {
      x64:
        'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss ' +
        'fs_base gs_base ds es fs gs',
      arm64: 'regs[] sp pc pstate',
    },
  },
  ptrace_syscall_info: {
    headers: ['linux/ptrace.h'],
    type: 'struct ptrace_syscall_info',
    members:
      'op arch instruction_pointer stack_pointer entry.nr entry.args[] exit.rval exit.is_error ' +
      'seccomp.nr seccomp.args[] seccomp.ret_data',
  },
};
