/**
 * Takes over how children are started, signalled and awaited: the methods of their handles.
 *
 * A handle stays Node's, with its asynchronous context and its reference: handle-life.ts. Its end is
 * told as libuv tells that a handle is closed: in the handle's own context, in a turn of its own, and
 * with the ticks after it.
 *
 * @module
 */
import { setImmediate } from '../time.js';
import type { Running } from './core.js';
import { readRequest } from './form.js';
import { begunLife, closesRefused, type HandleLife, type Methods, ownLife } from './handle-life.js';
import { loadCore, requireCore } from './load.js';
import type { ProcessHandle } from './node.js';
import { isOurs, type State } from './state.js';

const ESRCH = -3;

/** Children by their handles, from the start until their end was told. */
const children = new WeakMap<ProcessHandle, Running>();

/** The end of a child has come: once the handle is closed, it is told. */
function end(handle: ProcessHandle, life: HandleLife, code: number | null, signal: string): void {
  const child = children.get(handle);
  if (child === undefined || child.ended) return;
  child.ended = true;
  life.end(handle, () => {
    children.delete(handle);
    ended.add(handle);
    child.release();
    handle.onexit(code, signal);
  });
}

/** Handles that are closed already, for code that closes them once more. */
const ended = new WeakSet<ProcessHandle>();

function methodsOf(original: Methods, state: State): Methods {
  const life = (closesRefused(process.versions['uv']) ? begunLife : ownLife)(original);
  return {
    spawn(this: ProcessHandle, ...args: unknown[]): number {
      const request = isOurs(state, this) ? readRequest(args) : undefined;
      const options = state.call?.forkexec;
      const core = options === undefined ? request && loadCore() : requireCore();
      if (request === undefined || core === undefined) {
        return Reflect.apply(original.spawn, this, args);
      }
      // Node's own refusals, for lack of a permission, are thrown here.
      const refusal = life.begin(this, args);
      if (refusal !== 0) return refusal;
      const tell = (code: number | null, signal: string): void => {
        end(this, life, code, signal);
      };
      const child = core.start(request, options, tell);
      unstarted.add(this);
      if (typeof child === 'number') return child;
      unstarted.delete(this);
      children.set(this, child);
      if (!life.hasRef(this, true)) child.unref();
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
      life.close(this, callback);
    },

    ref(this: ProcessHandle): void {
      life.ref(this);
      children.get(this)?.ref();
    },

    unref(this: ProcessHandle): void {
      life.unref(this);
      children.get(this)?.unref();
    },

    hasRef(this: ProcessHandle): boolean {
      return life.hasRef(this, children.get(this)?.ended === false);
    },
  };
}

/** Handles whose launch failed. */
const unstarted = new WeakSet<ProcessHandle>();

/** Puts this library's methods in place of Node's; those of other launches go on to Node's. */
export function takeOver(prototype: ProcessHandle, state: State): void {
  const { spawn, kill, close, ref, unref, hasRef } = prototype;
  const methods = methodsOf({ spawn, kill, close, ref, unref, hasRef }, state);
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, {
      value,
      writable: true,
      configurable: true,
      enumerable: true,
    });
  }
}
