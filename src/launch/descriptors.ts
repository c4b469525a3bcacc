import { backend } from '../backend.js';
import { native } from '../native.js';
import { OWN_CALL } from '../protocol.js';
import { AT, CLOSE_RANGE, F, O, SYS, TIOC } from '../syscall/constants.js';
import { refusalOf } from '../syscall/facilities.js';
import type { Attribute, DescriptorSource } from './attribute.js';
import { type ProgramBuilder, Slot } from './program.js';

/** The last descriptor there can be; close_range(2) takes it for "all from here on". */
const LAST_FD = 0xffff_ffff;

const STEPS = ['fcntl', 'dup3', 'close_range'] as const;
type Program = ProgramBuilder<(typeof STEPS)[number]>;

const CLOSE = { name: 'close_range' } as const;

/** Before Linux 5.11, and where a seccomp filter denies close_range, the list in /proc serves. */
function goesByList(): boolean {
  return backend === 'linux' && refusalOf('close_range') !== 0;
}

/** What `sources` opened, for `descriptors` to put into place. */
const nullSlots = new WeakMap<ProgramBuilder, Slot>();

/** Above every number that the child uses, so that a moved descriptor does not collide with another. */
export function floorOf(descriptors: ReadonlyMap<number, DescriptorSource>): number {
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
function moveUp(program: ProgramBuilder<'fcntl'>, source: number | Slot, floor: number): Slot {
  const slot = program.slot();
  const argument = source instanceof Slot ? '/dev/null' : String(source);
  program.store({ name: 'fcntl', argument }, slot, SYS.fcntl, source, F.F_DUPFD_CLOEXEC, floor);
  return slot;
}

/**
 * Before anything else of the child changes, so that it is this process' /dev and /proc: inside a
 * chroot there may be none. In the child and not here, so that no descriptor of /dev/null ever exists
 * that another launch could inherit.
 */
export const sources: Attribute<object, ['close_range', 'fcntl', 'open']> = {
  options: [],
  steps: ['close_range', 'fcntl', 'open'],
  on: 'all',
  emit(program, { descriptors }) {
    // All of them, of which `descriptors` takes out what the child has: a new root may have no /proc.
    if (goesByList()) program.must(CLOSE, OWN_CALL.closeOnExecRange, 0, LAST_FD);
    let wanted = false;
    // Looked at first: what is opened and moved later may get a number that is closed here.
    for (const source of new Set(descriptors.values())) {
      wanted ||= source === 'null';
      if (typeof source !== 'number') continue;
      program.must({ name: 'fcntl', argument: String(source) }, SYS.fcntl, source, F.F_GETFD);
    }
    // Not before: a kept descriptor may get the number of a source that is closed in this process.
    program.keepFrom(floorOf(descriptors));
    if (!wanted) return;
    const path = '/dev/null';
    const opened = program.slot();
    program.store(
      { name: 'open', argument: path },
      opened,
      SYS.openat,
      AT.AT_FDCWD,
      program.string(path),
      O.O_RDWR | O.O_CLOEXEC,
    );
    // It may have got a number that is closed here and is to stay so in the child.
    nullSlots.set(program, moveUp(program, opened, floorOf(descriptors)));
    program.ignore({ name: 'close' }, SYS.close, opened);
  },
};

/**
 * Two passes: first what a later dup3 would overwrite is moved up, then each takes its place in
 * ascending order. What lies in between and above is closed by execve.
 */
export const descriptors: Attribute<object, typeof STEPS> = {
  options: [],
  steps: STEPS,
  on: 'all',
  depends: () => native.openStdio(),
  emit(program, { descriptors: given, verbatim }) {
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
    if (verbatim !== undefined) makeBlocking(program, verbatim.blocking);
    if (goesByList()) return;
    let next = 0;
    for (const fd of targets) {
      if (fd > next) closeOnExec(program, next, fd - 1);
      next = fd + 1;
    }
    closeOnExec(program, next, LAST_FD);
  },
};

function place(
  program: Program,
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
    program.must(step, SYS.dup3, nullSlots.get(program) as Slot, fd, 0);
  } else {
    const from = source < fd ? (moved.get(source) as Slot) : source;
    program.must({ name: 'dup3', argument: String(source) }, SYS.dup3, from, fd, 0);
  }
}

/** One call for each, for which no flags have to be read before. */
function makeBlocking(program: Program, fds: readonly number[]): void {
  if (fds.length === 0) return;
  const off = program.words([0n]);
  const { FIONBIO } = TIOC;
  for (const fd of fds) program.ignore({ name: 'ioctl' }, SYS.ioctl, fd, FIONBIO, off);
}

function closeOnExec(program: ProgramBuilder<'close_range'>, first: number, last: number): void {
  if (backend === 'linux') {
    program.must(CLOSE, SYS.close_range, first, last, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC);
  } else {
    program.must(CLOSE, OWN_CALL.closeOnExecRange, first, last);
  }
}
