/**
 * The terminal of this process.
 *
 * @module
 */
import { ownOptions } from '../launch/values.js';
import { isHeard } from '../signal/listeners.js';
import { notify } from '../signal/notify.js';
import { call } from '../syscall/call.js';
import { checkInt, checkInteger } from '../syscall/check.js';
import { SIG, SIG_HOW, TIOC } from '../syscall/constants.js';
import { signalSet } from '../syscall/signals.js';
import { changeModes, checkModes, modesOf, RAW, type Termios } from './modes.js';

/** Signals that end a process which has no handler for them, and that a terminal's user can cause. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Makes a process group the foreground group of the terminal of this process' session. SIGTTOU does
 * not stop this process for it.
 *
 * @param fd A descriptor of the terminal.
 * @param pgid The group, of this session.
 * @throws SystemError ENOTTY where it is not this session's terminal, EPERM where the group is not
 * of this session, ESRCH where there is no such group.
 * @see tcsetpgrp(3)
 */
export function setForegroundGroup(fd: number, pgid: number): void {
  checkInteger('fd', fd, 0, 2 ** 31 - 1);
  checkInt('pgid', pgid);
  const before = new BigUint64Array(1);
  const block = new BigUint64Array([signalSet([SIG.SIGTTOU])]);
  call('rt_sigprocmask', SIG_HOW.SIG_BLOCK, block, before, 8);
  try {
    call('ioctl', fd, TIOC.TIOCSPGRP, new Int32Array([pgid]));
  } finally {
    call('rt_sigprocmask', SIG_HOW.SIG_SETMASK, before, null, 8);
  }
}

/** What `withRawMode` takes. */
export interface RawModeOptions {
  /** A descriptor of the terminal. Default: 0, stdin. */
  fd?: number | undefined;
  /** Modes on top of those of raw mode: `{ isig: true }` keeps ^C a signal. */
  modes?: Partial<Termios> | undefined;
}

/**
 * Calls `body` while a terminal of this process is in raw mode, and restores its modes in every way
 * out: when `body` returns, throws or rejects, when this process exits or has an error that nothing
 * catches, and when SIGINT, SIGTERM, SIGHUP or SIGQUIT ends it. SIGKILL restores nothing.
 *
 * @throws SystemError ENOTTY where the descriptor is not of a terminal; `body` is not called then.
 */
export async function withRawMode<T>(
  body: () => T | Promise<T>,
  options: RawModeOptions = {},
): Promise<T> {
  const { fd = 0, modes = {} } = ownOptions(options);
  checkInteger('fd', fd, 0, 2 ** 31 - 1);
  checkModes('modes', modes);
  const before = modesOf(fd);
  const restore = (): void => changeModes(fd, before);
  const restoreAtExit = (): void => {
    try {
      restore();
    } catch {
      // The terminal is gone, and with it what there was to restore.
    }
  };
  // Deno emits no `exit` then, and Bun goes on until the main module has awaited what it awaits.
  const restoreAtError = (): void => {
    if (process.listenerCount('uncaughtException') === 0) restoreAtExit();
  };
  const ending = notify(...ENDING).on('signal', ({ number }) => {
    // A listener of the program decides whether the signal ends it.
    if (isHeard(number)) return;
    restoreAtExit();
    stop();
    call('kill', process.pid, number);
  });
  const stop = (): void => {
    ending.stop();
    process.off('exit', restoreAtExit).off('uncaughtExceptionMonitor', restoreAtError);
  };
  process.on('exit', restoreAtExit).on('uncaughtExceptionMonitor', restoreAtError);
  try {
    changeModes(fd, { ...RAW, ...modes });
    return await body();
  } finally {
    stop();
    restore();
  }
}
