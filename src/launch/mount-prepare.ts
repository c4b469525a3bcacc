/**
 * Mounts that are made and not yet put anywhere: open_tree(2), fsopen(2), fsmount(2).
 *
 * @module
 */
import type { MountEntry } from '../sandbox/mount-entries.js';
import { AT, O, SYS } from '../syscall/constants.js';
import type { ProgramBuilder, Slot } from './program.js';

export const STEPS = [
  'open_tree',
  'fsopen',
  'fsconfig',
  'fsmount',
  'mount_setattr',
  'move_mount',
  'fchdir',
  'pivot_root',
  'umount2',
  'chdir',
  'mkdir',
  'open',
  'write',
  'symlink',
] as const;

export type MountProgram = ProgramBuilder<(typeof STEPS)[number]>;

/** What is prepared of an entry while the old root is there: what is mounted, and what in it. */
export interface Prepared {
  readonly option: string;
  readonly target: string;
  readonly entry: MountEntry;
  readonly mounted: Slot | undefined;
  readonly isFile: boolean;
  readonly devices: readonly (readonly [name: string, mounted: Slot])[];
  readonly terminals: Slot | undefined;
}

const OPEN_TREE_CLONE = 1;
const AT_RECURSIVE = 0x8000;
const FSOPEN_CLOEXEC = 1;
const FSMOUNT_CLOEXEC = 1;
const FSCONFIG = { setFlag: 0, setString: 1, create: 6 } as const;
const MOUNT_ATTR = { readOnly: 1, noSuid: 2, noDev: 4, noExec: 8 } as const;

/** How a mount may be used; set-user-ID bits never have an effect. */
export interface Flags {
  readonly readOnly?: boolean | undefined;
  readonly devices?: boolean | undefined;
  readonly noExec?: boolean | undefined;
}

function attributesOf({ readOnly = false, devices = false, noExec = false }: Flags): number {
  let attributes: number = MOUNT_ATTR.noSuid;
  if (readOnly) attributes |= MOUNT_ATTR.readOnly;
  if (!devices) attributes |= MOUNT_ATTR.noDev;
  if (noExec) attributes |= MOUNT_ATTR.noExec;
  return attributes;
}

/** Of a mount that is attached, the attribute `readOnly` alone; it keeps the others. */
export function setAttributes(
  program: MountProgram,
  argument: string,
  directory: number | Slot,
  path: string,
  flags: Flags,
): void {
  const isAttached = path !== '';
  const set = isAttached ? MOUNT_ATTR.readOnly : attributesOf(flags);
  const attributes = program.words([BigInt(set), 0n, 0n, 0n]);
  const how = isAttached ? 0 : AT.AT_EMPTY_PATH | AT_RECURSIVE;
  const step = { name: 'mount_setattr', argument } as const;
  const at = program.string(path);
  program.must(step, SYS.mount_setattr, directory, at, how, attributes, 32);
}

/** A copy of the mounts at a path of this process. */
export function bindOf(program: MountProgram, argument: string, path: string, flags: Flags): Slot {
  const slot = program.slot();
  const how = OPEN_TREE_CLONE | O.O_CLOEXEC | AT_RECURSIVE;
  const step = { name: 'open_tree', argument } as const;
  program.store(step, slot, SYS.open_tree, AT.AT_FDCWD, program.string(path), how);
  setAttributes(program, argument, slot, '', flags);
  return slot;
}

/** A new file system. */
export function newFileSystem(
  program: MountProgram,
  argument: string,
  type: string,
  options: Readonly<Record<string, string | true>>,
  flags: Flags,
): Slot {
  const context = program.slot();
  const slot = program.slot();
  const fsopen = { name: 'fsopen', argument } as const;
  program.store(fsopen, context, SYS.fsopen, program.string(type), FSOPEN_CLOEXEC);
  const configure = { name: 'fsconfig', argument } as const;
  for (const [key, value] of Object.entries(options)) {
    const command = value === true ? FSCONFIG.setFlag : FSCONFIG.setString;
    const text = value === true ? 0 : program.string(value);
    program.must(configure, SYS.fsconfig, context, command, program.string(key), text, 0);
  }
  program.must(configure, SYS.fsconfig, context, FSCONFIG.create, 0, 0, 0);
  const fsmount = { name: 'fsmount', argument } as const;
  program.store(fsmount, slot, SYS.fsmount, context, FSMOUNT_CLOEXEC, attributesOf(flags));
  program.ignore({ name: 'close' }, SYS.close, context);
  return slot;
}
