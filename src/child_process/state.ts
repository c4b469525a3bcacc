/**
 * Which launches are this library's: one state for all copies of this module in a JavaScript thread.
 *
 * @module
 */
import type { DropInOptions } from './options.js';

/** What a function of this module was called with. */
export interface Call {
  readonly forkexec: DropInOptions | undefined;
}

export interface State {
  /** Whether Node's own functions launch with this library too. */
  everywhere: boolean;
  /** The function of this module that runs now. */
  call: Call | undefined;
  /** Handles of children that were made with the constructor of this module. */
  readonly handles: WeakSet<object>;
}

const KEY = Symbol.for('@forkexec/core/child_process');

type Keyed = { [KEY]?: State };

/** The state, and whether this copy of the module is the first to ask. */
export function stateOf(holder: object): [state: State, first: boolean] {
  const known = (holder as Keyed)[KEY];
  if (known !== undefined) return [known, false];
  const state: State = { everywhere: false, call: undefined, handles: new WeakSet() };
  Object.defineProperty(holder, KEY, { value: state });
  return [state, true];
}

/** Whether a launch that begins now is this library's. */
export function isOurs(state: State, handle?: object): boolean {
  return (
    state.everywhere ||
    state.call !== undefined ||
    (handle !== undefined && state.handles.has(handle))
  );
}
