/**
 * Filters of system calls as options, and as the kernel takes them.
 *
 * @module
 */

import type { ErrorName } from '../syscall/constants.js';
import { AUDIT_ARCH, E, SECCOMP, SYS } from '../syscall/constants.js';
import { SYS as ARM64_CALLS } from '../syscall/linux-arm64.js';
import { SYS as X64_CALLS } from '../syscall/linux-x64.js';
import { Code, type Comparison, type Condition, type Decision, type Entry } from './bpf.js';
import { i386Calls } from './calls-i386.js';

/**
 * What becomes of a system call. `'errno'` fails with EPERM, `{ errno }` with another error; `'kill'`
 * ends the process with SIGSYS and `'killThread'` the thread; `'trap'` sends SIGSYS, which the process
 * can handle; `'log'` lets it through and logs it.
 */
export type SeccompAction =
  | 'allow'
  | 'errno'
  | { readonly errno: ErrorName | number }
  | 'kill'
  | 'killThread'
  | 'trap'
  | 'log';

/** What has to be true of an argument, compared as unsigned numbers. */
export interface SeccompArgument {
  /** Which argument: 0 to 5. */
  index: number;
  /** How it is compared: equal, not equal, less, less or equal, greater, greater or equal. */
  op: Comparison;
  /** What it is compared with. */
  value: number | bigint;
  /** The bits of the argument that are compared. Default: all. */
  mask?: number | bigint | undefined;
  /**
   * 32 for an argument that the kernel takes as `int`, such as a socket family: it ignores the high
   * half, which a process could set to escape the rule. Default: 64.
   */
  bits?: 32 | 64 | undefined;
}

/** What becomes of some calls. */
export interface SeccompRule {
  /** Names of system calls: syscalls(2). Those that an architecture does not have are left out there. */
  calls: readonly string[];
  /** All have to hold. Default: the rule holds for every use of the calls. */
  arguments?: readonly SeccompArgument[] | undefined;
  /** What becomes of the calls. */
  action: SeccompAction;
}

/** An architecture by the name of uname(2). */
export type SeccompArchitecture = 'x86_64' | 'i386' | 'aarch64';

/** Which system calls a process may make: seccomp(2), Linux 3.5. */
export interface SeccompFilter {
  /** What becomes of calls that no rule is about. Default: `'allow'`. */
  default?: SeccompAction | undefined;
  /** The first rule that holds decides. */
  rules: readonly SeccompRule[];
  /**
   * Whose calls are let through this filter; a call of any other ends the process. x32, which shares
   * the architecture of x86_64, is never among them. Default: that of this process.
   */
  architectures?: readonly SeccompArchitecture[] | undefined;
  /** What becomes of calls that are newer than the tables of this library. Default: as `default`. */
  unknown?: SeccompAction | undefined;
}

/** An architecture as seccomp(2) knows it, and its calls. */
interface Architecture {
  readonly audit: number;
  readonly calls: () => ReadonlyMap<string, number>;
}

const AUDIT_I386 = 0x4000_0003;

/** Numbers of x32 have this bit, and -1 is what a tracer leaves of a call that it takes away. */
const X32 = 0x4000_0000;
const NO_CALL = 0xffff_ffff;

const native = new Map(Object.entries(SYS as Readonly<Record<string, number>>));

/** What this machine runs, that of this process first. */
export const ARCHITECTURES: ReadonlyMap<SeccompArchitecture, Architecture> =
  process.arch === 'arm64'
    ? new Map([['aarch64', { audit: AUDIT_ARCH, calls: () => native }]])
    : new Map<SeccompArchitecture, Architecture>([
        ['x86_64', { audit: AUDIT_ARCH, calls: () => native }],
        ['i386', { audit: AUDIT_I386, calls: i386Calls }],
      ]);

export const OWN_ARCHITECTURE: SeccompArchitecture =
  process.arch === 'arm64' ? 'aarch64' : 'x86_64';

let names: Set<string> | undefined;

/** The calls of all architectures. */
export function callNames(): ReadonlySet<string> {
  names ??= new Set([
    ...Object.keys(X64_CALLS),
    ...Object.keys(ARM64_CALLS),
    ...i386Calls().keys(),
  ]);
  return names;
}

const ACTIONS: Readonly<Record<string, number>> = {
  allow: SECCOMP.SECCOMP_RET_ALLOW,
  errno: SECCOMP.SECCOMP_RET_ERRNO | E.EPERM,
  kill: SECCOMP.SECCOMP_RET_KILL_PROCESS,
  killThread: SECCOMP.SECCOMP_RET_KILL_THREAD,
  trap: SECCOMP.SECCOMP_RET_TRAP,
  log: SECCOMP.SECCOMP_RET_LOG,
};

export const ACTION_NAMES: readonly string[] = Object.keys(ACTIONS);

/** As the kernel takes it. */
export function actionNumber(action: SeccompAction): number {
  if (typeof action === 'string') return ACTIONS[action] as number;
  const { errno } = action;
  const number = typeof errno === 'number' ? errno : (E[errno] as number);
  return SECCOMP.SECCOMP_RET_ERRNO | number;
}

const ALL = 0xffff_ffff_ffff_ffffn;

function conditionOf({ index, op, value, mask = ALL, bits = 64 }: SeccompArgument): Condition {
  return { index, op, value: BigInt(value), mask: BigInt(mask), isHalf: bits === 32 };
}

function decisionFor(filter: SeccompFilter, rules: readonly SeccompRule[]): Decision {
  const choices: { conditions: readonly Condition[]; action: number }[] = [];
  for (const { arguments: given = [], action } of [
    ...rules,
    { action: filter.default ?? 'allow' } as SeccompRule,
  ]) {
    const choice = { conditions: given.map(conditionOf), action: actionNumber(action) };
    choices.push(choice);
    if (choice.conditions.length === 0) break;
  }
  // Choices at the end that come to the same as what follows them decide nothing.
  while (choices.length > 1 && choices.at(-2)?.action === choices.at(-1)?.action) {
    choices.splice(-2, 1);
  }
  return choices.length === 1 ? (choices[0] as { action: number }).action : choices;
}

/** By number, what is decided for the calls of an architecture. */
function entriesOf(filter: SeccompFilter, { calls }: Architecture): Entry[] {
  const numbers = calls();
  const rules = new Map<number, SeccompRule[]>();
  for (const rule of filter.rules) {
    for (const name of rule.calls) {
      const number = numbers.get(name);
      if (number === undefined) continue;
      const list = rules.get(number);
      if (list === undefined) rules.set(number, [rule]);
      else list.push(rule);
    }
  }
  const otherwise = actionNumber(filter.default ?? 'allow');
  const entries: Entry[] = [];
  const add = (from: number, decision: Decision): void => {
    const before = entries.at(-1);
    if (before?.[0] === from) entries.pop();
    if (entries.at(-1)?.[1] !== decision) entries.push([from, decision]);
  };
  add(0, otherwise);
  for (const [number, list] of [...rules].sort(([a], [b]) => a - b)) {
    add(number, decisionFor(filter, list));
    add(number + 1, otherwise);
  }
  if (filter.unknown !== undefined) {
    add(Math.max(...numbers.values()) + 1, actionNumber(filter.unknown));
  }
  return entries;
}

/** The filter in BPF, as seccomp(2) takes it. */
export function compileFilter(filter: SeccompFilter): Uint8Array {
  const code = new Code();
  const foreign = code.end(actionNumber('kill'));
  let other = foreign;
  const { architectures = [OWN_ARCHITECTURE] } = filter;
  for (const [name, architecture] of [...ARCHITECTURES].reverse()) {
    if (!architectures.includes(name)) continue;
    let own = code.tree(entriesOf(filter, architecture));
    if (name === 'x86_64') {
      const none = code.end(actionNumber(filter.default ?? 'allow'));
      const strange = code.isNumber(NO_CALL, none, foreign);
      own = code.isNumber(X32, strange, own, true);
    }
    own = code.number();
    other = code.architecture(architecture.audit, own, other);
  }
  return code.bytes();
}

/** All that a filter says, as text: filters with the same text are compiled to the same code. */
function textOf({ default: otherwise, unknown, architectures, rules }: SeccompFilter): string {
  const action = (each: SeccompAction | undefined): unknown =>
    typeof each === 'object' ? [each.errno] : each;
  const all = rules.map((rule) => [
    rule.calls,
    action(rule.action),
    rule.arguments?.map(({ index, op, value, mask = ALL, bits }) => [
      ...[index, op, bits],
      ...[value, mask].map(String),
    ]),
  ]);
  return JSON.stringify([action(otherwise), action(unknown), architectures, all]);
}

const compiled = new Map<string, Uint8Array>();

/** A program has few filters. */
const MOST_COMPILED = 32;

/** As `compileFilter`, which takes a millisecond for a hundred rules, and once for each that says the same. */
export function codeOf(filter: SeccompFilter): Uint8Array {
  const text = textOf(filter);
  const known = compiled.get(text);
  if (known !== undefined) return known;
  const code = compileFilter(filter);
  if (compiled.size === MOST_COMPILED) compiled.clear();
  compiled.set(text, code);
  return code;
}

/** The rules that decide on a call whatever its arguments are, or the default; undefined if it depends. */
export function verdictOn(
  filter: SeccompFilter,
  call: string,
): { readonly rule: number | undefined; readonly action: SeccompAction } | undefined {
  let depends = false;
  for (const [rule, { calls, arguments: given = [], action }] of filter.rules.entries()) {
    if (!calls.includes(call)) continue;
    if (given.length === 0) return depends ? undefined : { rule, action };
    depends = true;
  }
  return depends ? undefined : { rule: undefined, action: filter.default ?? 'allow' };
}
