/**
 * Following and changing another process: ptrace(2).
 *
 * The kernel obeys one *thread*, the tracer: the thread that attached, or that launched a process
 * which asked to be traced (the option `ptrace`, `ptraceTraceme`). All functions of this module run
 * on the calling thread. `forkExecSync` on the main thread launches from that thread; asynchronous
 * launches use a launching thread, whose tracees `trace` of @forkexec/core/process handles. wait4 and
 * waitid report the stops of a tracee on any thread. All functions except `ptraceInterrupt` and
 * those that attach need a tracee that is stopped.
 *
 * All throw SystemError: ESRCH if there is no such process, or it is not stopped, or this thread is
 * not its tracer; EPERM if the process to attach to belongs to another user, is traced already or
 * is protected by kernel.yama.ptrace_scope; EIO for an invalid address, signal or request.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkInteger, checkSignal, checkUnsigned, invalid } from './check.js';
import { LAYOUT, NT, PTRACE } from './constants.js';
import { readStruct, type StructInput, type StructOf, writeStruct } from './layout.js';
import { Scratch } from './scratch.js';
import type { Signal } from './signals.js';

/** The registers of the running architecture, by the names of `struct user_regs_struct`. */
export type Registers = StructOf<typeof LAYOUT.user_regs>;

const WORD = 8;

/** The kernel takes addresses and data as 64-bit arguments. */
function ptrace(
  request: number,
  pid: number,
  address: number | bigint,
  data: number | bigint | ArrayBufferView,
): void {
  call('ptrace', request, checkInt('pid', pid), address, data);
}

function restart(request: number, pid: number, signal: Signal | 0): void {
  ptrace(request, pid, 0, signal === 0 ? 0 : checkSignal('signal', signal));
}

/**
 * Makes this thread the tracer of a process and stops it with SIGSTOP; wait4 reports the stop.
 *
 * @see ptrace(2), PTRACE_ATTACH
 */
export function ptraceAttach(pid: number): void {
  ptrace(PTRACE.PTRACE_ATTACH, pid, 0, 0);
}

/**
 * Makes this thread the tracer of a process without stopping it; `ptraceInterrupt` stops it.
 *
 * @param options of `PTRACE`: PTRACE_O_TRACEEXEC, PTRACE_O_EXITKILL, …
 * @see ptrace(2), PTRACE_SEIZE
 */
export function ptraceSeize(pid: number, options = 0): void {
  ptrace(PTRACE.PTRACE_SEIZE, pid, 0, checkUnsigned('options', options));
}

/**
 * Makes the thread that launched this process its tracer, for a program that was started to be
 * traced. Every signal stops the process from then on.
 *
 * @see ptrace(2), PTRACE_TRACEME
 */
export function ptraceTraceme(): void {
  ptrace(PTRACE.PTRACE_TRACEME, 0, 0, 0);
}

/**
 * Continues a tracee.
 *
 * @param signal the signal to deliver if a signal stopped the tracee: usually that signal, or 0 to
 * suppress it. After other stops nothing is delivered.
 * @see ptrace(2), PTRACE_CONT
 */
export function ptraceCont(pid: number, signal: Signal | 0 = 0): void {
  restart(PTRACE.PTRACE_CONT, pid, signal);
}

/**
 * As `ptraceCont`, up to the beginning or end of its next system call.
 *
 * @see ptrace(2), PTRACE_SYSCALL
 */
export function ptraceSyscall(pid: number, signal: Signal | 0 = 0): void {
  restart(PTRACE.PTRACE_SYSCALL, pid, signal);
}

/** As `ptraceCont`, for one machine instruction. @see ptrace(2), PTRACE_SINGLESTEP */
export function ptraceSingleStep(pid: number, signal: Signal | 0 = 0): void {
  restart(PTRACE.PTRACE_SINGLESTEP, pid, signal);
}

/** As `ptraceCont`, and stops being its tracer. @see ptrace(2), PTRACE_DETACH */
export function ptraceDetach(pid: number, signal: Signal | 0 = 0): void {
  restart(PTRACE.PTRACE_DETACH, pid, signal);
}

/**
 * Stops a seized tracee without a signal; wait4 reports the stop with trapCause()
 * PTRACE_EVENT_STOP.
 *
 * @see ptrace(2), PTRACE_INTERRUPT
 */
export function ptraceInterrupt(pid: number): void {
  ptrace(PTRACE.PTRACE_INTERRUPT, pid, 0, 0);
}

/**
 * Sets the events that stop a tracee, and what happens to it when its tracer ends.
 *
 * @param options of `PTRACE`: PTRACE_O_TRACESYSGOOD, PTRACE_O_TRACEFORK, PTRACE_O_EXITKILL, …
 * @see ptrace(2), PTRACE_SETOPTIONS
 */
export function ptraceSetOptions(pid: number, options: number): void {
  ptrace(PTRACE.PTRACE_SETOPTIONS, pid, 0, checkUnsigned('options', options));
}

/**
 * Returns the message of the event that stopped a tracee: the pid of the new process after a fork,
 * the status word before an exit.
 *
 * @see ptrace(2), PTRACE_GETEVENTMSG
 */
export function ptraceGetEventMsg(pid: number): number {
  const message = new BigUint64Array(1);
  ptrace(PTRACE.PTRACE_GETEVENTMSG, pid, 0, message);
  return Number(message[0]);
}

/** One request with a `struct iovec` for the registers, the only way to them on arm64. */
function transferRegisters(request: number, pid: number, registers: Uint8Array): void {
  const scratch = new Scratch(registers);
  try {
    const iovec = writeStruct(LAYOUT.iovec, { base: scratch.address, len: registers.byteLength });
    ptrace(request, pid, NT.NT_PRSTATUS, iovec);
  } finally {
    scratch.close();
  }
}

/**
 * Returns the registers of a tracee.
 *
 * @see ptrace(2), PTRACE_GETREGSET
 */
export function ptraceGetRegs(pid: number): Registers {
  const bytes = new Uint8Array(LAYOUT.user_regs.size);
  transferRegisters(PTRACE.PTRACE_GETREGSET, pid, bytes);
  return readStruct(LAYOUT.user_regs, bytes);
}

/**
 * Sets the given registers of a tracee; the others keep their values.
 *
 * @throws RangeError for an unknown register or a value that it cannot hold.
 * @see ptrace(2), PTRACE_SETREGSET
 */
export function ptraceSetRegs(pid: number, registers: Partial<Registers>): void {
  const bytes = new Uint8Array(LAYOUT.user_regs.size);
  transferRegisters(PTRACE.PTRACE_GETREGSET, pid, bytes);
  writeStruct(LAYOUT.user_regs, registers as StructInput<typeof LAYOUT.user_regs>, bytes);
  transferRegisters(PTRACE.PTRACE_SETREGSET, pid, bytes);
}

function checkAddress(address: number | bigint): bigint {
  if (typeof address === 'bigint') return address;
  return BigInt(checkInteger('address', address, 0, Number.MAX_SAFE_INTEGER));
}

/**
 * The words that hold `length` bytes from an address on, and the offset of the first byte in them.
 * An aligned word lies in one page, so it is readable if any of its bytes is.
 */
function wordsAround(
  pid: number,
  address: bigint,
  length: number,
): [bytes: Uint8Array, at: number] {
  const at = Number(address & 7n);
  const words = new BigUint64Array(Math.ceil((at + length) / WORD));
  for (let index = 0; index < words.length; index++) {
    const from = address - BigInt(at) + BigInt(index * WORD);
    ptrace(PTRACE.PTRACE_PEEKDATA, pid, from, words.subarray(index, index + 1));
  }
  return [new Uint8Array(words.buffer), at];
}

/**
 * Returns `length` bytes of a tracee's memory from an address on.
 *
 * @see ptrace(2), PTRACE_PEEKDATA
 */
export function ptracePeekData(pid: number, address: number | bigint, length: number): Uint8Array {
  checkInteger('length', length, 0, 2 ** 31 - 1);
  const [bytes, at] = wordsAround(pid, checkAddress(address), length);
  return bytes.subarray(at, at + length);
}

/**
 * Writes bytes to a tracee's memory from an address on, also to read-only memory.
 *
 * @see ptrace(2), PTRACE_POKEDATA
 */
export function ptracePokeData(pid: number, address: number | bigint, bytes: Uint8Array): void {
  const start = checkAddress(address);
  if (!(bytes instanceof Uint8Array)) throw invalid('bytes', bytes, 'a Uint8Array');
  // The kernel writes whole words: the bytes around ours are written back unchanged.
  const [around, at] = wordsAround(pid, start, bytes.byteLength);
  around.set(bytes, at);
  for (const [index, word] of new BigUint64Array(around.buffer).entries()) {
    ptrace(PTRACE.PTRACE_POKEDATA, pid, start - BigInt(at) + BigInt(index * WORD), word);
  }
}
