// How a command ended that was to fail.

import assert from 'node:assert/strict';
import { ExitError } from '#dist/index.js';

/** The error of a command that ran and failed. */
export async function exitError(running: Promise<unknown>): Promise<ExitError> {
  const error = await running.then(
    () => assert.fail('it has not failed'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ExitError, String(error));
  return error;
}
