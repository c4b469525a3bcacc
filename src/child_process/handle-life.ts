/**
 * How the handle of a child begins and ends when this library launches the child.
 *
 * Where that is safe, the handle is begun with a launch that libuv refuses before it does anything.
 * Then it is a handle like those of Node's own children, and is closed like them. libuv 1.52 takes a
 * handle out of its list when it refuses the launch, and closing the handle takes it out once more,
 * which writes to the memory of its neighbors in the list, freed or not: https://github.com/libuv/libuv/pull/4980.
 * There the handle is never begun, and this library keeps its asynchronous context and its reference.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { setImmediate } from '../time.js';
import { withoutStart } from './form.js';
import type { ProcessHandle } from './node.js';

/** The methods of Node's handles that other methods take the place of. */
export type Methods = Pick<ProcessHandle, 'spawn' | 'kill' | 'close' | 'ref' | 'unref' | 'hasRef'>;

/** The life of the handles whose children this library launches. */
export interface HandleLife {
  /** Before the launch, with the arguments of `spawn`: 0 or Node's own refusal, which may be thrown. */
  begin(handle: ProcessHandle, args: readonly unknown[]): number;
  /** After the end of the child: calls `told` in the context of the handle, in a turn of its own. */
  end(handle: ProcessHandle, told: () => void): void;
  close(handle: ProcessHandle, callback: (() => void) | undefined): void;
  /** Whether the handle keeps the event loop alive; `running`: its child has not ended. */
  hasRef(handle: ProcessHandle, running: boolean): boolean;
  ref(handle: ProcessHandle): void;
  unref(handle: ProcessHandle): void;
}

const EINVAL = -22;

/** Whether a handle may be closed whose launch libuv refused. */
export function closesRefused(libuv: string | undefined): boolean {
  const [major = 0, minor = 0] = (libuv ?? '').split('.').map(Number);
  return major === 1 && minor < 52;
}

/** Handles that are begun with a refused launch. */
export function begunLife(original: Methods): HandleLife {
  return {
    begin(handle, args) {
      const refusal: number = Reflect.apply(original.spawn, handle, withoutStart(args));
      return refusal === EINVAL ? 0 : refusal;
    },
    end: (handle, told) => Reflect.apply(original.close, handle, [told]),
    close(handle, callback) {
      Reflect.apply(original.close, handle, callback === undefined ? [] : [callback]);
    },
    hasRef: (handle) => Reflect.apply(original.hasRef, handle, []),
    ref: (handle) => Reflect.apply(original.ref, handle, []),
    unref: (handle) => Reflect.apply(original.unref, handle, []),
  };
}

/** Whether Node permits children; taken when this is loaded, before a program could replace it. */
const { permission } = process as { permission?: { has(scope: string): boolean } };

/** Handles that are not begun; those of launches that are Node's own go on as before. */
export function ownLife(original: Methods): HandleLife {
  /** The context of each handle, from its launch on. */
  const contexts = new WeakMap<ProcessHandle, AsyncResource>();
  const unreferenced = new WeakSet<ProcessHandle>();
  return {
    begin(handle, args) {
      // Node's own function throws the refusal, and starts nothing.
      if (permission?.has('child') === false) return Reflect.apply(original.spawn, handle, args);
      contexts.set(handle, new AsyncResource('forkexec'));
      return 0;
    },
    end(handle, told) {
      setImmediate(() => contexts.get(handle)?.runInAsyncScope(told));
    },
    close(handle, callback) {
      const context = contexts.get(handle);
      if (context === undefined) {
        Reflect.apply(original.close, handle, callback === undefined ? [] : [callback]);
      } else if (typeof callback === 'function') {
        setImmediate(() => context.runInAsyncScope(callback, handle));
      }
    },
    hasRef(handle, running) {
      if (!contexts.has(handle)) return Reflect.apply(original.hasRef, handle, []);
      return running && !unreferenced.has(handle);
    },
    ref(handle) {
      unreferenced.delete(handle);
      Reflect.apply(original.ref, handle, []);
    },
    unref(handle) {
      // As with Node, before the launch it changes nothing.
      if (contexts.has(handle)) unreferenced.add(handle);
      Reflect.apply(original.unref, handle, []);
    },
  };
}
