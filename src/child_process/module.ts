/**
 * The functions of the module, with Node's names and arguments.
 *
 * @module
 */
import type { ChildProcess as NodeChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { promisify } from 'node:util';
import { state } from './install.js';
import { requireCore } from './load.js';
import { type NodeModule, node, type ProcessHandle } from './node.js';
import type { DropInOptions } from './options.js';

/** Own members alone: what is set on Object.prototype must not reach a child. */
function optionOf(args: readonly unknown[]): DropInOptions | undefined {
  for (const value of args.slice(1)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    const given: unknown = Object.hasOwn(value, 'forkexec') && Reflect.get(value, 'forkexec');
    if (given === false || given === undefined) return undefined;
    return requireCore().checkOptions(given);
  }
  return undefined;
}

/** Calls a function of Node's whose launches are to be this library's. */
function call<T>(callee: unknown, args: readonly unknown[], forkexec = optionOf(args)): T {
  const before = state.call;
  state.call = { forkexec };
  try {
    return Reflect.apply(callee as (...args: unknown[]) => T, node, args);
  } finally {
    state.call = before;
  }
}

/** As `util.promisify` asks for it: a promise with the child. */
function promising(name: string, run: (...args: unknown[]) => unknown): unknown {
  const promised = (...args: unknown[]): unknown => {
    let settle: (error: object | null, stdout: unknown, stderr: unknown) => void = () => {};
    const promise = new Promise((resolve, reject) => {
      settle = (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, stderr });
        else reject(Object.assign(error, { stdout, stderr }));
      };
    });
    // Not in the function above: what this throws is thrown, and rejects nothing.
    return Object.assign(promise, { child: run(...args, settle) });
  };
  return Object.defineProperty(promised, 'name', { value: name });
}

/**
 * A child. Its prototype is that of Node's class, so that children of either are instances of both,
 * and so that what is changed there holds for both.
 */
function ChildProcess(this: NodeChildProcess): void {
  Reflect.apply(node.ChildProcess as unknown as () => void, this, []);
  const { _handle } = this as { _handle?: ProcessHandle };
  if (_handle !== undefined) state.handles.add(_handle);
}
ChildProcess.prototype = node.ChildProcess.prototype;
Object.setPrototypeOf(ChildProcess, EventEmitter);

function spawn(file: unknown, args: unknown, options: unknown): unknown {
  return call(node.spawn, [file, args, options]);
}

function execFile(file: unknown, args: unknown, options: unknown, callback: unknown): unknown {
  return call(node.execFile, [file, args, options, callback]);
}

/** Through the module object, like Node's: code that replaces its `execFile` counts on that. */
function exec(command: unknown, options: unknown, callback: unknown): unknown {
  // The refusal is Node's own, with the argument's name.
  if (typeof command !== 'string' || command === '' || command.includes('\0')) {
    return call(node.exec, [command, options, callback]);
  }
  const isLeftOut = typeof options === 'function';
  const given = isLeftOut ? undefined : (options as { shell?: unknown } | null | undefined);
  const shell = typeof given?.shell === 'string' ? given.shell : true;
  const run = childProcess.execFile as (...args: unknown[]) => unknown;
  const bare = Object.assign(Object.create(null), given, { shell });
  return run(command, bare, isLeftOut ? options : callback);
}

function fork(modulePath: unknown, args?: unknown, options?: unknown): unknown {
  return call(node.fork, [modulePath, args, options]);
}

function spawnSync(file: unknown, args: unknown, options: unknown): unknown {
  return call(node.spawnSync, [file, args, options]);
}

function execFileSync(file: unknown, args: unknown, options: unknown): unknown {
  return call(node.execFileSync, [file, args, options]);
}

function execSync(command: unknown, options: unknown): unknown {
  return call(node.execSync, [command, options]);
}

for (const run of [exec, execFile] as ((...args: unknown[]) => unknown)[]) {
  Object.defineProperty(run, promisify.custom, { value: promising(run.name, run) });
}
Object.defineProperty(fork, 'length', { value: 1 });

/**
 * Whether there are handles whose launches this library can take over: Node's class is a function that
 * others may call. Bun and Deno have classes, and no handles behind them.
 */
const hasHandles = Object.getOwnPropertyDescriptor(node.ChildProcess, 'prototype')?.writable;

const own = {
  _forkChild: node._forkChild,
  ChildProcess,
  exec,
  execFile,
  execFileSync,
  execSync,
  fork,
  spawn,
  spawnSync,
};

/** The module: what `require` returns, and what `import` has as its default. */
export const childProcess: NodeModule = hasHandles ? (own as unknown as NodeModule) : node;
