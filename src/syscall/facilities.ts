/**
 * What a kernel or the filter in front of it may lack, found out once by trying.
 *
 * @module
 */
import { attempt } from './call.js';
import { CLOSE_RANGE, E, P, PIDFD, W } from './constants.js';

/** Something that older kernels lack and that the filters of containers refuse. */
export type Facility =
  | 'pidfd_open'
  | 'pidfd_send_signal'
  | 'pidfd_send_signal to a group'
  | 'waitid by pidfd'
  | 'close_range';

/** No process and no descriptor has such a number. */
const NONE = 0x7fff_ffff;

/** Calls that can do nothing: where they are known, they fail for what they are given. */
const probes: Readonly<Record<Facility, () => number>> = {
  pidfd_open: () => attempt('pidfd_open', NONE, 0),
  pidfd_send_signal: () => attempt('pidfd_send_signal', NONE, 0, null, 0),
  'pidfd_send_signal to a group': () =>
    attempt('pidfd_send_signal', NONE, 0, null, PIDFD.PIDFD_SIGNAL_PROCESS_GROUP),
  'waitid by pidfd': () => attempt('waitid', P.P_PIDFD, NONE, null, W.WEXITED | W.WNOHANG, null),
  close_range: () =>
    attempt('close_range', 0xffff_fffe, 0xffff_ffff, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC),
};

/** What kernels say to calls and flags that they do not know, and filters to those they refuse. */
const REFUSALS = new Set<number>([E.ENOSYS, E.EPERM, E.EACCES, E.EINVAL]);

const known = new Map<Facility, number>();

/** The errno for which a facility can't be had, or 0. */
export function refusalOf(facility: Facility): number {
  let errno = known.get(facility);
  if (errno === undefined) {
    const result = probes[facility]();
    errno = REFUSALS.has(-result) ? -result : 0;
    known.set(facility, errno);
  }
  return errno;
}
