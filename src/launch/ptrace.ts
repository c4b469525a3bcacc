import { checkBoolean } from '../syscall/check.js';
import { PTRACE, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';

/** Whether the new process is traced. */
export interface PtraceOptions {
  /**
   * The process stops with SIGTRAP before the first instruction of its program and waits for its
   * tracer: PTRACE_TRACEME, ptrace(2). The tracer is the thread that launched it; `trace` of
   * `@forkexec/core/process` works on that thread. Default: false.
   */
  ptrace?: boolean | undefined;
}

/** 0 by every name that systems give it: PT_TRACE_ME. */
const TRACEME = PTRACE.PTRACE_TRACEME ?? 0;

/** Last but for the mask, so that no step of the launch is traced. */
export const ptrace: Attribute<PtraceOptions, ['ptrace']> = {
  options: ['ptrace'],
  steps: ['ptrace'],
  on: 'all',
  check({ ptrace }) {
    if (ptrace !== undefined) checkBoolean('ptrace', ptrace);
  },
  emit(program, { options: { ptrace } }) {
    if (!ptrace) return;
    program.must({ name: 'ptrace', argument: 'PTRACE_TRACEME' }, SYS.ptrace, TRACEME);
  },
  flags: [
    {
      flags: '--ptrace',
      description: 'stop it before its first instruction, for a debugger; SIGCONT lets it go on',
      apply: () => ({ ptrace: true }),
    },
  ],
  trials: () => ({ ptrace: [{ options: { ptrace: true } }] }),
};
