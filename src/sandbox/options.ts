/**
 * The option `sandbox`: one policy, whatever enforces it.
 *
 * @module
 */
import { argumentError, checkInteger, checkString, invalid, outOfRange } from '../syscall/check.js';

/** TCP ports that may be used, and nothing else of a network. */
export interface SandboxPorts {
  /** TCP ports that may be connected to. With 53 among them, datagrams pass to every port. */
  connect?: readonly number[] | undefined;
  /** TCP ports that may be bound; 0 is any that the kernel chooses. */
  bind?: readonly number[] | undefined;
}

/** What a program that is not trusted may do. What is not named is denied. */
export interface SandboxOptions {
  /**
   * Files and trees that may be read and executed, relative to the working directory of this process.
   * Default: none.
   */
  read?: readonly string[] | undefined;
  /** Files and trees that may also be written. Default: none. */
  write?: readonly string[] | undefined;
  /**
   * `false`: no sockets but those of AF_UNIX; `'loopback'`: a network of its own; ports: TCP with these;
   * `true`: no restriction. Default: false.
   */
  network?: boolean | 'loopback' | SandboxPorts | undefined;
  /** The most processes at a time, with their threads. Default: no limit. */
  processes?: number | undefined;
  /** The most memory of all processes together: bytes, or `'512M'`. Default: no limit. */
  memory?: number | string | undefined;
  /** The number of processors, of those that this process may use. Default: all. */
  cpu?: number | undefined;
  /**
   * The time until it is stopped: milliseconds, or `'10s'`. A shorter `timeout` holds instead. Default: no
   * limit.
   */
  time?: number | string | undefined;
  /** The variables of the environment that it gets. Default: all. */
  keep?: readonly string[] | undefined;
  /**
   * `'kernel'`: by Landlock and seccomp, without namespaces; `'namespaces'`: with mounts and namespaces as
   * well; `'best'`: with namespaces where this system allows them. Default: `'best'`.
   */
  strength?: 'best' | 'kernel' | 'namespaces' | undefined;
}

const KEYS: readonly string[] = [
  ...['read', 'write', 'network', 'processes', 'memory', 'cpu', 'time', 'keep', 'strength'],
];

function checkMembers(option: string, value: unknown, keys: readonly string[]): void {
  if (Object.prototype.toString.call(value) !== '[object Object]') {
    throw invalid(option, value, 'an object');
  }
  for (const [key, given] of Object.entries(value as object)) {
    if (given === undefined || keys.includes(key)) continue;
    throw argumentError(`Unknown option '${option}.${key}'. ${option} takes ${keys.join(', ')}.`);
  }
}

function checkStrings(option: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalid(option, value, 'an array of strings');
  for (const [index, text] of value.entries()) {
    checkString(`${option}[${index}]`, text);
    if (text === '') throw invalid(`${option}[${index}]`, text, 'a string that is not empty');
  }
}

const SIZES: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Rounded up: 0 would be no limit at all for `timeout`. */
function quantity(
  option: string,
  value: number | string,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  if (typeof value === 'number') {
    if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return Math.ceil(value);
    throw outOfRange(option, value, expected);
  }
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(String(value)) ?? [];
  const factor = units[unit];
  const number = Number(digits) * (factor ?? Number.NaN);
  if (digits === '' || !(number > 0)) throw invalid(option, value, expected);
  if (number > Number.MAX_SAFE_INTEGER) throw outOfRange(option, value, expected);
  return Math.ceil(number);
}

/** Bytes. */
export function memoryOf(memory: number | string): number {
  return quantity('sandbox.memory', memory, SIZES, "a number of bytes, or text such as '512M'");
}

/** Milliseconds. */
export function timeOf(time: number | string): number {
  return quantity('sandbox.time', time, TIMES, "a number of milliseconds, or text such as '10s'");
}

function checkNetwork(network: unknown): void {
  if (typeof network === 'boolean' || network === 'loopback') return;
  if (typeof network !== 'object' || network === null) {
    throw invalid('sandbox.network', network, "a boolean, 'loopback' or { connect, bind }");
  }
  checkMembers('sandbox.network', network, ['connect', 'bind']);
  for (const key of ['connect', 'bind'] as const) {
    const ports: unknown = (network as SandboxPorts)[key];
    if (ports === undefined) continue;
    const option = `sandbox.network.${key}`;
    if (!Array.isArray(ports)) throw invalid(option, ports, 'an array of TCP ports');
    for (const [index, port] of ports.entries()) {
      checkInteger(`${option}[${index}]`, port, 0, 65535);
    }
  }
}

/** Refuses what can't be a policy. */
export function checkSandbox(sandbox: unknown): asserts sandbox is SandboxOptions {
  checkMembers('sandbox', sandbox, KEYS);
  const { network, processes, memory, cpu, time, strength, ...lists } = sandbox as SandboxOptions;
  for (const [key, value] of Object.entries(lists)) {
    if (value !== undefined) checkStrings(`sandbox.${key}`, value);
  }
  if (network !== undefined) checkNetwork(network);
  if (processes !== undefined) checkInteger('sandbox.processes', processes, 1, 2 ** 22);
  if (memory !== undefined) memoryOf(memory);
  if (cpu !== undefined) checkInteger('sandbox.cpu', cpu, 1, 8192);
  if (time !== undefined) timeOf(time);
  if (strength === undefined || ['best', 'kernel', 'namespaces'].includes(strength)) return;
  throw invalid('sandbox.strength', strength, "'best', 'kernel' or 'namespaces'");
}
