// Launches a program while some system calls of this thread, and so of the child, fail.
//
//   fail-step '{"how": …, "options": …, "deny": [{"call": …, "arguments": [[index, value]…]}…]}'
//
// Writes what came of it to stdout, as JSON. The calls fail with EDOM, which they never do otherwise, unless
// another error is asked for.

import { writevSync } from 'node:fs';
import { runSync } from '#dist/index.js';
import {
  exec,
  type LaunchError,
  type ProcessAttributes,
  startProcessSync,
} from '#dist/process/index.js';
import { attempt, call } from '#dist/syscall/call.js';
import { E, P, PR, SECCOMP, SYS, type SyscallName, W } from '#dist/syscall/constants.js';
import { Scratch } from '#dist/syscall/scratch.js';

export interface Denial {
  call: SyscallName;
  /** Only with these arguments, by their low halves. */
  arguments?: [index: number, value: number][];
  code?: 'ENOSYS';
}

export interface Order {
  /** How it is launched: as a child, as a command with pipes, or in place of this process. */
  how?: 'child' | 'command' | 'exec';
  options: ProcessAttributes & { stdin?: string };
  deny?: Denial[];
  /** Denied to the thread that launches tracees too. */
  onAllThreads?: boolean;
}

export interface StepReport {
  step?: string;
  code?: string;
  argument?: string;
  /** The launch succeeded, or something else went wrong. */
  otherwise?: string;
  /** Whether there is a child, or a descriptor more than before. */
  left: string[];
}

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const INSTRUCTION_SIZE = 8;

/** `struct sock_filter`s: each is a code, two distances to jump, and a value. */
function programOf(denials: readonly Denial[]): Uint8Array {
  const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [];
  for (const denial of denials) {
    // struct seccomp_data: the number at 0, the arguments from 16 on.
    const tests = [
      [0, SYS[denial.call] as number],
      ...(denial.arguments ?? []).map(([index, value]) => [16 + 8 * index, value]),
    ] as [offset: number, value: number][];
    for (const [index, [offset, value]] of tests.entries()) {
      const toEnd = 2 * (tests.length - index - 1) + 1;
      program.push([LOAD, 0, 0, offset], [JUMP_IF_EQUAL, 0, toEnd, value]);
    }
    program.push([RETURN, 0, 0, SECCOMP.SECCOMP_RET_ERRNO | E[denial.code ?? 'EDOM']]);
  }
  program.push([RETURN, 0, 0, SECCOMP.SECCOMP_RET_ALLOW]);
  const bytes = Buffer.alloc(program.length * INSTRUCTION_SIZE);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const at = index * INSTRUCTION_SIZE;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value >>> 0, at + 4);
  }
  return bytes;
}

/** On this thread, which is the one that launches, unless it is to be all. */
function deny({ deny: denials = [], onAllThreads }: Order): void {
  const program = programOf(denials);
  const memory = new Scratch(program);
  const filter = new BigUint64Array([
    BigInt(program.length / INSTRUCTION_SIZE),
    BigInt(memory.address),
  ]);
  const flags = onAllThreads ? SECCOMP.SECCOMP_FILTER_FLAG_TSYNC : 0;
  const install = () => attempt('seccomp', SECCOMP.SECCOMP_SET_MODE_FILTER, flags, filter);
  let result = install();
  if (result === -E.EACCES) {
    // Without CAP_SYS_ADMIN it takes giving up new privileges; no program here would get any.
    call('prctl', PR.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    result = install();
  }
  // More than 0 is a thread that could not take the filter over.
  if (result !== 0) throw new Error(`seccomp(2) returned ${result}`);
}

function descriptors(): string {
  const bytes = new Uint8Array(256);
  const open = Array.from({ length: 256 }, (_, fd) => fd);
  return open.filter((fd) => attempt('fstat', fd, bytes) >= 0).join();
}

const report: StepReport = { left: [] };
const order = JSON.parse(process.argv[2] ?? '{}') as Order;
// The thread that watches is made by the first launch.
await startProcessSync('/bin/true', ['true']).wait();
if (order.how === 'exec') for (const stream of [process.stdout, process.stderr]) stream.isTTY;
deny(order);
const before = descriptors();
try {
  const { how = 'child', options } = order;
  if (how === 'exec') exec('/bin/true', [], options as object);
  else if (how === 'command') runSync('/bin/true', options as object);
  else startProcessSync('/bin/true', ['true'], options);
  report.otherwise = 'it was launched';
} catch (error) {
  const { step, code, argument } = error as LaunchError;
  if (step === undefined) report.otherwise = String((error as Error).stack);
  else Object.assign(report, { step, code, argument });
}
if (descriptors() !== before) report.left.push(`descriptors: ${descriptors()}, before ${before}`);
const child = attempt('waitid', P.P_ALL, 0, null, W.WEXITED | W.WNOHANG | W.WNOWAIT, null);
if (child !== -E.ECHILD) report.left.push('a child');
writevSync(1, [Buffer.from(JSON.stringify(report))]);
