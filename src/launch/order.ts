/**
 * The steps of a launch in their order, and the options they come from.
 *
 * A new attribute of a process is a file beside this one and a line in each of the two lists.
 *
 * @module
 */
import { type CgroupOptions, cgroup } from './cgroup.js';
import { descriptors, openNull } from './descriptors.js';
import { type DirectoryOptions, directory } from './directory.js';
import { type ImageOptions, image } from './image.js';
import { type NamespaceOptions, namespaces } from './namespaces.js';
import { type ParentDeathSignalOptions, parentDeathSignal } from './parent-death-signal.js';
import { type PtraceOptions, ptrace } from './ptrace.js';
import { type SessionOptions, session } from './session.js';
import { dispositions, mask, type SignalOptions } from './signals.js';
import type { Step } from './step.js';
import { controllingTerminal, foreground, type TerminalOptions } from './terminal.js';
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
    PtraceOptions {}

export const order: readonly Step[] = [
  openNull, // while / and the working directory are still this process'
  dispositions,
  session,
  foreground, // the terminal is this process' descriptor: before they move
  namespaces,
  cgroup,
  umask,
  directory, // after whatever changes the root or the identity: path and permission are the new ones
  parentDeathSignal, // after credentials, which clear it
  descriptors,
  controllingTerminal, // the terminal is the child's descriptor
  ptrace,
  mask, // a signal that was pending may end the child here, so nothing but execve follows
  image,
];
