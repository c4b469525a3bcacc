// Processes that are not our children, reached without a pidfd, which a system may not have.

import assert from 'node:assert/strict';
import { processState, until } from './streams.js';

/** Whether a process is there and has not ended. */
export function runs(pid: number): boolean {
  return !['', 'Z', 'X'].includes(processState(pid));
}

/** Resolves when a process that is not our child has ended. */
export function untilEnded(pid: number): Promise<void> {
  return until(`process ${pid} has ended`, () => !runs(pid));
}

/** Ends a process that is not our child, and must still be there. */
export async function endOther(pid: number): Promise<void> {
  assert.ok(pid > 1, String(pid));
  assert.ok(runs(pid), `process ${pid} runs`);
  process.kill(pid, 'SIGKILL');
  await untilEnded(pid);
}
