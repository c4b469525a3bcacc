// What a kernel, or the filter in front of it, may lack: why a test can't be run here, or false.

import { readFileSync } from 'node:fs';
import type { CapabilityName } from '#dist/launch/capability-sets.js';
import { startProcess } from '#dist/process/index.js';
import { attempt, close } from '#dist/syscall/call.js';
import { CAP, CLOSE_RANGE, E, P, PIDFD, W } from '#dist/syscall/constants.js';
import { errorName } from '#dist/syscall/errors.js';
import { lackOf } from './namespaces.js';

/** Why something can't be done here, or false. */
export type Lack = string | false;

function lackIn(what: string, result: number): Lack {
  return result >= 0 ? false : `${what} says ${errorName(-result)} here`;
}

/** A pidfd for any process: `Process.open`. */
export const noPidfdOpen: Lack = (() => {
  const result = attempt('pidfd_open', process.pid, 0);
  if (result >= 0) close(result);
  return lackIn('pidfd_open', result);
})();

/** Signals by pidfd: `pidfdSendSignal`. */
export const noPidfdSignal: Lack = (() => {
  const pidfd = attempt('pidfd_open', process.pid, 0);
  if (pidfd < 0) return noPidfdOpen;
  const result = attempt('pidfd_send_signal', pidfd, 0, null, 0);
  close(pidfd);
  return lackIn('pidfd_send_signal', result);
})();

/** Signals to a group by the pidfd of its leader: Linux 6.9. */
export const noGroupByPidfd: Lack = (() => {
  const pidfd = attempt('pidfd_open', process.pid, 0);
  if (pidfd < 0) return noPidfdOpen;
  const result = attempt('pidfd_send_signal', pidfd, 0, null, PIDFD.PIDFD_SIGNAL_PROCESS_GROUP);
  close(pidfd);
  // This process may lead no group: then there is nobody.
  return result === -E.ESRCH ? false : lackIn('pidfd_send_signal to a group', result);
})();

/** A pidfd of each child: `withHandle`. */
export const noHandles: Lack = await (async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '60']);
  try {
    child.withHandle(() => {});
    return false;
  } catch (error) {
    return `children have no pidfd here: ${(error as { code?: string }).code}`;
  } finally {
    child.signal('SIGKILL');
    await child.wait();
  }
})();

/** waitid by pidfd. */
export const noWaitByPidfd: Lack = (() => {
  const pidfd = attempt('pidfd_open', process.pid, 0);
  if (pidfd < 0) return noPidfdOpen;
  const result = attempt('waitid', P.P_PIDFD, pidfd, null, W.WEXITED | W.WNOHANG, null);
  close(pidfd);
  // This process is no child of its own.
  return result === -10 ? false : lackIn('waitid by pidfd', result);
})();

/** Ranges of descriptors marked by one call: Linux 5.11. */
export const noCloseRange: Lack = (() => {
  const last = 0xffff_ffff; // no descriptor has that number
  return lackIn('close_range', attempt('close_range', last, last, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC));
})();

/** How a process ended that is not our child, from its pidfd: Linux 6.15. */
export const noExitInfo: Lack = await (async () => {
  if (noPidfdOpen !== false) return noPidfdOpen;
  const child = await startProcess('/bin/sleep', ['sleep', '60']);
  const pidfd = attempt('pidfd_open', child.pid, 0);
  child.signal('SIGKILL');
  await child.wait();
  const info = new BigUint64Array(9).fill(0n);
  info[0] = BigInt(PIDFD.PIDFD_INFO_EXIT);
  const result = attempt('ioctl', pidfd, PIDFD.PIDFD_GET_INFO, info);
  close(pidfd);
  const told = result === 0 && (Number(info[0]) & PIDFD.PIDFD_INFO_EXIT) !== 0;
  return told ? false : `PIDFD_GET_INFO gives no exit status here: ${result}`;
})();

const effective = BigInt(
  `0x${/^CapEff:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`,
);

/** Whether this process has a capability, which a container takes from its root. */
export function hasCapability(name: CapabilityName): boolean {
  return ((effective >> BigInt(CAP[name])) & 1n) === 1n;
}

/** Which capabilities of those that it takes are missing. */
export function lackOfCapabilities(...needed: readonly CapabilityName[]): Lack {
  const missing = needed.filter((name) => !hasCapability(name));
  return missing.length === 0 ? false : `this process has no ${missing.join(', ')}`;
}

/** What root has that may do everything. */
export const notFullRoot: Lack = lackOfCapabilities(
  'CAP_SYS_ADMIN',
  'CAP_SYS_NICE',
  'CAP_SYS_PTRACE',
);

/** A new user namespace. */
export const noUserNamespaces: Lack = await lackOf({ namespaces: { user: true } });

const ALL = { user: true, pid: true, mount: true, net: true, uts: true, ipc: true, cgroup: true };

/** New namespaces of all kinds but time. */
export const noNamespaces: Lack = await lackOf({ namespaces: ALL });

/** The same without a user namespace, which takes CAP_SYS_ADMIN. */
export const noPlainNamespaces: Lack = await lackOf({ namespaces: { ...ALL, user: false } });

/** New namespaces of all kinds. */
export const noTimeNamespaces: Lack = await lackOf({ namespaces: { ...ALL, time: true } });
