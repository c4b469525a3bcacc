/**
 * Signals that forkexec gets while a program runs.
 *
 * @module
 */
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { inherited } from '../signal/inherited.js';
import { notify, type SignalInfo } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { E, PR, SIG, SYS } from '../syscall/constants.js';
import { rawSyscall } from '../syscall/raw.js';
import { findSignal, type SignalName } from '../syscall/signals.js';

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

/** What a terminal sends, it sends to all of its foreground group, so the program has it already. */
function isFromTerminal({ code }: SignalInfo): boolean {
  const SI_KERNEL = 0x80;
  return code === SI_KERNEL;
}

/**
 * From here on signals do not end forkexec, which has a status to wait for. The function it returns
 * tells who gets them, and those that came before.
 */
export function holdSignals({ session, processGroup }: SpawnOptions): (child: Child) => void {
  const sameGroup = !session && processGroup === undefined;
  // What was ignored when forkexec was started stays so, for nohup's sake.
  const signals = PASSED.filter((name) => !inherited.ignored.includes(name));
  const stream = notify(...signals);
  return (child) => {
    stream.on('signal', (info) => {
      if (sameGroup && isFromTerminal(info)) return;
      try {
        child.kill(info.signal);
      } catch {
        // EPERM: it has become another user's, and only they may signal it
      }
    });
    // A shell that waits for forkexec is to see that the job stopped.
    child.on('stopped', () => attempt('kill', process.pid, SIG.SIGSTOP));
  };
}

/** Ends this process by a signal, so that who waits for it sees the program's own end. */
export function dieOf(name: SignalName): void {
  const number = findSignal(name) as number;
  attempt('prctl', PR.PR_SET_DUMPABLE, 0, 0, 0, 0); // the program left its core, not we
  // struct sigaction of the kernel: all zero is the default action
  rawSyscall(SYS.rt_sigaction, number, new BigUint64Array(4), null, 8);
  rawSyscall(SYS.rt_sigprocmask, 1, new BigUint64Array([1n << BigInt(number - 1)]), null, 8);
  const result = attempt('tgkill', process.pid, attempt('gettid'), number);
  // Process 1 of a pid namespace gets no signal that it has no handler for.
  if (result < 0 && result !== -E.ESRCH) return;
}
