/**
 * The filter under which a traced program runs: the calls that a policy is about stop it, and no others.
 *
 * @module
 */
import { Code, type Entry } from '../../sandbox/bpf.js';
import { verdictOn } from '../../sandbox/seccomp-filter.js';
import { sandboxFilter } from '../../sandbox/seccomp-profiles.js';
import { AUDIT_ARCH, SECCOMP, SYS } from '../../syscall/constants.js';

const NAMES = new Map(
  Object.entries(SYS as Readonly<Record<string, number>>).map(([name, number]) => [number, name]),
);

/** The name of a system call of this architecture. */
export function callName(number: number): string | undefined {
  return NAMES.get(number);
}

/** Programs do without these on kernels that lack them. */
const OPTIONAL = /^io_uring_|^clone3$|^personality$|^userfaultfd$|^mbind$|mempolicy|^move_pages$/;

/** Whether every sandbox refuses a call, whatever its policy is. */
export function isAlwaysRefused(name: string): boolean {
  if (OPTIONAL.test(name)) return false;
  return verdictOn(sandboxFilter('all', false), name)?.action === 'errno';
}

/** A filter that stops a process at these calls and lets all others through, as seccomp(2) takes it. */
export function stopAt(isStopped: (name: string) => boolean): Uint8Array {
  const code = new Code();
  const stop = SECCOMP.SECCOMP_RET_TRACE;
  const pass = SECCOMP.SECCOMP_RET_ALLOW;
  const entries: Entry[] = [];
  const add = (from: number, decision: number): void => {
    if (entries.at(-1)?.[0] === from) entries.pop();
    if (entries.at(-1)?.[1] !== decision) entries.push([from, decision]);
  };
  add(0, pass);
  for (const [number, name] of [...NAMES].sort(([a], [b]) => a - b)) {
    if (!isStopped(name)) continue;
    add(number, stop);
    add(number + 1, pass);
  }
  const other = code.end(pass);
  code.tree(entries);
  code.architecture(AUDIT_ARCH, code.number(), other);
  return code.bytes();
}
