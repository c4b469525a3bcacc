import { readFileSync, readlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { backend } from '../backend.js';
import { native } from '../native.js';
import { OWN_CALL } from '../protocol.js';
import { attempt, attemptOpen, close } from '../syscall/call.js';
import { checkInteger, checkString, invalid } from '../syscall/check.js';
import { E, O, SYS } from '../syscall/constants.js';
import type { SystemError } from '../syscall/errors.js';
import { openFileSync } from '../syscall/open.js';
import { type Attribute, StepFailure } from './attribute.js';
import type { ProgramBuilder } from './program.js';

/** The control group of the new process. */
export interface CgroupOptions {
  /**
   * The directory of a control group (version 2), as a path or an open descriptor: cgroups(7). The
   * process is born in it: CLONE_INTO_CGROUP, clone(2), Linux 5.7. If clone3 is not available, the
   * process moves itself there before its program runs. A frozen control group is refused, since
   * the launch would hang until it is thawed. Default: the control group of this process.
   */
  cgroup?: string | number | undefined;
}

const MAX_FD = 0x3fff_ffff;

/** The group's directory; one that was opened here is closed after the launch. */
function directoryOf(program: ProgramBuilder, cgroup: string | number): number {
  if (typeof cgroup === 'number') return cgroup;
  try {
    const fd = openFileSync(cgroup, O.O_RDONLY | O.O_DIRECTORY);
    program.closeAfter.push(fd);
    return fd;
  } catch (error) {
    throw new StepFailure('open', cgroup, (error as SystemError).errno);
  }
}

/** Whether it is in the unified hierarchy; one of version 1 has other files, and no birth in it. */
function isCgroup(fd: number): boolean {
  const CGROUP2_SUPER_MAGIC = 0x6367_7270n;
  const statfs = new BigUint64Array(15);
  return attempt('fstatfs', fd, statfs) >= 0 && statfs[0] === CGROUP2_SUPER_MAGIC;
}

/** Whether nothing in the group runs: a child born into it could not get as far as its execve. */
function isFrozen(fd: number): boolean {
  const events = attemptOpen('openat', fd, 'cgroup.events', O.O_RDONLY | O.O_CLOEXEC, 0);
  if (events < 0) return false; // the root group has no such file, and never freezes
  // Not by node:fs: Deno's takes no descriptors that it has not opened.
  const bytes = Buffer.alloc(256);
  const length = attempt('read', events, bytes, bytes.length);
  close(events);
  return /^frozen 1$/m.test(bytes.toString('latin1', 0, Math.max(length, 0)));
}

/** Where it is, for the scope 'cgroup'; undefined for a descriptor where there is no /proc. */
function pathOf(fd: number, cgroup: string | number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return typeof cgroup === 'string' ? resolve(cgroup) : undefined;
  }
}

/** What control groups of version 1 have hierarchies for. */
export type Controller = 'pids' | 'memory';

/**
 * The directory of the group that this process is in, in the hierarchy of a controller or in the unified one:
 * cgroups(7), proc_pid_mountinfo(5). Undefined where that is not mounted.
 */
export function ownGroup(hierarchy: Controller | 'unified'): string | undefined {
  const isUnified = hierarchy === 'unified';
  const groups = readFileSync('/proc/self/cgroup', 'latin1').split('\n');
  const own = groups
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line))
    .find((match) =>
      isUnified ? match?.[1] === '' : match?.[1]?.split(',').includes(hierarchy),
    )?.[2];
  if (own === undefined) return undefined;
  for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
    const [fields = '', type = ''] = line.split(' - ');
    const [, , , root = '', where = ''] = fields.split(' ');
    const [name, , options = ''] = type.split(' ');
    if (name !== (isUnified ? 'cgroup2' : 'cgroup')) continue;
    if (!isUnified && !options.split(',').includes(hierarchy)) continue;
    const below = relative(root, own);
    if (!below.startsWith('..')) return join(where, below);
  }
  return undefined;
}

/** Lets the child enter a group, in which no process can be born. */
function enter(program: ProgramBuilder<'cgroup'>, directory: string): void {
  try {
    const fd = openFileSync(join(directory, 'cgroup.procs'), O.O_WRONLY);
    program.closeAfter.push(fd);
    const step = { name: 'cgroup', argument: directory } as const;
    program.must(step, SYS.write, fd, program.string('0'), 1);
    program.cgroupPath ??= directory;
  } catch (error) {
    throw new StepFailure('cgroup', directory, (error as SystemError).errno);
  }
}

export const cgroup: Attribute<CgroupOptions, ['open', 'cgroup']> = {
  options: ['cgroup'],
  steps: ['open', 'cgroup'],
  on: ['linux'],
  check({ cgroup }) {
    if (cgroup === undefined) return;
    if (typeof cgroup === 'number') checkInteger('cgroup', cgroup, 0, MAX_FD);
    else if (typeof cgroup === 'string') checkString('cgroup', cgroup);
    else throw invalid('cgroup', cgroup, 'a path or a descriptor');
  },
  emit(program, { options: { cgroup: wanted }, joins = [] }) {
    for (const directory of joins) enter(program, directory);
    if (wanted === undefined) return;
    const fd = directoryOf(program, wanted);
    if (!isCgroup(fd)) throw new StepFailure('cgroup', String(wanted), E.EBADF);
    if (isFrozen(fd)) throw new StepFailure('cgroup', String(wanted), E.EBUSY);
    program.cgroupPath = pathOf(fd, wanted);
    program.cgroup = fd;
    program.bornInto.push(`cgroup ${wanted}`);
    // A process that could not be born in the group moves itself there.
    const procs = program.slot();
    const step = { name: 'cgroup', argument: String(wanted) } as const;
    const flags = O.O_WRONLY | O.O_CLOEXEC;
    program.skipIf(1, 3, step, OWN_CALL.isInCgroup);
    program.store(step, procs, SYS.openat, fd, program.string('cgroup.procs'), flags);
    program.must(step, SYS.write, procs, program.string('0'), 1);
    program.ignore({ name: 'close' }, SYS.close, procs);
  },
  descriptorsIn: ({ cgroup }) => ({ cgroup }),
  flags: [
    {
      flags: '--cgroup <directory>',
      description: 'run in this control group (version 2)',
      apply: (_, value) => ({ cgroup: value }),
    },
  ],
  trials: () => {
    const cgroup = backend === 'linux' ? ownGroup('unified') : undefined;
    if (cgroup === undefined) return { cgroup: 'no control groups of version 2 are mounted' };
    if (native.hasClone3()) return { cgroup: [{ options: { cgroup } }] };
    const limit = 'entered after the birth, since clone3 is refused';
    return { cgroup: [{ options: { cgroup }, limit }] };
  },
};
