/**
 * Following and changing another process: ptrace(2).
 *
 * The kernel obeys one *thread*, the tracer: the one that attached, or that launched a process
 * which asked for it (the option `ptrace`, `ptraceTraceme`). All functions here run on the calling
 * thread. `forkExecSync` on the main thread launches from there; the asynchronous launches do from
 * another, which `trace` of forkexec/process is for. A tracee's stops are told by wait4 and waitid,
 * on any thread. All but `ptraceInterrupt` and those that attach need a tracee that is stopped.
 *
 * All throw SystemError: ESRCH where there is no such process, or it isn't stopped, or this thread
 * isn't its tracer; EPERM to attach to what is another user's, traced already or denied by
 * kernel.yama.ptrace_scope; EIO for an address, signal or request that can't be.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkInteger, checkSignal, checkUnsigned } from './check.js';
import { LAYOUT, NT, PTRACE } from './constants.js';
import { readStruct, type StructInput, type StructOf, writeStruct } from './layout.js';
import { Scratch } from './scratch.js';
import type { Signal } from './signals.js';

/** The registers of the running architecture, by the names of `struct user_regs_struct`. */
export type Registers = StructOf<typeof LAYOUT.user_regs>;

const WORD = 8;

/** The kernel takes addresses and data as it takes any argument: 64 bits. */
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
 * Becomes the tracer of a process, which is stopped with SIGSTOP: wait4 tells when.
 *
 * @see ptrace(2), PTRACE_ATTACH
 */
export function ptraceAttach(pid: number): void {
  ptrace(PTRACE.PTRACE_ATTACH, pid, 0, 0);
}

/**
 * Becomes the tracer of a process without stopping it: `ptraceInterrupt` does.
 *
 * @param options of `PTRACE`: PTRACE_O_TRACEEXEC, PTRACE_O_EXITKILL, …
 * @see ptrace(2), PTRACE_SEIZE
 */
export function ptraceSeize(pid: number, options = 0): void {
  ptrace(PTRACE.PTRACE_SEIZE, pid, 0, checkUnsigned('options', options));
}

/**
 * Makes the thread that launched this process its tracer. For a program that was started in order
 * to be traced: every signal stops it from here on.
 *
 * @see ptrace(2), PTRACE_TRACEME
 */
export function ptraceTraceme(): void {
  ptrace(PTRACE.PTRACE_TRACEME, 0, 0, 0);
}

/**
 * Lets a tracee go on.
 *
 * @param signal is delivered to it, if a signal is what stopped it: that one, unless it shall never
 * see it. After another stop nothing is delivered.
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
 * Stops a tracee that was seized, without a signal: wait4 tells when, with trapCause()
 * PTRACE_EVENT_STOP.
 *
 * @see ptrace(2), PTRACE_INTERRUPT
 */
export function ptraceInterrupt(pid: number): void {
  ptrace(PTRACE.PTRACE_INTERRUPT, pid, 0, 0);
}

/**
 * Chooses the events that stop a tracee, and what is to become of it.
 *
 * @param options of `PTRACE`: PTRACE_O_TRACESYSGOOD, PTRACE_O_TRACEFORK, PTRACE_O_EXITKILL, …
 * @see ptrace(2), PTRACE_SETOPTIONS
 */
export function ptraceSetOptions(pid: number, options: number): void {
  ptrace(PTRACE.PTRACE_SETOPTIONS, pid, 0, checkUnsigned('options', options));
}

/**
 * What goes with the event that stopped a tracee: the new process' pid after a fork, the status
 * word before an exit.
 *
 * @see ptrace(2), PTRACE_GETEVENTMSG
 */
export function ptraceGetEventMsg(pid: number): number {
  const message = new BigUint64Array(1);
  ptrace(PTRACE.PTRACE_GETEVENTMSG, pid, 0, message);
  return Number(message[0]);
}

/** One request with a `struct iovec` for the registers; arm64 has no other way to them. */
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
 * The registers of a tracee.
 *
 * @see ptrace(2), PTRACE_GETREGSET
 */
export function ptraceGetRegs(pid: number): Registers {
  const bytes = new Uint8Array(LAYOUT.user_regs.size);
  transferRegisters(PTRACE.PTRACE_GETREGSET, pid, bytes);
  return readStruct(LAYOUT.user_regs, bytes);
}

/**
 * Sets registers of a tracee: those given, the others stay.
 *
 * @throws RangeError for a name or value that no register has.
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
 * The words that hold `length` bytes from an address on, and where in them those begin. A word at a
 * multiple of its size lies in one page, and so is there if any byte of it is.
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
 * Reads memory of a tracee, `length` bytes from an address on.
 *
 * @see ptrace(2), PTRACE_PEEKDATA
 */
export function ptracePeekData(pid: number, address: number | bigint, length: number): Uint8Array {
  checkInteger('length', length, 0, 2 ** 31 - 1);
  const [bytes, at] = wordsAround(pid, checkAddress(address), length);
  return bytes.subarray(at, at + length);
}

/**
 * Writes memory of a tracee from an address on, read-only memory too.
 *
 * @see ptrace(2), PTRACE_POKEDATA
 */
export function ptracePokeData(pid: number, address: number | bigint, bytes: Uint8Array): void {
  const start = checkAddress(address);
  // The kernel writes whole words: what of them is not ours stays as it is.
  const [around, at] = wordsAround(pid, start, bytes.byteLength);
  around.set(bytes, at);
  for (const [index, word] of new BigUint64Array(around.buffer).entries()) {
    ptrace(PTRACE.PTRACE_POKEDATA, pid, start - BigInt(at) + BigInt(index * WORD), word);
  }
}
