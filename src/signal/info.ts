/**
 * The information that comes with a signal.
 *
 * @module
 */
import { CLD, SI, SIG } from '../syscall/constants.js';
import { type SignalName, signalName } from '../syscall/signals.js';

/** A signal that arrived: siginfo_t of sigaction(2). */
export interface SignalInfo {
  /** The name; real-time signals count from SIGRTMIN. */
  readonly signal: SignalName;
  /** The number. */
  readonly number: number;
  /** Why the signal was sent: SI_USER, SI_QUEUE, CLD_EXITED, … */
  readonly code: number;
  /** The pid of the sender, or the child of a SIGCHLD; 0 for a signal of the kernel. */
  readonly pid: number;
  /** The real user id of that process; 0 for a signal of the kernel. */
  readonly uid: number;
  /** For SIGCHLD: the exit code or the signal's number. */
  readonly status?: number;
  /** The signed 32-bit value that was sent with the signal: sigqueue(3), timer_create(2). */
  readonly value?: number;
  /**
   * How many signals of this number were dropped since the last one, because they were not taken in
   * time. Pending signals that the kernel merges into one are not counted.
   */
  readonly dropped: number;
}

const { SIGCHLD } = SIG;

/** The codes of sigaction(2) that decide which other members are valid. */
const { SI_USER, SI_QUEUE, SI_TIMER, SI_MESGQ, SI_SIGIO, SI_TKILL } = SI;
const CHILD_CODES = new Set<number>(Object.values(CLD));

/** On Linux all codes below SI_USER are of processes; other systems have only those above. */
const isLinux = process.platform === 'linux';

/** Timers and descriptors that became ready have other data in the place of the sender. */
function hasSender(number: number, code: number): boolean {
  if (number === SIGCHLD) return true;
  if (!isLinux) return code === SI_USER || code === SI_QUEUE || code === SI_MESGQ;
  return code === SI_USER || (code < SI_USER && code !== SI_TIMER && code !== SI_SIGIO);
}

/** The signal of a completion, which native/bind_signal.c writes. */
export function infoOf(row: Float64Array, at: number): SignalInfo {
  const [number, code, pid, uid, status, value, dropped] = row.subarray(
    at + 2,
    at + 9,
  ) as unknown as [number, number, number, number, number, number, number];
  const sender = hasSender(number, code) ? { pid, uid } : { pid: 0, uid: 0 };
  const info = { signal: signalName(number), number, code, ...sender, dropped };
  if (number === SIGCHLD && CHILD_CODES.has(code)) return { ...info, status };
  // tgkill(2) has no value; the codes below SI_TKILL are the sender's own.
  const hasValue = [SI_QUEUE, SI_TIMER, SI_MESGQ].includes(code) || (isLinux && code < SI_TKILL);
  return hasValue ? { ...info, value } : info;
}
