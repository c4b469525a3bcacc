/*
 * What a kernel newer than the build system's headers (Debian 12: Linux 6.1) has.
 * Each block names the release that brought it; a header that knows the name wins.
 * Included after every table's own headers, so that what they need is defined where they are read.
 */
#include <linux/ioctl.h>
#include <linux/types.h>

/* <asm/unistd.h>. Since 5.1 every architecture gives a new call the same number. */
#ifndef __NR_cachestat
#define __NR_cachestat 451 /* 6.5 */
#endif
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452 /* 6.6 */
#endif
#ifndef __NR_map_shadow_stack
#define __NR_map_shadow_stack 453 /* 6.6 */
#endif
#ifndef __NR_futex_wake
#define __NR_futex_wake 454    /* 6.7 */
#define __NR_futex_wait 455    /* 6.7 */
#define __NR_futex_requeue 456 /* 6.7 */
#endif
#ifndef __NR_statmount
#define __NR_statmount 457         /* 6.8 */
#define __NR_listmount 458         /* 6.8 */
#define __NR_lsm_get_self_attr 459 /* 6.8 */
#define __NR_lsm_set_self_attr 460 /* 6.8 */
#define __NR_lsm_list_modules 461  /* 6.8 */
#endif
#ifndef __NR_mseal
#define __NR_mseal 462 /* 6.10 */
#endif
#ifndef __NR_setxattrat
#define __NR_setxattrat 463    /* 6.13 */
#define __NR_getxattrat 464    /* 6.13 */
#define __NR_listxattrat 465   /* 6.13 */
#define __NR_removexattrat 466 /* 6.13 */
#endif
#ifndef __NR_open_tree_attr
#define __NR_open_tree_attr 467 /* 6.15 */
#endif
#ifndef __NR_file_getattr
#define __NR_file_getattr 468 /* 6.17 */
#define __NR_file_setattr 469 /* 6.17 */
#endif
#ifndef __NR_listns
#define __NR_listns 470 /* 6.19 */
#endif
#ifdef __x86_64__
#ifndef __NR_uretprobe
#define __NR_uretprobe 335 /* 6.11 */
#endif
#ifndef __NR_uprobe
#define __NR_uprobe 336 /* 6.18 */
#endif
#endif

/* <linux/pidfd.h> */
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL          /* 6.9 */
#define PIDFD_SIGNAL_THREAD 1        /* 6.9 */
#define PIDFD_SIGNAL_THREAD_GROUP 2  /* 6.9 */
#define PIDFD_SIGNAL_PROCESS_GROUP 4 /* 6.9 */
#endif
#ifndef PIDFS_IOCTL_MAGIC
#define PIDFS_IOCTL_MAGIC 0xFF
/* All of 6.11. */
#define PIDFD_GET_CGROUP_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 1)
#define PIDFD_GET_IPC_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 2)
#define PIDFD_GET_MNT_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 3)
#define PIDFD_GET_NET_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 4)
#define PIDFD_GET_PID_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 5)
#define PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 6)
#define PIDFD_GET_TIME_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 7)
#define PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 8)
#define PIDFD_GET_USER_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 9)
#define PIDFD_GET_UTS_NAMESPACE _IO(PIDFS_IOCTL_MAGIC, 10)
#endif
/*
 * The ioctl's number carries the size. 72 bytes are what 6.16 to 6.18 have; the kernel fills as
 * much of any size from 64 (6.13) up as it knows, so this number serves older and newer ones too.
 * Under a name of its own, so that the tables do not depend on which size the headers have.
 */
struct pidfd_info_72 {
  __u64 mask;
  __u64 cgroupid;
  __u32 pid;
  __u32 tgid;
  __u32 ppid;
  __u32 ruid;
  __u32 rgid;
  __u32 euid;
  __u32 egid;
  __u32 suid;
  __u32 sgid;
  __u32 fsuid;
  __u32 fsgid;
  __s32 exit_code;       /* 6.15; a spare field before */
  __u32 coredump_mask;   /* 6.16 */
  __u32 coredump_signal; /* 6.19; a spare field before */
};
#undef PIDFD_GET_INFO
#define PIDFD_GET_INFO _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info_72) /* 6.13 */
#ifndef PIDFD_INFO_PID
#define PIDFD_INFO_PID 1      /* 6.13 */
#define PIDFD_INFO_CREDS 2    /* 6.13 */
#define PIDFD_INFO_CGROUPID 4 /* 6.13 */
#endif
#ifndef PIDFD_INFO_EXIT
#define PIDFD_INFO_EXIT 8 /* 6.15 */
#endif
#ifndef PIDFD_INFO_COREDUMP
#define PIDFD_INFO_COREDUMP 16 /* 6.16 */
#define PIDFD_COREDUMPED 1     /* 6.16 */
#define PIDFD_COREDUMP_SKIP 2  /* 6.16 */
#define PIDFD_COREDUMP_USER 4  /* 6.16 */
#define PIDFD_COREDUMP_ROOT 8  /* 6.16 */
#endif
#ifndef PIDFD_INFO_COREDUMP_SIGNAL
#define PIDFD_INFO_COREDUMP_SIGNAL 64 /* 6.19 */
#endif
#ifndef PIDFD_SELF_THREAD
#define PIDFD_SELF_THREAD -10000       /* 6.14 */
#define PIDFD_SELF_THREAD_GROUP -10001 /* 6.14, another value before 6.17 */
#endif

/* <linux/sched.h> */
#ifndef CLONE_AUTOREAP
#define CLONE_AUTOREAP (1ULL << 34)       /* 7.1 */
#define CLONE_NNP (1ULL << 35)            /* 7.1 */
#define CLONE_PIDFD_AUTOKILL (1ULL << 36) /* 7.1 */
#endif
#ifndef SCHED_EXT
#define SCHED_EXT 7 /* 6.12 */
#endif

/* <linux/prctl.h> */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65             /* 6.3 */
#define PR_GET_MDWE 66             /* 6.3 */
#define PR_MDWE_REFUSE_EXEC_GAIN 1 /* 6.3 */
#endif
#ifndef PR_MDWE_NO_INHERIT
#define PR_MDWE_NO_INHERIT 2 /* 6.7 */
#endif
#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67 /* 6.4 */
#define PR_GET_MEMORY_MERGE 68 /* 6.4 */
#endif
#ifndef PR_GET_AUXV
#define PR_GET_AUXV 0x41555856 /* 6.4 */
#endif
#ifndef PR_GET_SHADOW_STACK_STATUS
#define PR_GET_SHADOW_STACK_STATUS 74  /* 6.13 */
#define PR_SET_SHADOW_STACK_STATUS 75  /* 6.13 */
#define PR_LOCK_SHADOW_STACK_STATUS 76 /* 6.13 */
#endif
#ifndef PR_TIMER_CREATE_RESTORE_IDS
#define PR_TIMER_CREATE_RESTORE_IDS 77    /* 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS_OFF 0 /* 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS_ON 1  /* 6.15 */
#define PR_TIMER_CREATE_RESTORE_IDS_GET 2 /* 6.15 */
#endif
#ifndef PR_FUTEX_HASH
#define PR_FUTEX_HASH 78          /* 6.16 */
#define PR_FUTEX_HASH_SET_SLOTS 1 /* 6.16 */
#define PR_FUTEX_HASH_GET_SLOTS 2 /* 6.16 */
#endif

/* <linux/fcntl.h> */
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY (F_LINUX_SPECIFIC_BASE + 3) /* 6.10 */
#endif
#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY (F_LINUX_SPECIFIC_BASE + 4) /* 6.12 */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 /* 6.3 */
#endif
#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000 /* 6.14 */
#endif

/* <linux/memfd.h> */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x8 /* 6.3 */
#define MFD_EXEC 0x10       /* 6.3 */
#endif

/* <linux/securebits.h> */
#ifndef SECBIT_EXEC_RESTRICT_FILE
#define SECBIT_EXEC_RESTRICT_FILE (1 << 8)            /* 6.14 */
#define SECBIT_EXEC_RESTRICT_FILE_LOCKED (1 << 9)     /* 6.14 */
#define SECBIT_EXEC_DENY_INTERACTIVE (1 << 10)        /* 6.14 */
#define SECBIT_EXEC_DENY_INTERACTIVE_LOCKED (1 << 11) /* 6.14 */
#endif

/* <linux/nsfs.h>: 6.11. Left out: NS_GET_MNTNS_ID, whose number changed after its first release. */
#ifndef NS_GET_PID_FROM_PIDNS
#define NS_GET_PID_FROM_PIDNS _IOR(NSIO, 0x6, int)
#define NS_GET_TGID_FROM_PIDNS _IOR(NSIO, 0x7, int)
#define NS_GET_PID_IN_PIDNS _IOR(NSIO, 0x8, int)
#define NS_GET_TGID_IN_PIDNS _IOR(NSIO, 0x9, int)
#endif

/* <linux/ptrace.h> */
#ifndef PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG
#define PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG 0x4210 /* 6.4 */
#define PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG 0x4211 /* 6.4 */
#endif
#ifndef PTRACE_SET_SYSCALL_INFO
#define PTRACE_SET_SYSCALL_INFO 0x4212 /* 6.16 */
#endif

/* <asm/socket.h>, and glibc's enumerators, which the preprocessor does not see */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* 6.5 */
#define SO_PEERPIDFD 77 /* 6.5 */
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4 /* 6.5 */
#endif
