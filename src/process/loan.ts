/**
 * Terminals that are lent to foreground children.
 *
 * @module
 */
import { attempt, close } from '../syscall/call.js';
import { F, SIG, SIG_HOW, TIOC } from '../syscall/constants.js';
import { signalSet } from '../syscall/signals.js';
import type { Process } from './process.js';
import { jobChanges } from './stops.js';

/** The groups that terminals are lent to at the moment: several children may be in one. */
const borrowers = new Map<Loan, number>();

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

/** A terminal, from just before the launch of a foreground child on. */
export class Loan {
  /** A copy: the caller's may be closed before the child ends. */
  readonly #terminal: number;
  /** Who had it. */
  readonly #before: number;
  #over = false;

  constructor(terminal: number) {
    this.#before = foregroundOf(terminal);
    this.#terminal = attempt('fcntl', terminal, F.F_DUPFD_CLOEXEC, 3);
  }

  /** The terminal comes back whenever the child, of this group, stops, and once it has ended. */
  async to(child: Process, group: number): Promise<void> {
    borrowers.set(this, group);
    void child.wait().then(() => this.end());
    for await (const { kind } of jobChanges(child)) {
      if (this.#over) return;
      if (kind === 'continued') {
        borrowers.set(this, group);
      } else {
        borrowers.delete(this);
        this.#giveBack();
      }
    }
  }

  /** The terminal comes back: the child has ended, or never began. */
  end(): void {
    if (this.#over) return;
    borrowers.delete(this);
    this.#giveBack();
    this.leave();
  }

  /** Whoever launched the child takes the terminal back. */
  leave(): void {
    this.#over = true;
    if (this.#terminal >= 0) close(this.#terminal);
  }

  #giveBack(): void {
    const now = foregroundOf(this.#terminal);
    // Another child of ours has it, perhaps one of the same group.
    for (const group of borrowers.values()) if (group === now) return;
    // Whoever had it may be gone.
    if (now === this.#before || setForeground(this.#terminal, this.#before)) return;
    setForeground(this.#terminal, attempt('getpgid', 0));
  }
}
