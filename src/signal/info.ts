/**
 * What is known of a signal that came.
 *
 * @module
 */
import { CLD, SI, SIG } from '../syscall/constants.js';
import { type SignalName, signalName } from '../syscall/signals.js';

/** A signal that came: siginfo_t of sigaction(2). */
export interface SignalInfo {
  /** Its name; real-time signals count from SIGRTMIN. */
  readonly signal: SignalName;
  /** Its number. */
  readonly number: number;
  /** SI_USER, SI_QUEUE, CLD_EXITED, …: why it was sent. */
  readonly code: number;
  /** Who sent it, or the child of a SIGCHLD; 0 when the kernel did. */
  readonly pid: number;
  /** The real user id of that process; 0 when the kernel sent it. */
  readonly uid: number;
  /** Of SIGCHLD: the exit code or signal. */
  readonly status?: number;
  /** What was sent along: sigqueue(3), timer_create(2). 32 bits, with a sign. */
  readonly value?: number;
  /**
   * How many of this signal were lost since the last one, because nobody took them in time. What the
   * kernel itself makes one of while it is pending, it does not count.
   */
  readonly dropped: number;
}

const { SIGCHLD } = SIG;

/** The codes of sigaction(2) that say what else there is. */
const { SI_USER, SI_QUEUE, SI_TIMER, SI_MESGQ, SI_SIGIO, SI_TKILL } = SI;
const CHILD_CODES = new Set<number>(Object.values(CLD));

/** On Linux the codes below SI_USER are all of processes; others have none but these. */
const isLinux = process.platform === 'linux';

/** Timers, and descriptors that became ready, have something else where the sender would be. */
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
  // tgkill(2) leaves none; what lies below it are the sender's own codes.
  const hasValue = [SI_QUEUE, SI_TIMER, SI_MESGQ].includes(code) || (isLinux && code < SI_TKILL);
  return hasValue ? { ...info, value } : info;
}
