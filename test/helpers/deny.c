/*
 * Runs a program as an older kernel or a container's filter would: without some system calls.
 *
 *   deny [--errno NAME] [--no-new-privileges] DENIAL... -- PROGRAM [ARGUMENT...]
 *   deny --list
 *
 * Each denial refuses the calls of the table below, by default as a kernel would that does not know
 * them; --errno ENOSYS or EPERM is what filters say, and EINVAL what emulators do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no name for this architecture"
#endif

/* What old headers lack. The numbers are the same on all architectures. */
#define NUMBER_pidfd_send_signal 424
#define NUMBER_move_mount 429
#define NUMBER_open_tree 428
#define NUMBER_fsopen 430
#define NUMBER_fsconfig 431
#define NUMBER_fsmount 432
#define NUMBER_fspick 433
#define NUMBER_pidfd_open 434
#define NUMBER_clone3 435
#define NUMBER_close_range 436
#define NUMBER_openat2 437
#define NUMBER_pidfd_getfd 438
#define NUMBER_faccessat2 439
#define NUMBER_process_madvise 440
#define NUMBER_epoll_pwait2 441
#define NUMBER_mount_setattr 442
#define NUMBER_landlock_create_ruleset 444
#define NUMBER_process_mrelease 448

#define CLONE_PIDFD_FLAG 0x00001000u
#define CLONE_NEW_FLAGS 0x7e020000u /* all namespaces that clone(2) can make */
#define PIDFD_IDTYPE 3u             /* P_PIDFD */
#define PIDFD_IOCTLS 0xff00u        /* the type of all of them */
#define MAX_INSTRUCTIONS 512

/* When a rule holds, by one 32-bit half-argument. */
enum when { ALWAYS, ANY_BIT, EQUALS, NOT_ZERO };

struct rule {
  const char *denial;
  long number;
  enum when when;
  uint32_t argument, mask, value;
  int error; /* without --errno, 0 is ENOSYS; a negative one is not changed by --errno */
};

#define CALL_RULE(denial, number)                                                                  \
  { denial, number, ALWAYS, 0, 0, 0, 0 }
/* glibc's pthread_create does without clone3 for ENOSYS alone: Node would not even start. */
#define CLONE3_RULE(denial)                                                                        \
  { denial, NUMBER_clone3, ALWAYS, 0, 0, 0, -ENOSYS }
#define DOCKER_RULE(number)                                                                        \
  { "docker", number, ALWAYS, 0, 0, 0, -EPERM }

static const struct rule rules[] = {
    CALL_RULE("clone3", NUMBER_clone3),

    /* clone3 reads its flags from memory, which a filter can't: where one refuses pidfds, it
       refuses clone3 as a whole. */
    CLONE3_RULE("clone-pidfd"),
    {"clone-pidfd", SYS_clone, ANY_BIT, 0, CLONE_PIDFD_FLAG, 0, 0},

    CLONE3_RULE("pidfds"),
    {"pidfds", SYS_clone, ANY_BIT, 0, CLONE_PIDFD_FLAG, 0, 0},
    CALL_RULE("pidfds", NUMBER_pidfd_open),
    CALL_RULE("pidfds", NUMBER_pidfd_send_signal),
    CALL_RULE("pidfds", NUMBER_pidfd_getfd),
    {"pidfds", SYS_waitid, EQUALS, 0, ~0u, PIDFD_IDTYPE, EINVAL},

    CALL_RULE("pidfd_open", NUMBER_pidfd_open),
    CALL_RULE("pidfd_send_signal", NUMBER_pidfd_send_signal),
    {"pidfd-group", NUMBER_pidfd_send_signal, NOT_ZERO, 3, ~0u, 0, EINVAL}, /* before Linux 6.9 */
    {"waitid-pidfd", SYS_waitid, EQUALS, 0, ~0u, PIDFD_IDTYPE, EINVAL},
    {"pidfd-ioctl", SYS_ioctl, EQUALS, 1, 0xff00u, PIDFD_IOCTLS, ENOTTY}, /* before Linux 6.11 */
    CALL_RULE("close_range", NUMBER_close_range),
    CALL_RULE("landlock", NUMBER_landlock_create_ruleset),

    /* What Linux 4.19 has not. */
    CALL_RULE("linux-4.19", NUMBER_pidfd_send_signal),
    CALL_RULE("linux-4.19", NUMBER_open_tree),
    CALL_RULE("linux-4.19", NUMBER_move_mount),
    CALL_RULE("linux-4.19", NUMBER_fsopen),
    CALL_RULE("linux-4.19", NUMBER_fsconfig),
    CALL_RULE("linux-4.19", NUMBER_fsmount),
    CALL_RULE("linux-4.19", NUMBER_fspick),
    CALL_RULE("linux-4.19", NUMBER_pidfd_open),
    CLONE3_RULE("linux-4.19"),
    CALL_RULE("linux-4.19", NUMBER_close_range),
    CALL_RULE("linux-4.19", NUMBER_openat2),
    CALL_RULE("linux-4.19", NUMBER_pidfd_getfd),
    CALL_RULE("linux-4.19", NUMBER_faccessat2),
    CALL_RULE("linux-4.19", NUMBER_process_madvise),
    CALL_RULE("linux-4.19", NUMBER_epoll_pwait2),
    CALL_RULE("linux-4.19", NUMBER_mount_setattr),
    CALL_RULE("linux-4.19", NUMBER_process_mrelease),
    {"linux-4.19", SYS_clone, ANY_BIT, 0, CLONE_PIDFD_FLAG, 0, 0},
    {"linux-4.19", SYS_waitid, EQUALS, 0, ~0u, PIDFD_IDTYPE, EINVAL},
    {"linux-4.19", SYS_ioctl, EQUALS, 1, 0xff00u, PIDFD_IOCTLS, ENOTTY},

    /* What the default profile of Docker refuses without further capabilities; and docker_calls. */
    CLONE3_RULE("docker"),
    {"docker", SYS_clone, ANY_BIT, 0, CLONE_NEW_FLAGS, 0, -EPERM},
    DOCKER_RULE(NUMBER_open_tree),
    DOCKER_RULE(NUMBER_move_mount),
    DOCKER_RULE(NUMBER_fsopen),
    DOCKER_RULE(NUMBER_fsconfig),
    DOCKER_RULE(NUMBER_fsmount),
    DOCKER_RULE(NUMBER_fspick),
    DOCKER_RULE(NUMBER_mount_setattr),
    DOCKER_RULE(NUMBER_pidfd_getfd),
    DOCKER_RULE(NUMBER_process_madvise),
    DOCKER_RULE(425), /* io_uring_setup */
    DOCKER_RULE(426), /* io_uring_enter */
    DOCKER_RULE(427), /* io_uring_register */
    DOCKER_RULE(443), /* quotactl_fd */
    DOCKER_RULE(450), /* set_mempolicy_home_node */
};

#define RULE_COUNT (sizeof rules / sizeof *rules)

/* Those of them that all headers know. */
static const int docker_calls[] = {
    SYS_unshare,       SYS_setns,          SYS_mount,         SYS_umount2,
    SYS_pivot_root,    SYS_kcmp,           SYS_bpf,           SYS_perf_event_open,
    SYS_userfaultfd,   SYS_add_key,        SYS_request_key,   SYS_keyctl,
    SYS_acct,          SYS_quotactl,       SYS_reboot,        SYS_swapon,
    SYS_swapoff,       SYS_init_module,    SYS_finit_module,  SYS_delete_module,
    SYS_kexec_load,    SYS_settimeofday,   SYS_clock_settime, SYS_open_by_handle_at,
    SYS_mbind,         SYS_set_mempolicy,  SYS_get_mempolicy, SYS_move_pages,
    SYS_sethostname,   SYS_setdomainname,  SYS_syslog,        SYS_vhangup,
    SYS_fanotify_init, SYS_kexec_file_load};

#define DOCKER_CALL_COUNT (sizeof docker_calls / sizeof *docker_calls)

/* The capabilities that Docker leaves a container's root. */
static const int docker_capabilities[] = {
    CAP_CHOWN,      CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,     CAP_MKNOD,
    CAP_NET_RAW,    CAP_SETGID,       CAP_SETUID,           CAP_SETFCAP,    CAP_SETPCAP,
    CAP_SYS_CHROOT, CAP_KILL,         CAP_NET_BIND_SERVICE, CAP_AUDIT_WRITE};

__attribute__((noreturn)) static void die(const char *what) {
  fprintf(stderr, "deny: %s: %s\n", what, strerror(errno));
  exit(125);
}

static struct sock_filter program[MAX_INSTRUCTIONS];
static unsigned short length;

static void add(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
  if (length == MAX_INSTRUCTIONS) {
    errno = E2BIG;
    die("too many rules");
  }
  program[length++] = (struct sock_filter){code, yes, no, k};
}

static void add_rule(const struct rule *rule, int given) {
  int error = rule->error < 0 ? -rule->error : given ? given : rule->error ? rule->error : ENOSYS;
  uint32_t low = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * rule->argument);
  uint32_t answer = SECCOMP_RET_ERRNO | (uint32_t)error;
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  uint8_t behind = rule->when == ALWAYS ? 1 : 4; /* how many instructions follow the comparison */
  add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rule->number, 0, behind);
  if (rule->when != ALWAYS) {
    add(BPF_LD | BPF_W | BPF_ABS, low, 0, 0);
    add(BPF_ALU | BPF_AND | BPF_K, rule->mask, 0, 0);
    if (rule->when == EQUALS)
      add(BPF_JMP | BPF_JEQ | BPF_K, rule->value, 0, 1);
    else
      add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  }
  add(BPF_RET | BPF_K, answer, 0, 0);
}

static int add_denial(const char *name, int error) {
  int found = 0;
  for (size_t i = 0; i < RULE_COUNT; i++) {
    if (strcmp(rules[i].denial, name) != 0)
      continue;
    add_rule(&rules[i], error);
    found = 1;
  }
  for (size_t i = 0; strcmp(name, "docker") == 0 && i < DOCKER_CALL_COUNT; i++) {
    const struct rule rule = DOCKER_RULE(docker_calls[i]);
    add_rule(&rule, error);
  }
  return found;
}

static void list(void) {
  for (size_t i = 0; i < RULE_COUNT; i++) {
    if (i == 0 || strcmp(rules[i].denial, rules[i - 1].denial) != 0)
      puts(rules[i].denial);
  }
}

static void drop_capabilities(void) {
  uint64_t kept = 0;
  for (size_t i = 0; i < sizeof docker_capabilities / sizeof *docker_capabilities; i++)
    kept |= (uint64_t)1 << docker_capabilities[i];
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++) {
    if (!(kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) != 0)
      die("PR_CAPBSET_DROP");
  }
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  if (syscall(SYS_capget, &header, data) != 0)
    die("capget");
  for (int i = 0; i < 2; i++) {
    uint32_t half = (uint32_t)(kept >> (32 * i));
    data[i].permitted &= half;
    data[i].effective &= half;
    data[i].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data) != 0)
    die("capset");
}

static int error_of(const char *name) {
  if (strcmp(name, "EPERM") == 0)
    return EPERM;
  if (strcmp(name, "ENOSYS") == 0)
    return ENOSYS;
  if (strcmp(name, "EINVAL") != 0) {
    errno = EINVAL;
    die(name);
  }
  return EINVAL;
}

int main(int argc, char **argv) {
  int error = 0, no_new_privileges = 0, docker = 0, at = 1;
  for (; at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2] != '\0'; at++) {
    if (strcmp(argv[at], "--list") == 0) {
      list();
      return 0;
    } else if (strcmp(argv[at], "--no-new-privileges") == 0) {
      no_new_privileges = 1;
    } else if (strcmp(argv[at], "--errno") == 0 && at + 1 < argc) {
      error = error_of(argv[++at]);
    } else {
      errno = EINVAL;
      die(argv[at]);
    }
  }
  /* Calls of another architecture are let through: nothing here makes any. */
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
  add(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0);
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
    docker |= strcmp(argv[at], "docker") == 0;
    if (!add_denial(argv[at], error)) {
      errno = EINVAL;
      die(argv[at]);
    }
  }
  add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
  if (at + 1 >= argc) {
    errno = EINVAL;
    die("no program after --");
  }
  if (no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    die("PR_SET_NO_NEW_PRIVS");
  const struct sock_fprog filter = {length, program};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    /* EACCES: that takes CAP_SYS_ADMIN, or new privileges given up. */
    if (errno != EACCES || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
      die("PR_SET_SECCOMP");
  }
  if (docker && geteuid() == 0)
    drop_capabilities();
  execvp(argv[at + 1], argv + at + 1);
  die(argv[at + 1]);
}
