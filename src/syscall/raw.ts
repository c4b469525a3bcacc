/**
 * Raw system calls.
 *
 * @module
 */
import { backend } from '../backend.js';
import { completions, type NativeArgument, native } from '../native.js';
import { CALL, CALLED } from '../protocol.js';
import { unavailable } from './check.js';
import { SYS } from './constants.js';
import { SystemError } from './errors.js';
import { checkRun } from './permission.js';

/**
 * An argument of a system call:
 * - a number or bigint: an integer;
 * - a string: the address of its UTF-8 bytes and a NUL;
 * - an ArrayBufferView: the address of its bytes, to read or to write;
 * - an array of strings: `char *[]`, ended by NULL, as execve(2) takes it;
 * - null: 0, the null pointer.
 */
export type SyscallArg =
  | number
  | bigint
  | string
  | ArrayBufferView
  | null
  | readonly (string | null)[];

/** The result of a system call. */
export interface SyscallResult {
  /** The return value; -1n for a call that failed. */
  readonly r1: bigint;
  /** 0, or the positive errno. */
  readonly errno: number;
}

/** Results from -MAX_ERRNO to -1 are errnos: include/linux/err.h of the kernel. */
const MAX_ERRNO = 4095;

function toResult(returned: number | bigint): SyscallResult {
  if (returned < 0 && returned >= -MAX_ERRNO) return { r1: -1n, errno: -Number(returned) };
  return { r1: BigInt(returned), errno: 0 };
}

function refuse(index: number, what: string): never {
  const error = new TypeError(`argument ${index + 1} must not be ${what}`);
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_TYPE' });
}

/** Copies the strings: an accessor would run code while the addon holds addresses of buffers. */
function copyStrings(strings: readonly (string | null)[], index: number): (string | null)[] {
  const copy: (string | null)[] = [];
  for (let at = 0; at < strings.length; at++) {
    const text = strings[at];
    if (typeof text !== 'string' && text !== null)
      refuse(index, 'an array that holds anything but strings');
    copy.push(text);
  }
  return copy;
}

/** The numbers are system calls only with the backend of Linux. */
function checkRaw(name: string): void {
  if (backend !== 'linux') throw unavailable(`The function '${name}'`);
}

/** Calls that start a process or run a program in this one. */
const STARTS: ReadonlySet<number | undefined> = new Set([
  SYS.fork,
  SYS.vfork,
  SYS.clone,
  SYS.clone3,
  SYS.execve,
  SYS.execveat,
]);

/** Throws what the runtime throws for a program, if it does not permit to start one. */
function checkPermitted(number: number): void {
  if (STARTS.has(number)) checkRun('', undefined);
}

/** Makes sure that no code can change arguments while the addon reads them. */
function settle(args: SyscallArg[]): void {
  for (const [index, argument] of args.entries()) {
    if (Array.isArray(argument)) {
      args[index] = copyStrings(argument, index);
    } else if (ArrayBuffer.isView(argument)) {
      // It may shrink while the kernel has its address.
      const buffer = argument.buffer as { resizable?: boolean; growable?: boolean };
      if (buffer.resizable === true || buffer.growable === true) {
        refuse(index, 'a view of a resizable buffer');
      }
    }
  }
}

/**
 * Makes a system call on the calling thread. The event loop is blocked until it returns.
 *
 * The kernel reads and writes the memory of a view directly. Nothing checks that the arguments fit
 * the call: a wrong address or length has the effect that it would have in C.
 *
 * @throws TypeError for invalid arguments; a call that fails does not throw. TypeError
 * ERR_FEATURE_UNAVAILABLE_ON_PLATFORM on macOS and the BSDs, which have no stable system-call
 * interface: use the typed functions.
 * @see syscall(2)
 */
export function rawSyscall(number: number, ...args: SyscallArg[]): SyscallResult {
  checkRaw('rawSyscall');
  checkPermitted(number);
  if (args.length > 0) settle(args);
  return toResult(native.rawSyscall(number, ...args));
}

/**
 * Makes a system call that may block, on a thread of this library's own pool: up to 64 threads,
 * each of which ends after 0.1 s without work. Nothing else waits for the call.
 *
 * The kernel works on copies of views, which are copied back when the call returns, so the view may
 * be changed or transferred during the call. A call that changes its thread (namespaces,
 * scheduling, credentials) changes only the thread of the pool: use `rawSyscall` for such calls.
 *
 * @throws as `rawSyscall`; SystemError pthread_create if no thread could be started.
 * @see syscall(2)
 */
export async function syscall(number: number, ...args: SyscallArg[]): Promise<SyscallResult> {
  checkRaw('syscall');
  checkPermitted(number);
  return syscallLater(number, ...args);
}

/** As `syscall`, with any backend. */
export async function syscallLater(number: number, ...args: SyscallArg[]): Promise<SyscallResult> {
  settle(args);
  return toResult(await callOffLoop(CALL.pool, number, args));
}

/** As `syscall`, on the thread that launched all tracees, and only for calls that do not block. */
export async function syscallOnTracer(
  number: number,
  ...args: SyscallArg[]
): Promise<SyscallResult> {
  return toResult(await callOffLoop(CALL.tracer, number, args));
}

/** As `syscallLater`, for a call that makes a descriptor: see `attemptOpen`. Resolves with it, or -errno. */
export async function openLater(number: number, ...args: SyscallArg[]): Promise<number> {
  settle(args);
  return Number(await callOffLoop(CALL.owned, number, args));
}

function callOffLoop(
  how: number,
  number: number,
  args: readonly NativeArgument[],
): Promise<bigint> {
  return new Promise((resolve, reject) => {
    const token = completions.register((row, at) => {
      completions.forget(token);
      completions.release();
      const high = BigInt(row[at + CALLED.high] as number);
      resolve((high << 32n) | BigInt(row[at + CALLED.low] as number));
    });
    completions.retain();
    let errno = -1;
    try {
      errno = native.asyncSyscall(token, how, number, ...args);
      if (errno !== 0) reject(new SystemError('pthread_create', errno));
    } finally {
      if (errno !== 0) {
        completions.forget(token);
        completions.release();
      }
    }
  });
}
