/**
 * Facilities that a kernel lacks or a seccomp filter refuses, each probed once by a call.
 *
 * @module
 */
import { attempt } from './call.js';
import { CLOSE_RANGE, E, P, PIDFD, W } from './constants.js';

/** A facility that older kernels lack and filters of containers refuse. */
export type Facility =
  | 'pidfd_open'
  | 'pidfd_send_signal'
  | 'pidfd_send_signal to a group'
  | 'waitid by pidfd'
  | 'close_range';

/** A number that no process and no descriptor has. */
const NONE = 0x7fff_ffff;

/** Calls without an effect: a kernel that knows the call fails it because of its arguments. */
const probes: Readonly<Record<Facility, () => number>> = {
  pidfd_open: () => attempt('pidfd_open', NONE, 0),
  pidfd_send_signal: () => attempt('pidfd_send_signal', NONE, 0, null, 0),
  'pidfd_send_signal to a group': () =>
    attempt('pidfd_send_signal', NONE, 0, null, PIDFD.PIDFD_SIGNAL_PROCESS_GROUP),
  'waitid by pidfd': () => attempt('waitid', P.P_PIDFD, NONE, null, W.WEXITED | W.WNOHANG, null),
  close_range: () =>
    attempt('close_range', 0xffff_fffe, 0xffff_ffff, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC),
};

/** Errnos of kernels for unknown calls and flags, and of filters for refused ones. */
const REFUSALS = new Set<number>([E.ENOSYS, E.EPERM, E.EACCES, E.EINVAL]);

const known = new Map<Facility, number>();

/** The errno with which a facility is refused, or 0 if it is available. */
export function refusalOf(facility: Facility): number {
  let errno = known.get(facility);
  if (errno === undefined) {
    const result = probes[facility]();
    errno = REFUSALS.has(-result) ? -result : 0;
    known.set(facility, errno);
  }
  return errno;
}
