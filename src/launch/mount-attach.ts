/**
 * Puts mounts, files and links into a new root.
 *
 * @module
 */
import { AT, E, O, SYS } from '../syscall/constants.js';
import type { MountProgram, Prepared } from './mount-prepare.js';
import type { Slot } from './program.js';

const MOVE_MOUNT_F_EMPTY_PATH = 4;
const FREE = { name: 'close' };

/** A directory that may be there. */
function makeDirectory(program: MountProgram, argument: string, path: string): void {
  const step = { name: 'mkdir', argument } as const;
  const at = program.string(path);
  program.skipIf(0, 2, step, SYS.mkdirat, AT.AT_FDCWD, at, 0o755);
  program.skipIf(-E.EEXIST, 1, step, SYS.mkdirat, AT.AT_FDCWD, at, 0o755);
  program.must(step, SYS.mkdirat, AT.AT_FDCWD, at, 0o755);
}

/** The directories above a path. */
function makeParents(program: MountProgram, argument: string, path: string): void {
  const parts = path.split('/').slice(1, -1);
  for (const index of parts.keys()) {
    makeDirectory(program, argument, `/${parts.slice(0, index + 1).join('/')}`);
  }
}

/** An empty file to mount on; what is there already is taken. */
function makeFile(program: MountProgram, argument: string, path: string): void {
  const step = { name: 'open', argument } as const;
  const opened = program.slot();
  const flags = O.O_WRONLY | O.O_CREAT | O.O_CLOEXEC;
  const at = program.string(path);
  // Not opened where it is there: a device or a named pipe would wait.
  program.skipIf(0, 2, step, SYS.faccessat, AT.AT_FDCWD, at, 0);
  program.store(step, opened, SYS.openat, AT.AT_FDCWD, at, flags, 0o644);
  program.ignore(FREE, SYS.close, opened);
}

function move(program: MountProgram, argument: string, mounted: Slot, path: string): void {
  const step = { name: 'move_mount', argument } as const;
  const [empty, at] = [program.string(''), program.string(path)];
  program.must(step, SYS.move_mount, mounted, empty, AT.AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH);
  program.ignore(FREE, SYS.close, mounted);
}

function link(program: MountProgram, argument: string, to: string, path: string): void {
  const step = { name: 'symlink', argument } as const;
  program.must(step, SYS.symlinkat, program.string(to), AT.AT_FDCWD, program.string(path));
}

function writeFile(
  program: MountProgram,
  argument: string,
  path: string,
  content: Uint8Array,
  mode: number,
): void {
  const opened = program.slot();
  const open = { name: 'open', argument } as const;
  const flags = O.O_WRONLY | O.O_CREAT | O.O_EXCL | O.O_CLOEXEC;
  program.store(open, opened, SYS.openat, AT.AT_FDCWD, program.string(path), flags, mode);
  if (content.length > 0) {
    const bytes = program.bytes(content);
    const write = { name: 'write', argument } as const;
    // Where not all of it fits, the rest of the write says why.
    program.skipIf(content.length, 1, write, SYS.write, opened, bytes, content.length);
    program.must(write, SYS.write, opened, bytes, content.length);
  }
  program.ignore(FREE, SYS.close, opened);
}

/** Links that every /dev has. */
const DEV_LINKS = {
  ptmx: 'pts/ptmx',
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
} as const;

function fillDev(program: MountProgram, { option, target, devices, terminals }: Prepared): void {
  for (const [name, mounted] of devices) {
    makeFile(program, option, `${target}/${name}`);
    move(program, option, mounted, `${target}/${name}`);
  }
  for (const name of ['pts', 'shm']) makeDirectory(program, option, `${target}/${name}`);
  if (terminals !== undefined) move(program, option, terminals, `${target}/pts`);
  for (const [name, to] of Object.entries(DEV_LINKS)) {
    link(program, option, to, `${target}/${name}`);
  }
}

/** Puts an entry where it belongs, inside the new root. */
export function attach(program: MountProgram, prepared: Prepared): void {
  const { option, target, entry, mounted } = prepared;
  makeParents(program, option, target);
  if (mounted !== undefined) {
    if (prepared.isFile) makeFile(program, option, target);
    else if (target !== '/') makeDirectory(program, option, target);
    move(program, option, mounted, target);
  }
  if ('dev' in entry) fillDev(program, prepared);
  else if ('directory' in entry) makeDirectory(program, option, target);
  else if ('symlink' in entry) link(program, option, entry.to, target);
  else if ('file' in entry) {
    const { content, mode = 0o644 } = entry;
    writeFile(program, option, target, Buffer.from(content as string), mode);
  }
}
