/**
 * What Landlock can restrict, and what of it the running kernel has: landlock(7).
 *
 * The numbers are those of linux/landlock.h, the same on all architectures.
 *
 * @module
 */
import { backend } from '../backend.js';
import { attempt } from '../syscall/call.js';
import { E } from '../syscall/constants.js';

/** A right to files, by the name of linux/landlock.h in camel case. */
export type LandlockFileRight =
  | 'execute'
  | 'writeFile'
  | 'readFile'
  | 'readDir'
  | 'removeDir'
  | 'removeFile'
  | 'makeChar'
  | 'makeDir'
  | 'makeReg'
  | 'makeSock'
  | 'makeFifo'
  | 'makeBlock'
  | 'makeSym'
  | 'refer'
  | 'truncate'
  | 'ioctlDev'
  | 'resolveUnix';

/** A right to TCP ports. */
export type LandlockPortRight = 'bindTcp' | 'connectTcp';

/** What can be restricted by rules. */
export type LandlockRight = LandlockFileRight | LandlockPortRight;

/** What a process inside can reach of processes outside. */
export type LandlockScope = 'abstractUnixSocket' | 'signal';

/** Which denied accesses the kernel writes to the audit log. */
export type LandlockLog = 'sameExecOff' | 'newExecOn' | 'subdomainsOff';

/** A bit of the kernel, and the first ABI that has it. */
interface Bit {
  readonly bit: number;
  readonly abi: number;
}

const since = (abi: number, bit: number): Bit => ({ bit, abi });

export const FILE_RIGHTS: Readonly<Record<LandlockFileRight, Bit>> = {
  execute: since(1, 0x1),
  writeFile: since(1, 0x2),
  readFile: since(1, 0x4),
  readDir: since(1, 0x8),
  removeDir: since(1, 0x10),
  removeFile: since(1, 0x20),
  makeChar: since(1, 0x40),
  makeDir: since(1, 0x80),
  makeReg: since(1, 0x100),
  makeSock: since(1, 0x200),
  makeFifo: since(1, 0x400),
  makeBlock: since(1, 0x800),
  makeSym: since(1, 0x1000),
  refer: since(2, 0x2000),
  truncate: since(3, 0x4000),
  ioctlDev: since(5, 0x8000),
  resolveUnix: since(9, 0x10000),
};

export const PORT_RIGHTS: Readonly<Record<LandlockPortRight, Bit>> = {
  bindTcp: since(4, 1),
  connectTcp: since(4, 2),
};

export const SCOPES: Readonly<Record<LandlockScope, Bit>> = {
  abstractUnixSocket: since(6, 1),
  signal: since(6, 2),
};

export const LOGS: Readonly<Record<LandlockLog, Bit>> = {
  sameExecOff: since(7, 1),
  newExecOn: since(7, 2),
  subdomainsOff: since(7, 4),
};

/** Rights of files that are no directories. */
const ON_FILES = [
  'execute',
  'writeFile',
  'readFile',
  'truncate',
  'ioctlDev',
  'resolveUnix',
] as const;

export const ACCESS_FILE: number = bitsOf(FILE_RIGHTS, ON_FILES);

/** What the kernel reads of a rule and of a ruleset. */
export const RULE = { path: 1, port: 2 } as const;

/** Files are restricted in full from here on; what later ABIs add is taken where it is there. */
export const FULL_ABI = 5;

export function bitsOf<N extends string>(
  table: Readonly<Record<N, Bit>>,
  names: readonly N[],
): number {
  return names.reduce((bits, name) => bits | table[name].bit, 0);
}

/** The names of a table that an ABI lacks. */
export function lackingIn<N extends string>(
  table: Readonly<Record<N, Bit>>,
  names: readonly N[],
  abi: number,
): N[] {
  return names.filter((name) => table[name].abi > abi);
}

export const fileRights: readonly LandlockFileRight[] = Object.keys(
  FILE_RIGHTS,
) as LandlockFileRight[];

const CREATE_RULESET_VERSION = 1;

let known: number | undefined;

/**
 * The Landlock ABI of the running kernel; or -errno: ENOSYS where the kernel was built without
 * Landlock or a filter refuses it, EOPNOTSUPP where it is switched off.
 */
export function landlockAbi(): number {
  if (backend !== 'linux') return -E.ENOSYS;
  known ??= attempt('landlock_create_ruleset', null, 0, CREATE_RULESET_VERSION);
  return known;
}

/** Why there is no Landlock. */
export function absenceOf(errno: number): string {
  if (errno === E.EOPNOTSUPP) {
    return 'Landlock is built into this kernel, but switched off (boot parameter lsm=)';
  }
  return 'this kernel has no Landlock: it was not built in, or a seccomp filter refuses it';
}
