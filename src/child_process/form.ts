/**
 * How Node's functions hand a launch to the handle of a child.
 *
 * Up to 25 it is one object with the options, later there are eight arguments. Which of the two, and
 * the bit that stands for `detached`, are found out with a child that is never started.
 *
 * @module
 */
import { node, type ProcessHandle, type StdioEntry } from './node.js';
import { type Request, type RequestOptions, toRequest } from './request.js';

/** Where each of the options is among the arguments. */
const POSITIONS = ['file', 'args', 'cwd', 'envPairs', 'stdio', 'flags', 'uid', 'gid'] as const;
const STDIO = POSITIONS.indexOf('stdio');

/** Of the flags: that of `detached`. */
let detachedFlag = 0;

function isObject(value: unknown): value is RequestOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined for arguments of a form that is not known. */
export function readRequest(args: readonly unknown[]): Request | undefined {
  const [first] = args;
  if (isObject(first)) return Array.isArray(first.stdio) ? toRequest(first) : undefined;
  if (typeof first !== 'string' || args.length !== POSITIONS.length) return undefined;
  if (!Array.isArray(args[STDIO]) || detachedFlag === 0) return undefined;
  const options: Record<string, unknown> = Object.create(null);
  for (const [index, name] of POSITIONS.entries()) options[name] = args[index];
  const detached = (Number(options['flags']) & detachedFlag) !== 0;
  return toRequest({ ...options, detached } as unknown as RequestOptions);
}

/** libuv refuses this entry before it does anything else: EINVAL. */
const NO_DESCRIPTOR: readonly StdioEntry[] = [{ type: 'fd', fd: -1 }];

/** The same arguments, for a child that cannot be started. */
export function withoutStart(args: readonly unknown[]): unknown[] {
  const [first] = args;
  if (isObject(first)) return [Object.assign(Object.create(null), first, { stdio: NO_DESCRIPTOR })];
  return args.map((argument, index) => (index === STDIO ? NO_DESCRIPTOR : argument));
}

/** Finds out how this Node calls `spawn` of a handle. Returns whether it is known. */
export function learnForm(): boolean {
  const ChildProcess = node.ChildProcess as unknown as new () => {
    _handle: ProcessHandle;
    spawn(options: object): number;
  };
  let seen: unknown[] = [];
  const child = new ChildProcess();
  child._handle.spawn = (...args) => {
    seen = args;
    return -22; // EINVAL, which Node throws
  };
  const options = { file: 'none', args: ['none'], envPairs: ['A=b'], stdio: 'ignore' };
  try {
    child.spawn(Object.assign(Object.create(null), options, { detached: true }));
  } catch {
    // as was to be
  }
  if (!isObject(seen[0])) detachedFlag = Number(seen[POSITIONS.indexOf('flags')]) || 0;
  const request = readRequest(seen);
  return request?.detached === true && request.envPairs[0] === 'A=b';
}
