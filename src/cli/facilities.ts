/**
 * What of the kernel's is done by another way, or can't be, where a kernel or a filter lacks it.
 *
 * @module
 */
import { native } from '../native.js';
import { depthOfProc, hasProc } from '../process/proc.js';
import type { Process } from '../process/process.js';
import { startProcess } from '../process/start.js';
import { attempt } from '../syscall/call.js';
import { PIDFD } from '../syscall/constants.js';
import { errorName } from '../syscall/errors.js';
import { type Facility, refusalOf } from '../syscall/facilities.js';

/** Whether an option works, works by another way, or does not. */
type State = 'available' | 'degraded' | 'refused';

/** One line of the table. */
export interface Finding {
  readonly option: string;
  readonly state: State;
  /** To what it is degraded, or why it is refused. */
  readonly detail: string;
}

/** What becomes of each where it can't be had. */
const WITHOUT: Readonly<Record<Facility, Omit<Finding, 'option'>>> = {
  pidfd_open: {
    state: 'refused',
    detail: 'Process.open is refused, and descendants are signalled by number',
  },
  pidfd_send_signal: { state: 'degraded', detail: 'kill, for children that are not reaped yet' },
  'pidfd_send_signal to a group': {
    state: 'degraded',
    detail: 'kill, and the leader is reaped after that',
  },
  'waitid by pidfd': { state: 'degraded', detail: 'waitid by number' },
  close_range: { state: 'degraded', detail: '/proc/thread-self/fd is read' },
};

const FACILITIES = Object.keys(WITHOUT) as Facility[];

function available(option: string): Finding {
  return { option, state: 'available', detail: '' };
}

function facility(option: Facility): Finding {
  const errno = refusalOf(option);
  if (errno === 0) return available(option);
  const { state, detail } = WITHOUT[option];
  return { option, state, detail: `${detail}: ${errorName(errno)}` };
}

function vfork(): Finding {
  if (native.vforkSharesMemory()) return available('vfork');
  const detail = 'fork, as an emulator makes it: a launch takes longer, and reports through a pipe';
  return { option: 'vfork', state: 'degraded', detail };
}

function clone3(): Finding {
  if (native.hasClone3()) return available('clone3');
  const detail = 'clone: handlers are reset one by one, a cgroup is entered after the birth';
  return { option: 'clone3', state: 'degraded', detail };
}

function handleOf(child: Process): Finding {
  try {
    child.withHandle(() => {});
    return available('pidfd of a child');
  } catch {
    const detail = 'a thread waits for each child, and withHandle throws ERR_NO_HANDLE';
    return { option: 'pidfd of a child', state: 'degraded', detail };
  }
}

/** How a process ended that is not a child, from its pidfd: Linux 6.15. */
function exitInfoOf(pidfd: number): Finding {
  const option = 'exit status by pidfd';
  const info = new BigUint64Array(9);
  info[0] = BigInt(PIDFD.PIDFD_INFO_EXIT);
  const result = pidfd < 0 ? pidfd : attempt('ioctl', pidfd, PIDFD.PIDFD_GET_INFO, info);
  if (result === 0 && (Number(info[0]) & PIDFD.PIDFD_INFO_EXIT) !== 0) return available(option);
  const detail = 'how a process ended that is not a child is unknown';
  return { option, state: 'degraded', detail };
}

/** Whether the numbers of processes in /proc are those of system calls. */
function proc(): Finding {
  const option = '/proc';
  const without = 'the scopes tree and session reach the process alone, lifetime no descendants';
  try {
    if (!hasProc()) return { option, state: 'refused', detail: `it can't be listed: ${without}` };
    if (depthOfProc() === 0) return available(option);
    const detail = 'of another pid namespace: its numbers are translated, and proved by pidfds';
    return { option, state: 'degraded', detail };
  } catch (error) {
    return { option, state: 'refused', detail: `${(error as Error).message}: ${without}` };
  }
}

/** What can be had here, and what is done instead. */
export async function examineFacilities(): Promise<Finding[]> {
  const attributes = { files: ['null', 'null', 'null'] } as const;
  const child = await startProcess('/bin/sleep', ['sleep', '60'], attributes);
  const pidfd = attempt('pidfd_open', child.pid, 0);
  const findings = [vfork(), clone3(), handleOf(child), ...FACILITIES.map(facility), proc()];
  child.signal('SIGKILL');
  await child.wait();
  findings.push(exitInfoOf(pidfd));
  if (pidfd >= 0) attempt('close', pidfd);
  return findings;
}
