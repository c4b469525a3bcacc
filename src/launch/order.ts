/**
 * The steps of a launch in their order, and the options they come from.
 *
 * A new attribute of a process is a file beside this one and a line in each of the two lists.
 *
 * @module
 */
import { type CapabilityOptions, capabilities, keepCapabilities } from './capabilities.js';
import { type CgroupOptions, cgroup } from './cgroup.js';
import { type ChrootOptions, chroot } from './chroot.js';
import { type CpuAffinityOptions, cpuAffinity } from './cpu-affinity.js';
import { type CredentialOptions, credential } from './credential.js';
import { descriptors, sources } from './descriptors.js';
import { type DirectoryOptions, directory } from './directory.js';
import { type ImageOptions, image } from './image.js';
import { type IoPriorityOptions, ioPriority } from './io-priority.js';
import { type LimitOptions, limits } from './limits.js';
import { type NamespaceOptions, namespaces } from './namespaces.js';
import { type NiceOptions, nice } from './nice.js';
import { type NoNewPrivilegesOptions, noNewPrivileges } from './no-new-privileges.js';
import { type OomScoreOptions, oomScore } from './oom-score.js';
import { type ParentDeathSignalOptions, parentDeathSignal } from './parent-death-signal.js';
import { type PtraceOptions, ptrace } from './ptrace.js';
import { type SchedulerOptions, scheduler } from './scheduler.js';
import { type SessionOptions, session } from './session.js';
import { dispositions, mask, type SignalOptions } from './signals.js';
import type { Step } from './step.js';
import {
  controllingTerminal,
  detachTerminal,
  foreground,
  type TerminalOptions,
} from './terminal.js';
import { type UmaskOptions, umask } from './umask.js';

/** What is true of a new process. */
export interface LaunchOptions
  extends DirectoryOptions,
    ImageOptions,
    SessionOptions,
    SignalOptions,
    ParentDeathSignalOptions,
    UmaskOptions,
    TerminalOptions,
    NamespaceOptions,
    CgroupOptions,
    PtraceOptions,
    OomScoreOptions,
    SchedulerOptions,
    NiceOptions,
    IoPriorityOptions,
    CpuAffinityOptions,
    LimitOptions,
    ChrootOptions,
    CredentialOptions,
    CapabilityOptions,
    NoNewPrivilegesOptions {}

export const order: readonly Step[] = [
  sources, // while / and the working directory are still this process'
  dispositions,
  session,
  foreground, // the terminal is this process' descriptor: before they move
  detachTerminal, // by way of /dev/tty, which other mounts and a new root may lack
  cgroup, // where it could not be born in it: a cgroup namespace begins where the process is
  namespaces,
  oomScore, // before credentials: a process that can't be dumped may not write its own file
  scheduler,
  nice, // the policy may ignore it, but never sets it
  ioPriority,
  cpuAffinity,
  limits,
  chroot,
  keepCapabilities, // setuid takes them away
  credential,
  capabilities,
  umask,
  directory, // after whatever changes the root or the identity: path and permission are the new ones
  parentDeathSignal, // after credentials, which clear it
  descriptors,
  controllingTerminal, // the terminal is the child's descriptor
  noNewPrivileges,
  ptrace,
  mask, // a signal that was pending may end the child here, so nothing but execve follows
  image,
];

/** The names of all options. */
export const launchOptionNames: readonly (keyof LaunchOptions)[] = order.flatMap(
  ({ options }) => options,
);
