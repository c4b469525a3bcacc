/**
 * Refuses filters of system calls that can't be.
 *
 * @module
 */
import { argumentError, checkInteger, invalid, outOfRange, refused } from '../syscall/check.js';
import { E } from '../syscall/constants.js';
import { MOST_INSTRUCTIONS } from './bpf.js';
import {
  ACTION_NAMES,
  ARCHITECTURES,
  callNames,
  codeOf,
  OWN_ARCHITECTURE,
  type SeccompFilter,
  verdictOn,
} from './seccomp-filter.js';

const OPS: readonly unknown[] = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];

/** Refuses members that there are not: a misspelt one would leave out a restriction. */
function checkMembers(option: string, value: unknown, members: readonly string[]): void {
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw invalid(option, value, `{ ${members.join(', ')} }`);
  }
  for (const [name, given] of Object.entries(value as object)) {
    if (given === undefined || members.includes(name)) continue;
    const hint = `${option} takes ${members.join(', ')}.`;
    throw argumentError(`Unknown option '${option}.${name}'. ${hint}`);
  }
}

function checkAction(option: string, action: unknown): void {
  if (typeof action === 'string' && ACTION_NAMES.includes(action)) return;
  if (typeof action !== 'object' || action === null) {
    throw invalid(option, action, `one of ${ACTION_NAMES.join(', ')}, or { errno }`);
  }
  checkMembers(option, action, ['errno']);
  const { errno } = action as { errno: unknown };
  if (typeof errno === 'number') checkInteger(`${option}.errno`, errno, 1, 4095);
  else if (typeof errno !== 'string' || !Object.hasOwn(E, errno)) {
    throw invalid(`${option}.errno`, errno, "a number or the name of an error, such as 'EPERM'");
  }
}

function checkNumber(option: string, value: unknown): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw outOfRange(option, value, 'an integer; a greater one is a bigint');
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw invalid(option, value, 'a number or a bigint');
  }
  if (value < 0 || BigInt(value) >= 2n ** 64n) {
    throw outOfRange(option, value, 'a number from 0 to 2n ** 64n - 1n: arguments are unsigned');
  }
}

function checkArgument(option: string, argument: unknown): void {
  checkMembers(option, argument, ['index', 'op', 'value', 'mask', 'bits']);
  const { index, op, value, mask, bits } = argument as Record<string, unknown>;
  checkInteger(`${option}.index`, index, 0, 5);
  if (!OPS.includes(op)) throw invalid(`${option}.op`, op, `one of ${OPS.join(', ')}`);
  checkNumber(`${option}.value`, value);
  if (mask !== undefined) checkNumber(`${option}.mask`, mask);
  if (bits !== undefined && bits !== 32 && bits !== 64) {
    throw invalid(`${option}.bits`, bits, '32 or 64');
  }
}

function checkRule(option: string, rule: unknown): void {
  checkMembers(option, rule, ['calls', 'arguments', 'action']);
  const { calls, arguments: given, action } = rule as Record<string, unknown>;
  if (!Array.isArray(calls) || calls.length === 0) {
    throw invalid(`${option}.calls`, calls, 'an array of system calls');
  }
  for (const [index, call] of calls.entries()) {
    if (typeof call === 'string' && callNames().has(call)) continue;
    throw invalid(`${option}.calls[${index}]`, call, "the name of a system call, such as 'mkdir'");
  }
  checkAction(`${option}.action`, action);
  if (given === undefined) return;
  if (!Array.isArray(given)) throw invalid(`${option}.arguments`, given, 'an array');
  for (const [index, argument] of given.entries()) {
    checkArgument(`${option}.arguments[${index}]`, argument);
  }
}

function checkArchitectures(option: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(option, value, 'an array of architectures');
  for (const [index, name] of value.entries()) {
    if (ARCHITECTURES.has(name)) continue;
    const names = [...ARCHITECTURES.keys()].join(', ');
    throw invalid(`${option}[${index}]`, name, `an architecture of this machine: ${names}`);
  }
  if (value.includes(OWN_ARCHITECTURE)) return;
  throw refused(option, `must contain ${OWN_ARCHITECTURE}, which this process is of`);
}

/** Refuses a filter that can't be one, and one that is too long; returns its code. */
export function checkFilter(option: string, filter: SeccompFilter): Uint8Array {
  checkMembers(option, filter, ['default', 'rules', 'architectures', 'unknown']);
  const { rules, architectures } = filter;
  if (!Array.isArray(rules)) throw invalid(`${option}.rules`, rules, 'an array of rules');
  for (const [index, rule] of rules.entries()) checkRule(`${option}.rules[${index}]`, rule);
  for (const key of ['default', 'unknown'] as const) {
    if (filter[key] !== undefined) checkAction(`${option}.${key}`, filter[key]);
  }
  if (architectures !== undefined) checkArchitectures(`${option}.architectures`, architectures);
  const code = codeOf(filter);
  const size = code.length / 8;
  if (size <= MOST_INSTRUCTIONS) return code;
  const most = `the kernel takes ${MOST_INSTRUCTIONS}`;
  throw refused(option, `must be shorter: it has ${size} instructions, and ${most}`);
}

/** Refuses a filter that forbids what the launch itself still has to do. */
export function checkLaunchCalls(
  option: string,
  filter: SeccompFilter,
  needed: readonly string[],
): void {
  for (const call of needed) {
    const verdict = verdictOn(filter, call);
    if (verdict === undefined || verdict.action === 'allow' || verdict.action === 'log') continue;
    const which = verdict.rule === undefined ? 'default' : `rules[${verdict.rule}]`;
    throw refused(
      `${option}.${which}`,
      `cannot forbid ${call}, which the launch itself still has to call`,
    );
  }
}
