/**
 * Processes by descriptor: unlike a pid, a pidfd never refers to another process.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkInteger, checkSignal, checkUnsigned } from './check.js';
import { LAYOUT, SI } from './constants.js';
import { writeStruct } from './layout.js';
import type { Signal } from './signals.js';

/**
 * Opens a pidfd, with close-on-exec. It becomes readable when the process ends.
 *
 * @param flags of `PIDFD`: PIDFD_NONBLOCK (Linux 5.10), PIDFD_THREAD (6.9).
 * @throws SystemError ESRCH, EINVAL, EMFILE; ENOSYS before Linux 5.3.
 * @see pidfd_open(2)
 */
export function pidfdOpen(pid: number, flags = 0): number {
  return call('pidfd_open', checkInt('pid', pid), checkUnsigned('flags', flags));
}

/** The siginfo of sigqueue(3). */
function queued(signo: number, value: number): Uint8Array {
  checkInteger('value', value, -(2 ** 31), 2 ** 31 - 1);
  return writeStruct(LAYOUT.siginfo, {
    signo,
    code: SI.SI_QUEUE,
    pid: call('getpid'),
    uid: call('getuid'),
    value,
  });
}

/**
 * Sends a signal to the process of a pidfd.
 *
 * @param signal 0 sends nothing and checks whether a signal could be sent.
 * @param value a signed 32-bit integer that goes with the signal, as with sigqueue(3). Not with
 * signal 0.
 * @throws SystemError ESRCH after the process was reaped; EPERM, EBADF; ENOSYS before Linux 5.1.
 * @see pidfd_send_signal(2)
 */
export function pidfdSendSignal(pidfd: number, signal: Signal | 0, value?: number): void {
  checkInt('pidfd', pidfd);
  const number = signal === 0 ? 0 : checkSignal('signal', signal);
  const info = value === undefined ? null : queued(number, value);
  call('pidfd_send_signal', pidfd, number, info, 0);
}
