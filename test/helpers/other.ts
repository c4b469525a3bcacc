// Processes that are not our children, reached without a pidfd, which a system may not have.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
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

/** The children of all threads of a process, zombies among them; none of one that has ended. */
export function childrenOf(pid: number | 'self'): number[] {
  const read = (thread: string): string[] => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ');
    } catch {
      return []; // it has ended
    }
  };
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap(read).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The name of the program that a process runs; empty once it has ended. */
export function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trimEnd();
  } catch {
    return '';
  }
}
