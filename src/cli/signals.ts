/**
 * Signals that forkexec gets while a program runs.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { inherited } from '../signal/inherited.js';
import { notify, type SignalInfo } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { PR, SI, SIG, SIG_HOW } from '../syscall/constants.js';
import { findSignal, type SignalName, signalSet } from '../syscall/signals.js';

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

/** With these a terminal, or whoever acts for it, stops a job; SIGSTOP is nobody's business but its own. */
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

function isStopped({ pid }: Child): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] === 'T';
  } catch {
    return false;
  }
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
    let stopped = false;
    stream.on('signal', (info) => {
      if (sameGroup && isForGroup(info)) return;
      // A shell continues all of a job that it saw stop.
      const ofJob = sameGroup && stopped && info.signal === 'SIGCONT';
      if (info.signal === 'SIGCONT') stopped = false;
      if (ofJob && !isStopped(child)) return;
      try {
        child.kill(info.signal);
      } catch {
        // EPERM: it has become another user's, and only they may signal it
      }
    });
    // A shell that waits for forkexec is to see that the job stopped.
    child.on('stopped', (signal) => {
      if (!STOPS_OF_JOBS.includes(signal)) return;
      stopped = true;
      attempt('kill', process.pid, SIG.SIGSTOP);
    });
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
