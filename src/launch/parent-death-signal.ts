import { backend } from '../backend.js';
import { POSIX_CALL } from '../protocol.js';
import { checkSignal } from '../syscall/check.js';
import { P, PR, SYS } from '../syscall/constants.js';
import { type Signal, signalName } from '../syscall/signals.js';
import type { Attribute } from './attribute.js';
import { toSignal } from './signals.js';

/** What happens to the process when this process ends. */
export interface ParentDeathSignalOptions {
  /**
   * The signal that the kernel sends to the process when this process ends, however it ends:
   * PR_SET_PDEATHSIG(2const). A program that is set-user-ID or set-group-ID, or has file
   * capabilities, clears it. It is not sent to a process that this process is not permitted to
   * signal, nor to the children of the process. Default: none.
   */
  parentDeathSignal?: Signal | undefined;
}

/** Of procctl(2), with which FreeBSD does what prctl(2) does on Linux. */
const PROC_PDEATHSIG_CTL = 11;

export const parentDeathSignal: Attribute<
  ParentDeathSignalOptions,
  ['getpid', 'PR_SET_PDEATHSIG']
> = {
  options: ['parentDeathSignal'],
  steps: ['getpid', 'PR_SET_PDEATHSIG'],
  steady: true,
  on: ['linux', 'freebsd'], // procctl(2) of FreeBSD has it
  check({ parentDeathSignal }) {
    if (parentDeathSignal !== undefined) checkSignal('parentDeathSignal', parentDeathSignal);
  },
  depends: ({ parentPid }) => parentPid,
  emit(program, { options, parentPid }) {
    if (options.parentDeathSignal === undefined) return;
    const signal = checkSignal('parentDeathSignal', options.parentDeathSignal);
    const self = program.slot();
    program.store({ name: 'getpid' }, self, SYS.getpid);
    const step = { name: 'PR_SET_PDEATHSIG', argument: signalName(signal) } as const;
    if (backend === 'linux') {
      program.must(step, SYS.prctl, PR.PR_SET_PDEATHSIG, signal);
    } else {
      const address = program.words([BigInt(signal)]);
      program.must(step, POSIX_CALL.procctl, P.P_PID, 0, PROC_PDEATHSIG_CTL, address);
    }
    // The parent may have ended before the line above: then no signal is sent, and the child
    // does so itself. In a pid namespace of its own the child's parent is 0, which is no such case.
    program.skipIf(parentPid, 2, { name: 'getppid' }, SYS.getppid);
    program.skipIf(0, 1, { name: 'getppid' }, SYS.getppid);
    program.ignore({ name: 'kill' }, SYS.kill, self, signal);
  },
  flags: [
    {
      flags: '--parent-death-signal <signal>',
      description: 'the signal the program gets when forkexec ends, however it ends: KILL',
      apply: (_, value) => ({ parentDeathSignal: toSignal(value) }),
    },
  ],
  trials: () => ({ parentDeathSignal: [{ options: { parentDeathSignal: 'SIGKILL' } }] }),
};
