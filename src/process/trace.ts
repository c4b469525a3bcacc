/**
 * Tracing a child: ptrace(2).
 *
 * @module
 */
import { closeSync, existsSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { attempt } from '../syscall/call.js';
import { checkSignal, invalid } from '../syscall/check.js';
import { CLD, E, LAYOUT, NT, P, PTRACE, SYS, W } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { readStruct, type StructInput, type StructOf, writeStruct } from '../syscall/layout.js';
import { syscallLater, syscallOnTracer } from '../syscall/raw.js';
import { Scratch } from '../syscall/scratch.js';
import { type Signal, type SignalName, signalName } from '../syscall/signals.js';
import { shownOf } from './proc.js';
import { Process } from './process.js';

/** The processor's registers, by the names of struct user_regs_struct. */
export type Registers = StructOf<typeof LAYOUT.user_regs>;

/** What a tracee does when it stops by itself: PTRACE_EVENT_… in ptrace(2), or a system call. */
export type TraceEvent =
  | 'exec'
  | 'exit'
  | 'fork'
  | 'vfork'
  | 'vforkDone'
  | 'clone'
  | 'seccomp'
  | 'stop'
  | 'syscall';

/** Why a tracee stopped. */
export interface TraceStop {
  /** The signal that is about to be delivered, or SIGTRAP for an event. */
  readonly signal: SignalName;
  /** Undefined for a signal and for the first stop, at execve. */
  readonly event?: TraceEvent;
}

/** Options that report events as stops, by name; PTRACE_SETOPTIONS in ptrace(2). */
export type TraceOption =
  | 'exec'
  | 'exit'
  | 'fork'
  | 'vfork'
  | 'vforkDone'
  | 'clone'
  | 'seccomp'
  | 'sysgood';

const OPTIONS: Readonly<Record<TraceOption, number>> = {
  exec: PTRACE.PTRACE_O_TRACEEXEC,
  exit: PTRACE.PTRACE_O_TRACEEXIT,
  fork: PTRACE.PTRACE_O_TRACEFORK,
  vfork: PTRACE.PTRACE_O_TRACEVFORK,
  vforkDone: PTRACE.PTRACE_O_TRACEVFORKDONE,
  clone: PTRACE.PTRACE_O_TRACECLONE,
  seccomp: PTRACE.PTRACE_O_TRACESECCOMP,
  sysgood: PTRACE.PTRACE_O_TRACESYSGOOD,
};

const EVENTS: Readonly<Record<number, TraceEvent>> = {
  [PTRACE.PTRACE_EVENT_EXEC]: 'exec',
  [PTRACE.PTRACE_EVENT_EXIT]: 'exit',
  [PTRACE.PTRACE_EVENT_FORK]: 'fork',
  [PTRACE.PTRACE_EVENT_VFORK]: 'vfork',
  [PTRACE.PTRACE_EVENT_VFORK_DONE]: 'vforkDone',
  [PTRACE.PTRACE_EVENT_CLONE]: 'clone',
  [PTRACE.PTRACE_EVENT_SECCOMP]: 'seccomp',
  [PTRACE.PTRACE_EVENT_STOP]: 'stop',
};

/** What `sysgood` marks stops at system calls with. */
const SYSTEM_CALL = 0x80;

/** From the status of a stop as waitid(2) has it. */
function stopOf(status: number): TraceStop {
  const signal = signalName(status & 0x7f);
  const event = (status & SYSTEM_CALL) !== 0 ? 'syscall' : EVENTS[status >> 8];
  return event === undefined ? { signal } : { signal, event };
}

/**
 * A process that is being traced. All requests are made on the thread that launched it, which is the
 * one it obeys; except `next`, they need it stopped and throw SystemError ESRCH if it is not.
 */
export class Trace {
  /** The tracee. */
  readonly process: Process;

  /** Whether the native side reaps it; a descendant's end is for its tracer to take first. */
  readonly #ours: boolean;

  /** @internal */
  constructor(process: Process, ours: boolean) {
    this.process = process;
    this.#ours = ours;
  }

  /**
   * A new process of this one, which `fork`, `vfork` and `clone` report in `eventMessage`: it is
   * traced as well and stops first with SIGSTOP. Follow it with `next` until it has ended.
   */
  child(pid: number): Trace {
    return new Trace(Process.traced(pid), false);
  }

  /** Waits until it stops; undefined once it has ended. */
  async next(): Promise<TraceStop | undefined> {
    const info = new Uint8Array(LAYOUT.siginfo.size);
    const { pid } = this.process;
    if (this.#ours && this.process.status() !== undefined) return undefined;
    // Looked at off the loop and taken here: its end is the watcher's to reap.
    const look = W.WSTOPPED | W.WEXITED | W.WNOWAIT;
    let errno: number;
    do ({ errno } = await syscallLater(SYS.waitid, P.P_PID, pid, info, look, null));
    while (errno === E.EINTR);
    const { code, status } = readStruct(LAYOUT.siginfo, info);
    if (errno !== 0 || (code !== CLD.CLD_TRAPPED && code !== CLD.CLD_STOPPED)) {
      if (!this.#ours) {
        attempt('waitid', P.P_PID, pid, null, W.WEXITED | W.WNOHANG, null);
        this.process[Symbol.dispose]();
      }
      return undefined;
    }
    attempt('waitid', P.P_PID, pid, null, W.WSTOPPED | W.WNOHANG, null);
    return stopOf(status);
  }

  /** Lets it go on, with a signal if it is to get one: PTRACE_CONT. */
  async continue(signal?: Signal): Promise<void> {
    await this.#request(PTRACE.PTRACE_CONT, 0, numberOf(signal));
  }

  /** Lets it go on to the next or out of the current system call: PTRACE_SYSCALL. */
  async continueToSyscall(signal?: Signal): Promise<void> {
    await this.#request(PTRACE.PTRACE_SYSCALL, 0, numberOf(signal));
  }

  /** Lets it execute one instruction: PTRACE_SINGLESTEP. */
  async step(signal?: Signal): Promise<void> {
    await this.#request(PTRACE.PTRACE_SINGLESTEP, 0, numberOf(signal));
  }

  /** Lets it go on untraced: PTRACE_DETACH. */
  async detach(signal?: Signal): Promise<void> {
    await this.#request(PTRACE.PTRACE_DETACH, 0, numberOf(signal));
  }

  /** Which events stop it. It dies with this process all the same: PTRACE_O_EXITKILL. */
  async setOptions(options: readonly TraceOption[]): Promise<void> {
    let bits = PTRACE.PTRACE_O_EXITKILL;
    for (const option of options) {
      const bit = OPTIONS[option];
      if (bit === undefined)
        throw invalid('options', option, `one of ${Object.keys(OPTIONS).join(', ')}`);
      bits |= bit;
    }
    await this.#request(PTRACE.PTRACE_SETOPTIONS, 0, bits);
  }

  /** What comes with an event: the new pid of fork, the exit code: PTRACE_GETEVENTMSG. */
  async eventMessage(): Promise<bigint> {
    const message = new BigUint64Array(1);
    await this.#request(PTRACE.PTRACE_GETEVENTMSG, 0, message);
    return message[0] as bigint;
  }

  /** Its registers: PTRACE_GETREGSET. */
  async registers(): Promise<Registers> {
    const bytes = new Uint8Array(LAYOUT.user_regs.size);
    await this.#transferRegisters(PTRACE.PTRACE_GETREGSET, bytes);
    return readStruct(LAYOUT.user_regs, bytes);
  }

  /** Changes some of its registers: PTRACE_SETREGSET. */
  async setRegisters(registers: StructInput<typeof LAYOUT.user_regs>): Promise<void> {
    const bytes = new Uint8Array(LAYOUT.user_regs.size);
    await this.#transferRegisters(PTRACE.PTRACE_GETREGSET, bytes);
    writeStruct(LAYOUT.user_regs, registers, bytes);
    await this.#transferRegisters(PTRACE.PTRACE_SETREGSET, bytes);
  }

  /** Bytes of its memory: proc_pid_mem(5). */
  readMemory(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const count = this.#withMemory('r', (fd) => readSync(fd, bytes, 0, length, address));
    return bytes.subarray(0, count);
  }

  /** Writes to its memory, even where it may not itself; returns how many bytes. */
  writeMemory(address: bigint, bytes: Uint8Array): number {
    // The position of writeSync is a number: addresses of user space fit one.
    return this.#withMemory('r+', (fd) => writeSync(fd, bytes, 0, bytes.length, Number(address)));
  }

  #withMemory<T>(flags: string, use: (fd: number) => T): T {
    const shown = shownOf(this.process.pid);
    if (shown === undefined) throw new SystemError('open', E.ESRCH, '/proc/PID/mem');
    const fd = openSync(`/proc/${shown}/mem`, flags);
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  }

  async #transferRegisters(request: number, bytes: Uint8Array): Promise<void> {
    const scratch = new Scratch(bytes);
    try {
      const iovec = writeStruct(LAYOUT.iovec, { base: scratch.address, len: bytes.byteLength });
      await this.#request(request, NT.NT_PRSTATUS, iovec);
    } finally {
      scratch.close();
    }
  }

  async #request(request: number, address: number, data: number | ArrayBufferView): Promise<void> {
    const { pid } = this.process;
    const { errno } = await syscallOnTracer(SYS.ptrace, request, pid, address, data);
    if (errno !== 0) throw new SystemError('ptrace', errno);
  }
}

function numberOf(signal: Signal | undefined): number {
  return signal === undefined ? 0 : checkSignal('signal', signal);
}

/** Whether a thread of this process is its tracer. */
function isTraced(process: Process): boolean {
  try {
    const status = readFileSync(`/proc/${shownOf(process.pid)}/status`, 'latin1');
    const tracer = /^TracerPid:\s*(\d+)$/m.exec(status)?.[1];
    return process.status() === undefined && existsSync(`/proc/self/task/${tracer}`);
  } catch {
    return false; // ended
  }
}

/**
 * Traces a process that was started with `ptrace: true`. Resolves at its first stop, before the
 * first instruction of its program. It dies with this process: PTRACE_O_EXITKILL, Linux 3.8.
 *
 * @throws SystemError ESRCH when it is not traced by this process.
 * @see ptrace(2)
 */
export async function trace(process: Process): Promise<Trace> {
  if (!isTraced(process)) throw new SystemError('ptrace', E.ESRCH);
  const tracing = new Trace(process, true);
  const stop = await tracing.next();
  if (stop === undefined) throw new SystemError('ptrace', E.ESRCH);
  return tracing;
}
