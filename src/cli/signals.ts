/**
 * Signals that forkexec gets while a program runs.
 *
 * @module
 */
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { stopLikeTerminal } from '../process/loan.js';
import { stateOf } from '../process/proc.js';
import type { ExitStatus } from '../process/status.js';
import { inherited } from '../signal/inherited.js';
import { notify, type SignalInfo } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { LAYOUT, P, PR, SI, SIG, SIG_HOW, TIOC, W } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { findSignal, type SignalName, signalSet } from '../syscall/signals.js';
import { setImmediate } from '../time.js';

const PASSED: readonly SignalName[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGCONT',
  'SIGTSTP',
];

/**
 * Signals that ask the program to end, and with it what it started. SIGHUP is not among them: what
 * ignores a hangup, as nohup(1) arranges it, is meant to stay.
 */
const ENDS: readonly SignalName[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** Signals with which a terminal, or a shell on its behalf, stops a job. SIGSTOP is not one of them. */
const STOPS_OF_JOBS: readonly (SignalName | undefined)[] = ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'];

/**
 * Whether the program, being of the same group, has got it as well: what a terminal sends goes to all
 * of its foreground group. Of a hangup the leader of the session alone is told, by SIGHUP and SIGCONT.
 */
function isForGroup({ code, pid, signal }: SignalInfo): boolean {
  const isHangup = signal === 'SIGHUP' || signal === 'SIGCONT';
  // macOS has no such code: there it is nobody's.
  const isTerminals = SI.SI_KERNEL === undefined ? pid === 0 : code === SI.SI_KERNEL;
  return isTerminals && !(isHangup && attempt('getsid', 0) === process.pid);
}

/** Whether the program went on, or stopped again, and `Child` has not told of it yet. */
function hasChanged({ pid }: Child): boolean {
  const info = new Uint8Array(LAYOUT.siginfo.size);
  const look = W.WSTOPPED | W.WCONTINUED | W.WNOHANG | W.WNOWAIT;
  const result = attempt('waitid', P.P_PID, pid, info, look, null);
  return result === 0 && readStruct(LAYOUT.siginfo, info).pid === pid;
}

/**
 * A shell that continues the job of this process gives it the terminal. If the program is to be in the
 * foreground, its group gets the terminal and SIGCONT, all of it: ^Z has stopped all of it. False if this
 * is not so, or if this process was continued in the background.
 */
function passTerminal({ foreground, processGroup }: SpawnOptions, { pid }: Child): boolean {
  const now = new Int32Array(1);
  if (foreground === undefined || attempt('ioctl', foreground, TIOC.TIOCGPGRP, now) < 0)
    return false;
  if (now[0] !== attempt('getpgid', 0)) return false;
  const group = processGroup || pid;
  attempt('ioctl', foreground, TIOC.TIOCSPGRP, Int32Array.of(group));
  return attempt('kill', -group, SIG.SIGCONT) === 0;
}

/** Whether a shell of this session waits for this process as a job. */
function isJob(): boolean {
  const { ppid } = process;
  const hasSession = attempt('getsid', ppid) === attempt('getsid', 0);
  return hasSession && attempt('getpgid', ppid) !== attempt('getpgid', 0);
}

/** Passes signals on to the program, and stops this process when that stops. */
class Forwarder {
  readonly #child: Child;
  readonly #options: SpawnOptions;
  readonly #sameGroup: boolean;
  /** How often the program has stopped, and whether this process did with it. */
  #stops = 0;
  #stopped = false;
  /** The last signal that asked for an end, whether forkexec passed it on or a terminal did. */
  #end: SignalName | undefined;
  #ended = false;

  constructor(child: Child, options: SpawnOptions) {
    const { session, processGroup, foreground, terminal } = options;
    this.#child = child;
    this.#options = options;
    this.#sameGroup =
      !session && processGroup === undefined && foreground === undefined && terminal === undefined;
  }

  pass(info: SignalInfo): void {
    if (ENDS.includes(info.signal)) this.#end = info.signal;
    // What the program left behind is being stopped, and the user has no more patience.
    if (this.#ended && this.#end === info.signal) this.#kill();
    else if (this.#sameGroup && isForGroup(info)) return;
    else if (info.signal === 'SIGWINCH' && this.#options.terminal !== undefined)
      return; // by its terminal
    else if (info.signal === 'SIGCONT') this.#continue();
    else this.#send(info.signal);
  }

  #continue(): void {
    if (passTerminal(this.#options, this.#child)) return;
    const ofJob = this.#sameGroup && this.#stopped;
    this.#stopped = false;
    if (!ofJob) {
      this.#send('SIGCONT');
      return;
    }
    // A shell continues all of a job that it saw stop, `kill` only one. Who was continued may have
    // been stopped again since, and is not to go on: the change is told of first.
    const stops = this.#stops;
    setImmediate(() => {
      const waits =
        this.#stops === stops && stateOf(this.#child.pid) === 'T' && !hasChanged(this.#child);
      if (waits) this.#send('SIGCONT');
    });
  }

  /**
   * Waits until the rest of the scope has ended too, where a timeout or a signal ended the program.
   * One that handled ^C and ended later, as an interactive program does, leaves what it started.
   */
  async settle(status: ExitStatus): Promise<void> {
    // A terminal's signal came before the end that it brought about, and may be handed over after it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#ended = true;
    const number = this.#end === undefined ? 0 : (findSignal(this.#end) as number);
    const byEnd = status.signal === this.#end || status.code === 128 + number;
    try {
      if (this.#end === 'SIGTERM' || (this.#end !== undefined && byEnd)) await this.#child.stop();
      await this.#child.closed; // the ladder of a timeout
    } catch {
      // no /proc, or processes of another user: they stay
    }
    if (this.#options.lifetime !== undefined) this.#kill('tree');
  }

  #kill(scope = this.#options.stop?.scope ?? 'tree'): void {
    try {
      this.#child.kill('SIGKILL', { scope });
    } catch {
      // as above
    }
  }

  #send(signal: SignalName): void {
    try {
      this.#child.kill(signal);
    } catch {
      // EPERM: it has become another user's, and only they may signal it
    }
  }

  /** A shell that waits for forkexec is to see that the job stopped. */
  stop(signal: SignalName | undefined): void {
    if (signal === undefined || !STOPS_OF_JOBS.includes(signal)) return;
    this.#stops++;
    this.#stopped = true;
    // With the program's own signal, which a shell reports. Where there is none, the kernel ignores it.
    // A terminal has stopped the rest of the job only if the program is in its group.
    if (!isJob()) attempt('kill', process.pid, SIG.SIGSTOP);
    else stopLikeTerminal(findSignal(signal) as number, this.#sameGroup ? process.pid : 0);
  }
}

/**
 * From here on signals do not end forkexec, which has a status to wait for. The function that it
 * returns passes them on to the program, also those that came before.
 */
export function holdSignals(
  options: SpawnOptions,
  { isTraced = false }: { isTraced?: boolean } = {},
): (child: Child) => Forwarder {
  // What was ignored when forkexec was started stays so, for nohup's sake.
  const signals = PASSED.filter((name) => !inherited.ignored.includes(name));
  const stream = notify(...signals);
  return (child) => {
    const forwarder = new Forwarder(child, options);
    stream.on('signal', (info) => forwarder.pass(info));
    // What is traced stops for its tracer alone.
    if (!isTraced) child.on('stopped', (signal) => forwarder.stop(signal));
    return forwarder;
  };
}

/** Ends this process by a signal, so that who waits for it sees the program's own end. */
export function dieOf(name: SignalName): void {
  const number = findSignal(name) as number;
  attempt('prctl', PR.PR_SET_DUMPABLE, 0, 0, 0, 0); // the program left its core, not we
  // struct sigaction of the kernel: all zero is the default action
  attempt('rt_sigaction', number, new BigUint64Array(4), null, 8);
  attempt(
    'rt_sigprocmask',
    SIG_HOW.SIG_UNBLOCK,
    new BigUint64Array([signalSet([number])]),
    null,
    8,
  );
  // Without effect in process 1 of a pid namespace, which gets no signal that it has no handler for.
  if (attempt('tgkill', process.pid, attempt('gettid'), number) < 0) {
    attempt('kill', process.pid, number);
  }
}
