/**
 * The attributes of a new process in the order in which they are carried out, and what is derived
 * from them: the options of a launch, the names of its steps.
 *
 * A new attribute is a file beside this one and a line in `order`.
 *
 * @module
 */
import type { Attribute } from './attribute.js';
import { capabilities, keepCapabilities } from './capabilities.js';
import { cgroup } from './cgroup.js';
import { chroot } from './chroot.js';
import { cpuAffinity } from './cpu-affinity.js';
import { credential } from './credential.js';
import { descriptors, sources } from './descriptors.js';
import { directory } from './directory.js';
import { execFd } from './exec-fd.js';
import { image } from './image.js';
import { ioPriority } from './io-priority.js';
import { landlock, landlockRules } from './landlock.js';
import { limits } from './limits.js';
import { mounts } from './mounts.js';
import { namespaces } from './namespaces.js';
import { nice } from './nice.js';
import { noNewPrivileges } from './no-new-privileges.js';
import { oomScore } from './oom-score.js';
import { parentDeathSignal } from './parent-death-signal.js';
import { ptrace } from './ptrace.js';
import { scheduler } from './scheduler.js';
import { seccomp } from './seccomp.js';
import { session } from './session.js';
import { dispositions, mask } from './signals.js';
import { controllingTerminal, detachTerminal, foreground } from './terminal.js';
import { timerSlack } from './timer-slack.js';
import { umask } from './umask.js';

/** The assertions let a declaration file have the types of the elements. */
export const order = [
  sources as typeof sources, // while / and the working directory are still this process'
  dispositions as typeof dispositions,
  session as typeof session,
  foreground as typeof foreground, // the terminal is this process' descriptor: before they move
  detachTerminal as typeof detachTerminal, // /dev/tty may be missing in other mounts or a new root
  cgroup as typeof cgroup, // a cgroup namespace begins in the group that the process is in
  namespaces as typeof namespaces,
  oomScore as typeof oomScore, // before credentials: the file of an undumpable process is root's
  scheduler as typeof scheduler,
  timerSlack as typeof timerSlack, // a change of policy sets it
  nice as typeof nice, // the policy may ignore it, but never sets it
  ioPriority as typeof ioPriority,
  cpuAffinity as typeof cpuAffinity,
  limits as typeof limits,
  mounts as typeof mounts, // what is before it uses /proc and files of this process
  landlockRules as typeof landlockRules, // a rule goes with a mount: after those, before a new root
  chroot as typeof chroot,
  keepCapabilities as typeof keepCapabilities, // setuid takes them away
  credential as typeof credential,
  capabilities as typeof capabilities,
  umask as typeof umask,
  directory as typeof directory, // after a new root or identity: its path and permissions hold
  parentDeathSignal as typeof parentDeathSignal, // after credentials, which clear it
  descriptors as typeof descriptors,
  controllingTerminal as typeof controllingTerminal, // the terminal is the child's descriptor
  noNewPrivileges as typeof noNewPrivileges, // what follows is refused without, but to root
  landlock as typeof landlock, // nothing but execve opens a file after it
  ptrace as typeof ptrace,
  mask as typeof mask, // a pending signal may end the child here: nothing but execve follows
  seccomp as typeof seccomp, // it may forbid any call of the steps before it
  execFd as typeof execFd, // instead of what follows
  image as typeof image,
] as const;

type Listed = (typeof order)[number];

/** One type that has the members of all: a function that takes each of them takes no less. */
type Merged<A> = (
  A extends Attribute<infer O, infer _S, infer _N>
    ? (all: O) => void
    : never
) extends (all: infer All extends object) => void
  ? All
  : never;

/** What is true of a new process. */
export interface LaunchOptions extends Merged<Listed> {}

/** The attributes as those who go through them see them. */
export const attributes: readonly Attribute<LaunchOptions, readonly StepName[]>[] = order;

/** The names of all options. */
export const launchOptionNames: readonly (keyof LaunchOptions)[] = attributes.flatMap(
  ({ options }) => options,
);

/** What this process does before there is a new one. */
const BEFORE = ['pipe2', 'socketpair', 'clone'] as const;

/**
 * The step of a launch that failed: the system call as its manual page names it, or the operation
 * where one call has many (`'PR_SET_PDEATHSIG'`).
 */
export type StepName = (typeof BEFORE)[number] | Listed['steps'][number];

/** Every step that a launch can fail at, in the order of the attributes. */
export const STEP_NAMES: readonly StepName[] = [
  ...new Set<StepName>([...BEFORE, ...attributes.flatMap(({ steps }) => steps)]),
];
