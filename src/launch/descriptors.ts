import { backend } from '../backend.js';
import { native } from '../native.js';
import { AT, CLOSE_RANGE, F, O, SYS } from '../syscall/constants.js';
import { refusalOf } from '../syscall/facilities.js';
import { CLOSE_ON_EXEC_RANGE, type ProgramBuilder, type Slot } from './program.js';
import type { DescriptorSource, Launch, Step } from './step.js';

/** The last descriptor there can be; close_range(2) takes it for "all from here on". */
const LAST_FD = 0xffff_ffff;

/** What `sources` opened, for `descriptors` to put into place, or to read. */
interface Opened {
  null?: Slot;
  list?: Slot;
}

const openedBy = new WeakMap<ProgramBuilder, Opened>();

/** The calling thread's descriptors. */
const OWN_LIST = '/proc/thread-self/fd';

/** Before Linux 5.11, and where a seccomp filter denies close_range, the list in /proc serves. */
function byList(): boolean {
  return backend === 'linux' && refusalOf('close_range') !== 0;
}

/** Above every number that the child uses, so that what is moved there is in nobody's way. */
function floorOf(descriptors: ReadonlyMap<number, DescriptorSource>): number {
  let floor = 3;
  for (const fd of descriptors.keys()) if (fd >= floor) floor = fd + 1;
  return floor;
}

/**
 * The child's descriptors, without stdio that it would inherit and that is closed here. That is
 * decided now: by the time of the launch another thread may have something of its own at that
 * number, on its way to a higher one.
 */
function existing(
  descriptors: ReadonlyMap<number, DescriptorSource>,
): ReadonlyMap<number, DescriptorSource> {
  const open = native.openStdio();
  if (open === 0b111) return descriptors;
  return new Map(
    [...descriptors].filter(([fd, source]) => source !== 'inherit' || fd > 2 || (open >> fd) & 1),
  );
}

/** Moves a descriptor out of the way; the number it has then is in the slot. */
function moveUp(
  program: ProgramBuilder,
  source: number | Slot,
  floor: number,
  argument = String(source),
): Slot {
  const slot = program.slot();
  const step = { name: 'fcntl', argument } as const;
  program.store(step, slot, SYS.fcntl, source, F.F_DUPFD_CLOEXEC, floor);
  return slot;
}

/** Opens a file above all the numbers that the child uses. */
function openAbove(
  program: ProgramBuilder,
  name: 'open' | 'close_range',
  path: string,
  flags: number,
  floor: number,
): Slot {
  const first = program.slot();
  const at = program.string(path);
  program.store({ name, argument: path }, first, SYS.openat, AT.AT_FDCWD, at, flags | O.O_CLOEXEC);
  // It may have got a number that is closed here and is to stay so in the child.
  const slot = moveUp(program, first, floor, path);
  program.ignore({ name: 'close' }, SYS.close, first);
  return slot;
}

/**
 * Before anything else of the child changes, so that it is this process' /dev/null and /proc: inside
 * a chroot there may be none. In the child and not here, so that no descriptor of it ever exists that
 * another launch could inherit.
 */
export const sources: Step = {
  options: [],
  emit(program: ProgramBuilder, { descriptors }: Launch): void {
    let wanted = false;
    // Looked at first: what is opened and moved later may get a number that is closed here.
    for (const source of new Set(descriptors.values())) {
      wanted ||= source === 'null';
      if (typeof source !== 'number') continue;
      program.must({ name: 'fcntl', argument: String(source) }, SYS.fcntl, source, F.F_GETFD);
    }
    const floor = floorOf(descriptors);
    const opened: Opened = {};
    if (wanted) opened.null = openAbove(program, 'open', '/dev/null', O.O_RDWR, floor);
    if (byList()) opened.list = openAbove(program, 'close_range', OWN_LIST, O.O_DIRECTORY, floor);
    openedBy.set(program, opened);
  },
};

/**
 * Two passes: first what a later dup3 would overwrite is moved up, then each takes its place in
 * ascending order. What lies in between and above is closed by execve.
 */
export const descriptors: Step = {
  options: [],
  emit(program: ProgramBuilder, { descriptors: given }: Launch): void {
    const wanted = existing(given);
    const targets = [...wanted.keys()].sort((a, b) => a - b);
    const floor = floorOf(wanted);
    const moved = new Map<number, Slot>();
    for (const fd of targets) {
      const source = wanted.get(fd);
      if (typeof source === 'number' && source < fd && !moved.has(source)) {
        moved.set(source, moveUp(program, source, floor));
      }
    }
    for (const fd of targets) place(program, fd, wanted.get(fd) as DescriptorSource, moved);
    let next = 0;
    for (const fd of targets) {
      if (fd > next) closeOnExec(program, next, fd - 1);
      next = fd + 1;
    }
    closeOnExec(program, next, LAST_FD);
  },
};

function place(
  program: ProgramBuilder,
  fd: number,
  source: DescriptorSource,
  moved: ReadonlyMap<number, Slot>,
): void {
  if (source === 'inherit') {
    // Closed here means closed there.
    program.ignore({ name: 'fcntl', argument: String(fd) }, SYS.fcntl, fd, F.F_SETFD, 0);
  } else if (source === fd) {
    program.must({ name: 'fcntl', argument: String(fd) }, SYS.fcntl, fd, F.F_SETFD, 0);
  } else if (source === 'null') {
    const step = { name: 'dup3', argument: '/dev/null' } as const;
    program.must(step, SYS.dup3, openedBy.get(program)?.null as Slot, fd, 0);
  } else {
    const from = source < fd ? (moved.get(source) as Slot) : source;
    program.must({ name: 'dup3', argument: String(source) }, SYS.dup3, from, fd, 0);
  }
}

function closeOnExec(program: ProgramBuilder, first: number, last: number): void {
  const step = { name: 'close_range' } as const;
  if (backend === 'linux' && !byList()) {
    program.must(step, SYS.close_range, first, last, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC);
  } else {
    const list = openedBy.get(program)?.list ?? -1;
    program.must(step, CLOSE_ON_EXEC_RANGE, first, last, list);
  }
}
