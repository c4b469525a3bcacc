import { readFileSync, readlinkSync } from 'node:fs';
import { OWN_CALL } from '../protocol.js';
import { attempt } from '../syscall/call.js';
import { checkInteger, checkString, invalid } from '../syscall/check.js';
import { CLONE, E, O, SYS } from '../syscall/constants.js';
import type { SystemError } from '../syscall/errors.js';
import { openFileSync } from '../syscall/open.js';
import { LaunchError } from './error.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';

/** The control group of the new process. */
export interface CgroupOptions {
  /**
   * The directory of a control group (version 2), as a path or an open descriptor. The process is
   * born inside it: CLONE_INTO_CGROUP, clone(2), Linux 5.7; where clone3 can't be had, it moves
   * itself there before it runs its program. A frozen group is refused: the launch would hang until
   * it is thawed. Default: the group of this process. See cgroups(7).
   */
  cgroup?: string | number | undefined;
}

const MAX_FD = 0x3fff_ffff;

/** The group's directory; one that was opened here is closed after the launch. */
function directoryOf(program: ProgramBuilder, cgroup: string | number, launch: Launch): number {
  if (typeof cgroup === 'number') return checkInteger('cgroup', cgroup, 0, MAX_FD);
  if (typeof cgroup !== 'string') throw invalid('cgroup', cgroup, 'a path or a descriptor');
  checkString('cgroup', cgroup);
  try {
    const fd = openFileSync(cgroup, O.O_RDONLY | O.O_DIRECTORY);
    program.closeAfter.push(fd);
    return fd;
  } catch (error) {
    throw blame('open', cgroup, (error as SystemError).errno, launch);
  }
}

function blame(name: 'open' | 'cgroup', cgroup: string | number, errno: number, launch: Launch) {
  const step = { name, argument: String(cgroup) };
  return new LaunchError(step, errno, launch.file, launch.argv.slice(1));
}

/** Whether it is in the unified hierarchy; one of version 1 has other files, and no birth in it. */
function isCgroup(fd: number): boolean {
  const CGROUP2_SUPER_MAGIC = 0x6367_7270n;
  const statfs = new BigUint64Array(15);
  return attempt('fstatfs', fd, statfs) >= 0 && statfs[0] === CGROUP2_SUPER_MAGIC;
}

/** Whether nothing in the group runs: a child born into it could not get as far as its execve. */
function isFrozen(fd: number): boolean {
  try {
    return /^frozen 1$/m.test(readFileSync(`/proc/self/fd/${fd}/cgroup.events`, 'utf8'));
  } catch {
    return false; // the root group has no such file, and never freezes
  }
}

export const cgroup: Step = {
  options: ['cgroup'],
  emit(program: ProgramBuilder, launch: Launch): void {
    const wanted = launch.options.cgroup;
    if (wanted === undefined) return;
    const fd = directoryOf(program, wanted, launch);
    if (!isCgroup(fd)) throw blame('cgroup', wanted, E.EBADF, launch);
    if (isFrozen(fd)) throw blame('cgroup', wanted, E.EBUSY, launch);
    program.cgroupPath = readlinkSync(`/proc/self/fd/${fd}`);
    program.cgroup = fd;
    program.bornInto.push(`cgroup ${wanted}`);
    // Who could not be born there goes there.
    const procs = program.slot();
    const step = { name: 'cgroup', argument: String(wanted) } as const;
    const flags = O.O_WRONLY | O.O_CLOEXEC;
    const again = launch.options.namespaces?.cgroup === true;
    program.skipIf(1, again ? 4 : 3, step, OWN_CALL.isInCgroup);
    program.store(step, procs, SYS.openat, fd, program.string('cgroup.procs'), flags);
    program.must(step, SYS.write, procs, program.string('0'), 1);
    program.ignore({ name: 'close' }, SYS.close, procs);
    // The root of the namespace that it was born into is the group it was in then.
    if (again)
      program.must({ name: 'unshare', argument: 'cgroup' }, SYS.unshare, CLONE.CLONE_NEWCGROUP);
  },
  flags: [
    {
      flags: '--cgroup <directory>',
      description: 'run in this control group (version 2)',
      apply: (options, value) => ({ ...options, cgroup: value }),
    },
  ],
};
