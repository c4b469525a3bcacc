/**
 * Takes over Node's module for this JavaScript thread, once.
 *
 * @module
 */

import { learnForm } from './form.js';
import { takeOver } from './handle.js';
import { handlePrototype, node, type ProcessHandle, syncBinding } from './node.js';
import { type State, stateOf } from './state.js';
import { takeOverSync } from './sync.js';

/** Whether this is Node, and a Node whose inside is known. */
function prototypeOf(): ProcessHandle | undefined {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined || deno !== undefined || process.platform === 'win32') return undefined;
  return handlePrototype();
}

function install(): State {
  const prototype = prototypeOf();
  const [state, isFirst] = stateOf(prototype ?? node);
  // Every copy has to know the form, but only the first takes over.
  if (!isFirst || prototype === undefined || !learnForm()) return state;
  takeOver(prototype, state);
  const binding = syncBinding();
  if (binding !== undefined) takeOverSync(binding, state);
  return state;
}

/** What all copies of this module share. */
export const state: State = install();
