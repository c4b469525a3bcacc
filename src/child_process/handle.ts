/**
 * Takes over how children are started, signalled and awaited: the methods of their handles.
 *
 * A handle stays Node's, with its asynchronous context, its place among the active handles and its
 * reference. It is made to begin with a launch that libuv refuses before it does anything. Its end is
 * told as libuv tells that a handle is closed: in the handle's own context, in a turn of its own, and
 * with the ticks after it.
 *
 * @module
 */
import { setImmediate } from '../time.js';
import type { Running } from './core.js';
import { readRequest, withoutStart } from './form.js';
import { loadCore, requireCore } from './load.js';
import type { ProcessHandle } from './node.js';
import { isOurs, type State } from './state.js';

const EINVAL = -22;
const ESRCH = -3;

/** Children by their handles, from the start until their end was told. */
const children = new WeakMap<ProcessHandle, Running>();

/** The end of a child has come: once the handle is closed, it is told. */
function end(
  handle: ProcessHandle,
  close: ProcessHandle['close'],
  code: number | null,
  signal: string,
): void {
  const child = children.get(handle);
  if (child === undefined || child.ended) return;
  child.ended = true;
  Reflect.apply(close, handle, [
    () => {
      children.delete(handle);
      ended.add(handle);
      child.release();
      handle.onexit(code, signal);
    },
  ]);
}

/** Handles that are closed already, for code that closes them once more. */
const ended = new WeakSet<ProcessHandle>();

type Methods = Pick<ProcessHandle, 'spawn' | 'kill' | 'close' | 'ref' | 'unref'>;

function methodsOf(original: Methods, state: State): Methods {
  return {
    spawn(this: ProcessHandle, ...args: unknown[]): number {
      const request = isOurs(state, this) ? readRequest(args) : undefined;
      const options = state.call?.forkexec;
      const core = options === undefined ? request && loadCore() : requireCore();
      if (request === undefined || core === undefined) {
        return Reflect.apply(original.spawn, this, args);
      }
      // Node's own refusals, for lack of a permission, are thrown here.
      const refusal: number = Reflect.apply(original.spawn, this, withoutStart(args));
      if (refusal !== EINVAL) return refusal;
      const tell = (code: number | null, signal: string): void => {
        end(this, original.close, code, signal);
      };
      const child = core.start(request, options, tell);
      unstarted.add(this);
      if (typeof child === 'number') return child;
      unstarted.delete(this);
      children.set(this, child);
      if (!this.hasRef()) child.unref();
      this.pid = child.pid;
      return 0;
    },

    kill(this: ProcessHandle, signal: number): number {
      const child = children.get(this);
      if (child !== undefined) return child.kill(signal);
      // libuv would signal the number 0, which is all of this process' group.
      if (unstarted.has(this) || ended.has(this)) return ESRCH;
      return Reflect.apply(original.kill, this, [signal]);
    },

    close(this: ProcessHandle, callback?: () => void): void {
      const child = children.get(this);
      if (child?.ended || ended.has(this)) {
        if (typeof callback === 'function') setImmediate(() => Reflect.apply(callback, this, []));
        return;
      }
      children.delete(this);
      if (child !== undefined) ended.add(this);
      child?.unref();
      child?.release();
      Reflect.apply(original.close, this, callback === undefined ? [] : [callback]);
    },

    ref(this: ProcessHandle): void {
      Reflect.apply(original.ref, this, []);
      children.get(this)?.ref();
    },

    unref(this: ProcessHandle): void {
      Reflect.apply(original.unref, this, []);
      children.get(this)?.unref();
    },
  };
}

/** Handles whose launch failed. */
const unstarted = new WeakSet<ProcessHandle>();

/** Puts this library's methods in place of Node's; those of other launches go on to Node's. */
export function takeOver(prototype: ProcessHandle, state: State): void {
  const { spawn, kill, close, ref, unref } = prototype;
  const methods = methodsOf({ spawn, kill, close, ref, unref }, state);
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
}
