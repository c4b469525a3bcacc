/**
 * Following a program and all that it starts with ptrace(2).
 *
 * @module
 */
import type { Process } from '../../process/process.js';
import { type Trace, trace } from '../../process/trace.js';
import { notify } from '../../signal/notify.js';
import { attempt } from '../../syscall/call.js';
import { CLD, E, LAYOUT, P, PTRACE, SECCOMP, SYS, W } from '../../syscall/constants.js';
import { SystemError } from '../../syscall/errors.js';
import { readStruct, type StructInput } from '../../syscall/layout.js';
import { syscallOnTracer } from '../../syscall/raw.js';
import type { SignalName } from '../../syscall/signals.js';
import { clearTimeout, setTimeout } from '../../time.js';

type RegisterValues = StructInput<typeof LAYOUT.user_regs>;

/** How a system call is made, and a trap after it; which registers it takes. */
const CALL = {
  x64: {
    code: Uint8Array.of(0x0f, 0x05, 0xcc), // syscall; int3
    counter: 'rip',
    stack: 'rsp',
    result: (registers: Record<string, unknown>) => registers['rax'] as bigint,
    // Without orig_rax the kernel does not take it for a call that it has to begin again.
    set: (number: number, args: readonly bigint[]): Record<string, bigint> => ({
      orig_rax: 0xffff_ffff_ffff_ffffn,
      rax: BigInt(number),
      rdi: args[0] ?? 0n,
      rsi: args[1] ?? 0n,
      rdx: args[2] ?? 0n,
    }),
  },
  arm64: {
    code: Uint8Array.of(0x01, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x20, 0xd4), // svc #0; brk #0
    counter: 'pc',
    stack: 'sp',
    result: (registers: Record<string, unknown>) => (registers['regs'] as bigint[])[0] as bigint,
    set: (number: number, args: readonly bigint[]): Record<string, bigint[]> => ({
      regs: Array.from({ length: 31 }, (_, index) =>
        index === 8 ? BigInt(number) : (args[index] ?? 0n),
      ),
    }),
  },
};

/** Room on the stack below what the program has there, and what a red zone may hold. */
const BELOW = 16_384n;

/** Lets the program make a call before its first instruction. */
async function inject(tracing: Trace, number: number, args: readonly bigint[]): Promise<void> {
  const held: SignalName[] = [];
  const { code, counter, result, set } = CALL[process.arch as keyof typeof CALL];
  const before = await tracing.registers();
  const at = BigInt((before as unknown as Record<string, bigint>)[counter] ?? 0n);
  const replaced = tracing.readMemory(at, code.length);
  tracing.writeMemory(at, code);
  await tracing.setRegisters(set(number, args) as RegisterValues);
  await tracing.continue();
  for (let stop = await tracing.next(); stop?.signal !== 'SIGTRAP'; stop = await tracing.next()) {
    if (stop === undefined) throw new SystemError('ptrace', E.ESRCH);
    held.push(stop.signal);
    await tracing.continue();
  }
  const returned = result((await tracing.registers()) as unknown as Record<string, unknown>);
  tracing.writeMemory(at, replaced);
  await tracing.setRegisters(before as RegisterValues);
  const errno = -Number(BigInt.asIntN(64, returned));
  if (errno > 0) throw new SystemError('seccomp', errno);
  // Signals that came meanwhile would have been handled at the changed instructions.
  for (const signal of held) tracing.process.signal(signal);
}

/** Puts a filter on a program that has not begun: its own execve came before it. */
async function putFilter(tracing: Trace, filter: Uint8Array): Promise<void> {
  const { stack } = CALL[process.arch as keyof typeof CALL];
  const registers = (await tracing.registers()) as unknown as Record<string, bigint>;
  const head = (BigInt(registers[stack] ?? 0n) - BELOW) & ~15n;
  const bytes = Buffer.alloc(16 + filter.length); // struct sock_fprog, and what it points to
  bytes.writeUInt16LE(filter.length / 8, 0);
  bytes.writeBigUInt64LE(head + 16n, 8);
  bytes.set(filter, 16);
  tracing.writeMemory(head, bytes);
  await inject(tracing, SYS.seccomp as number, [BigInt(SECCOMP.SECCOMP_SET_MODE_FILTER), 0n, head]);
}

/** Changes are looked for so often even if no signal tells of them: another library may hold it. */
const LOOK_MS = 100;

/** Any thread, also one that another one made: wait(2). */
const EVERY_THREAD = W.__WALL | W.WSTOPPED | W.WNOHANG;

/** All threads that are traced. */
class Threads {
  /** By number, whether its first stop is still to come. */
  readonly #threads = new Map<number, boolean>();
  readonly #leader: number;
  readonly #stopped: (thread: number) => void;
  readonly #info = new Uint8Array(LAYOUT.siginfo.size);

  constructor(leader: number, stopped: (thread: number) => void) {
    this.#leader = leader;
    this.#stopped = stopped;
    this.#threads.set(leader, false);
  }

  #continue(thread: number, signal: number): void {
    void syscallOnTracer(SYS.ptrace, PTRACE.PTRACE_CONT, thread, 0, signal);
  }

  async #afterMessage(thread: number, use: (message: number) => void): Promise<void> {
    const message = new BigUint64Array(1);
    await syscallOnTracer(SYS.ptrace, PTRACE.PTRACE_GETEVENTMSG, thread, 0, message);
    use(Number(message[0]));
    this.#continue(thread, 0);
    this.look();
  }

  #handle(thread: number, status: number): void {
    const event = status >> 8;
    if (event === PTRACE.PTRACE_EVENT_SECCOMP) {
      this.#stopped(thread);
      this.#continue(thread, 0);
    } else if (event === PTRACE.PTRACE_EVENT_EXEC) {
      // A thread that executes a program gets the number of the first one.
      void this.#afterMessage(thread, (former) => {
        if (former !== thread) this.#threads.delete(former);
      });
    } else if (event !== 0) {
      void this.#afterMessage(thread, (made) => {
        if (made > 0) this.#threads.set(made, true);
      });
    } else {
      const isFirst = this.#threads.get(thread) === true;
      this.#threads.set(thread, false);
      this.#continue(thread, isFirst ? 0 : status & 0x7f);
    }
  }

  /** Takes all that has happened. */
  look(): void {
    for (const thread of [...this.#threads.keys()]) {
      // The end of the program itself is for its watcher to take.
      const options = EVERY_THREAD | (thread === this.#leader ? 0 : W.WEXITED);
      this.#info.fill(0);
      const result = attempt('waitid', P.P_PID, thread, this.#info, options, null);
      const { pid, code, status } = readStruct(LAYOUT.siginfo, this.#info);
      if (result < 0) this.#threads.delete(thread);
      else if (pid === 0) continue;
      else if (code === CLD.CLD_TRAPPED || code === CLD.CLD_STOPPED) this.#handle(thread, status);
      else this.#threads.delete(thread);
    }
  }
}

/**
 * Lets a program go on that was started with `ptrace`, and calls `stopped` for each thread, its own or of a
 * descendant, that is at a call for which the filter says so. Returns a function that ends the following;
 * what is still traced ends with this process.
 *
 * @throws SystemError seccomp, ptrace.
 */
export async function followThreads(
  process: Process,
  filter: Uint8Array,
  stopped: (thread: number) => void,
): Promise<() => void> {
  const tracing = await trace(process);
  await putFilter(tracing, filter);
  await tracing.setOptions(['seccomp', 'fork', 'vfork', 'clone', 'exec']);
  const threads = new Threads(process.pid, stopped);
  const changes = notify('SIGCHLD').on('signal', () => threads.look());
  let timer: ReturnType<typeof setTimeout>;
  const lookAgain = (): void => {
    threads.look();
    timer = setTimeout(lookAgain, LOOK_MS);
  };
  await tracing.continue();
  lookAgain();
  return () => {
    clearTimeout(timer);
    changes.stop();
  };
}
