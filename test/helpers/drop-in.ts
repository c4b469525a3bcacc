// Tests of the drop-in for node:child_process.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import * as cp from '#dist/child_process/index.js';
import { lacks } from './test.js';

/** For a test of what this library does in place of Node: elsewhere the runtime's own module serves. */
export function needsHandles(): void {
  const { _handle } = new cp.ChildProcess() as { _handle?: { spawn?: unknown } };
  if (typeof _handle?.spawn !== 'function')
    lacks('handles of children, which the drop-in takes over');
}

/** What a child printed, once it has closed. */
export async function outputOf(child: ChildProcess): Promise<string> {
  const closed = once(child, 'close');
  const printed = child.stdout === null ? '' : await text(child.stdout);
  await closed;
  return printed;
}
