/**
 * The processes of control groups, in their own numbers: without /proc.
 *
 * @module
 */
import { type Dirent, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attemptOpen, close } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import type { SystemError } from '../syscall/errors.js';
import { refusalOf } from '../syscall/facilities.js';
import { look } from './proc.js';

/** A member of a scope that has not ended. */
export interface Member {
  readonly pid: number;
  /** Whether that number still means the process that was found, if `pidfd` is negative or for it. */
  isStill(pidfd: number): boolean;
}

const PROCS = 'cgroup.procs';
const THREADS = 'cgroup.threads';

/** The numbers in a file of a control group; none once the group is removed. */
function numbersIn(path: string): number[] {
  try {
    const text = look(path, () => readFileSync(path, 'latin1'));
    // 0 is one of another pid namespace.
    return text.split('\n').map(Number).filter(Boolean);
  } catch (error) {
    const { errno } = error as SystemError;
    if (errno === E.ENOENT || errno === E.ENODEV) return [];
    // In a threaded group there are threads and no processes: those whose first thread is in it count.
    const isThreaded = errno === E.EOPNOTSUPP && path.endsWith(PROCS);
    if (!isThreaded || refusalOf('pidfd_open') !== 0) throw error;
    return numbersIn(path.slice(0, -PROCS.length) + THREADS).filter(isProcess);
  }
}

/** Whether a number is that of a process and not of a thread, for which there are no such pidfds. */
function isProcess(number: number): boolean {
  const pidfd = attemptOpen('pidfd_open', number, 0);
  if (pidfd >= 0) close(pidfd);
  return pidfd >= 0;
}

/** The processes of a control group and the groups below it. Throws a SystemError where it can't be read. */
export function cgroupOf(folder: string): Member[] {
  const procs = join(folder, PROCS);
  const own = numbersIn(procs).map((pid) => ({
    pid,
    isStill: (): boolean => numbersIn(procs).includes(pid),
  }));
  let below: Dirent[] = [];
  try {
    below = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
  } catch {
    // removed, and so empty
  }
  return [...own, ...below.flatMap(({ name }) => cgroupOf(join(folder, name)))];
}

/**
 * Kills all of a control group at once, what is being forked too: Linux 5.14. False where that can't
 * be, or would kill this process.
 */
export function killCgroup(folder: string): boolean {
  if (cgroupOf(folder).some(({ pid }) => pid === process.pid)) return false;
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1');
    return true;
  } catch {
    return false; // an older kernel, threaded, not ours to write, or removed
  }
}
