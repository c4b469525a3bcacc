/**
 * Terminals that are lent to foreground children.
 *
 * @module
 */
import { attempt, attemptCopy, close } from '../syscall/call.js';
import { SIG, SIG_HOW, TIOC } from '../syscall/constants.js';
import type { SignalName } from '../syscall/signals.js';
import { signalSet } from '../syscall/signals.js';
import { isMainThread } from '../thread.js';
import { stateOf } from './proc.js';
import type { Process } from './process.js';
import { hasOtherReaders, jobChanges } from './stops.js';

/** The loans of now, whose children have not stopped: several may be of one group. */
const running = new Set<Loan>();

function foregroundOf(terminal: number): number {
  const group = new Int32Array(1);
  return attempt('ioctl', terminal, TIOC.TIOCGPGRP, group) < 0 ? -1 : (group[0] as number);
}

/** From the background a process is stopped for this, unless it blocks SIGTTOU. */
function setForeground(terminal: number, group: number): boolean {
  const before = new BigUint64Array(1);
  const block = new BigUint64Array([signalSet([SIG.SIGTTOU])]);
  attempt('rt_sigprocmask', SIG_HOW.SIG_BLOCK, block, before, 8);
  const result = attempt('ioctl', terminal, TIOC.TIOCSPGRP, new Int32Array([group]));
  attempt('rt_sigprocmask', SIG_HOW.SIG_SETMASK, before, null, 8);
  return result >= 0;
}

/** The states of a process that is stopped, by a tracer too; undefined where they can't be told. */
const STOPPED: ReadonlySet<string | undefined> = new Set(['T', 't', undefined]);

/** The signals with which a terminal stops a job. */
const STOPS_OF_JOBS: ReadonlySet<SignalName> = new Set(['SIGTSTP', 'SIGTTIN', 'SIGTTOU']);

/**
 * Stops the process group of this process, or `target` as kill(2) takes it, as ^Z does, whatever handlers
 * it has. Returns once it is continued. The kernel does not stop a group that no shell waits for: then it
 * returns at once.
 */
export function stopLikeTerminal(signal: number, target = 0): void {
  // struct sigaction of the kernel: all zero is the default action
  const before = new BigUint64Array(4);
  attempt('rt_sigaction', signal, new BigUint64Array(4), before, 8);
  attempt('kill', target, signal);
  attempt('rt_sigaction', signal, before, null, 8);
}

/** The loans whose children are followed. */
const loans = new WeakMap<Process, Loan>();

/** Continues a process, with all of its group if it leads one. False once it has ended. */
function continueGroup(child: Process): boolean {
  if (child.status() !== undefined) return false;
  const leads = attempt('getpgid', child.pid) === child.pid;
  return child.signal('SIGCONT', { scope: leads ? 'group' : 'process' });
}

/**
 * Continues a child as the command `fg` of a shell does: with its group, and with the terminal that it
 * was lent. False once it has ended.
 */
export function resume(child: Process): boolean {
  loans.get(child)?.lendAgain();
  return continueGroup(child);
}

/** A terminal, from just before the launch of a foreground child on. */
export class Loan {
  /** A copy: the caller's may be closed before the child ends. */
  readonly #terminal: number;
  /** Who had it, and who will have it if that group is gone. */
  readonly #before: readonly number[];
  /** The child's group; undefined until it was launched. */
  #group: number | undefined;
  #over = false;

  constructor(terminal: number) {
    const group = foregroundOf(terminal);
    const lender = [...running].find((loan) => loan.#group === group);
    this.#before = lender === undefined ? [group] : [group, ...lender.#before];
    this.#terminal = attemptCopy(terminal);
  }

  /** A child was launched, in this group. */
  begin(group: number): void {
    this.#group = group;
    running.add(this);
  }

  /** The terminal comes back whenever the child stops, and once it has ended. */
  async follow(child: Process): Promise<void> {
    loans.set(child, this);
    void child.wait().then(() => this.end());
    for await (const change of jobChanges(child)) {
      if (this.#over) return;
      if (change.kind === 'continued') {
        running.add(this);
        continue;
      }
      // It may go on by now, because of `resume` or another process.
      if (!STOPPED.has(stateOf(child.pid))) continue;
      running.delete(this);
      this.#giveBack();
      if (STOPS_OF_JOBS.has(change.signal) && !hasOtherReaders(child)) this.#stopWith(child);
    }
  }

  /** The terminal comes back: the child has ended, or never began. */
  end(): void {
    if (this.#over) return;
    running.delete(this);
    this.#giveBack();
    this.leave();
  }

  /** The child gets the terminal again, unless a job has it that is not of this process. */
  lendAgain(): void {
    if (this.#over) return;
    const now = foregroundOf(this.#terminal);
    const own = attempt('getpgid', 0);
    const isOurs = now === own || this.#before.includes(now);
    if (!isOurs && ![...running].some((loan) => loan.#group === now)) return;
    if (setForeground(this.#terminal, this.#group as number)) running.add(this);
  }

  /** Whoever launched the child takes the terminal back. */
  leave(): void {
    this.#over = true;
    running.delete(this);
    if (this.#terminal >= 0) close(this.#terminal);
  }

  /**
   * Stops this process with the child, so that the shell it was started from takes over, and the child
   * goes on when that shell continues this process. In a Worker another thread would stop first, and
   * this one go on for a moment.
   */
  #stopWith(child: Process): void {
    const own = attempt('getpgid', 0);
    if (!isMainThread || this.#before[0] !== own) return;
    stopLikeTerminal(SIG.SIGTSTP);
    // Continued by `fg`, or not stopped at all, where no shell could continue this group.
    if (foregroundOf(this.#terminal) === own) setForeground(this.#terminal, this.#group as number);
    try {
      continueGroup(child);
    } catch {
      // it has become another user's: they have to continue it
    }
  }

  #giveBack(): void {
    const now = foregroundOf(this.#terminal);
    // Another child of ours has it, perhaps one of the same group.
    for (const loan of running) if (loan.#group === now) return;
    for (const group of [...this.#before, attempt('getpgid', 0)]) {
      if (group === this.#group) continue;
      if (group === now || setForeground(this.#terminal, group)) return;
    }
  }
}
