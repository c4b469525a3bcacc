import { checkBoolean, checkInteger, invalid, refused } from '../syscall/check.js';
import { AT, E, O, SYS, TIOC } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { Address } from './program.js';
import type { SessionOptions } from './session.js';
import { toNumber } from './values.js';

/** The terminal of the new process. */
export interface TerminalOptions {
  /**
   * A descriptor of the *child*, on a terminal that becomes the controlling terminal of its new
   * session: TIOCSCTTY(2const). Needs `session`. A terminal that belongs to another session is not
   * taken from it. Default: none.
   */
  controllingTerminal?: number | undefined;
  /**
   * Gives up the controlling terminal, whichever descriptors are open on it: TIOCNOTTY(2const). If
   * there is none, nothing happens. Default: false.
   */
  detachTerminal?: boolean | undefined;
  /**
   * A descriptor of *this process* on its controlling terminal: tcsetpgrp(3). The process group of
   * the child is the foreground process group of that terminal before the first instruction of the
   * program. The child gets a process group of its own, unless `processGroup` names one. The
   * terminal is given back when the child stops or ends. When ^Z stops the child, this process stops
   * with it and continues it later, unless there is a listener for `'stopped'`. Cannot be combined
   * with `session`. Default: the foreground process group does not change.
   */
  foreground?: number | undefined;
}

const MAX_FD = 0x3fff_ffff;

/** While every signal is blocked, so that a background group gets no SIGTTOU for it. */
export const foreground: Attribute<
  Pick<TerminalOptions, 'foreground'>,
  ['setpgid', 'getpgid', 'TIOCSPGRP'],
  SessionOptions & TerminalOptions
> = {
  options: ['foreground'],
  steps: ['setpgid', 'getpgid', 'TIOCSPGRP'],
  on: 'all',
  check(options) {
    if (options.foreground === undefined) return;
    checkInteger('foreground', options.foreground, 0, MAX_FD);
    if (options.session) {
      throw refused('foreground', 'cannot be combined with session: a new session has no terminal');
    }
    if (options.controllingTerminal !== undefined) {
      throw refused('foreground', 'cannot be combined with controllingTerminal');
    }
  },
  emit(program, { options: { foreground: terminal, processGroup } }) {
    if (terminal === undefined) return;
    if (processGroup === undefined) {
      program.must({ name: 'setpgid', argument: '0' }, SYS.setpgid, 0, 0);
    }
    const group = program.slot();
    program.store({ name: 'getpgid' }, group, SYS.getpgid, 0);
    const step = { name: 'TIOCSPGRP', argument: String(terminal) } as const;
    program.must(step, SYS.ioctl, terminal, TIOC.TIOCSPGRP, new Address(group.offset));
  },
  descriptorsIn: ({ foreground }) => ({ foreground }),
  flags: [
    {
      flags: '--foreground <fd>',
      description: 'run as the foreground group of the terminal at this descriptor',
      apply: (_, value) => ({ foreground: toNumber(value) }),
    },
  ],
  trials: () => ({ foreground: [{ options: { foreground: 0 }, onTerminal: true }] }),
};

/** While /dev is that of this process: in a new root there may be none. */
export const detachTerminal: Attribute<
  Pick<TerminalOptions, 'detachTerminal'>,
  ['open', 'TIOCNOTTY'],
  TerminalOptions
> = {
  options: ['detachTerminal'],
  steps: ['open', 'TIOCNOTTY'],
  on: 'all',
  check({ detachTerminal, controllingTerminal }) {
    if (detachTerminal === undefined || !checkBoolean('detachTerminal', detachTerminal)) return;
    if (controllingTerminal !== undefined) {
      throw refused('detachTerminal', 'cannot be combined with controllingTerminal');
    }
  },
  emit(program, { options: { detachTerminal } }) {
    if (!detachTerminal) return;
    // /dev/tty is the controlling terminal, and ENXIO says that there is none.
    const step = { name: 'open', argument: '/dev/tty' } as const;
    const path = program.string('/dev/tty');
    const flags = O.O_RDWR | O.O_CLOEXEC | O.O_NOCTTY;
    const terminal = program.slot();
    program.skipIf(-E.ENXIO, 3, step, SYS.openat, AT.AT_FDCWD, path, flags);
    program.store(step, terminal, SYS.openat, AT.AT_FDCWD, path, flags);
    program.must({ name: 'TIOCNOTTY' }, SYS.ioctl, terminal, TIOC.TIOCNOTTY, 0);
    program.ignore({ name: 'close' }, SYS.close, terminal);
  },
  flags: [
    {
      flags: '--detach-terminal',
      description: 'give up the controlling terminal',
      apply: () => ({ detachTerminal: true }),
    },
  ],
  trials: () => ({ detachTerminal: [{ options: { detachTerminal: true } }] }),
};

/** Once the child's descriptors are in place. */
export const controllingTerminal: Attribute<
  Pick<TerminalOptions, 'controllingTerminal'>,
  ['TIOCSCTTY'],
  SessionOptions
> = {
  options: ['controllingTerminal'],
  steps: ['TIOCSCTTY'],
  on: 'all',
  check({ controllingTerminal: terminal, session }, { descriptors }) {
    if (terminal === undefined) return;
    checkInteger('controllingTerminal', terminal, 0, MAX_FD);
    if (session !== true) {
      throw refused('controllingTerminal', 'cannot be used without session');
    }
    if (!descriptors.has(terminal)) {
      throw invalid('controllingTerminal', terminal, 'a descriptor that the child has');
    }
  },
  emit(program, { options: { controllingTerminal: terminal } }) {
    if (terminal === undefined) return;
    const step = { name: 'TIOCSCTTY', argument: String(terminal) } as const;
    program.must(step, SYS.ioctl, terminal, TIOC.TIOCSCTTY, 0);
  },
  flags: [
    {
      flags: '--controlling-terminal <fd>',
      description: "make the terminal at this descriptor the new session's; needs --session",
      apply: (_, value) => ({ controllingTerminal: toNumber(value) }),
    },
  ],
  trials: () => ({
    controllingTerminal: [{ options: { session: true, controllingTerminal: 0 }, onTerminal: true }],
  }),
};
