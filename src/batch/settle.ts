/**
 * From the ending of a job to what `run` returns or throws.
 *
 * @module
 */
import { lostStatus } from '../agent/wire.js';
import { ExitError } from '../command/error.js';
import { quoteCommand } from '../command/quote.js';
import { type Outcome, resultOf } from '../command/result.js';
import type { Output } from '../command/types.js';
import type { Ending } from './attempt.js';
import type { Planned } from './spec.js';

/** The status, output and error of a job that ended with its slot. */
function lostError(planned: Planned, ending: Ending & { kind: 'lost' }): ExitError {
  const { file, args } = planned.checked;
  const output = { stdout: '', stderr: '' };
  const details = { cause: ending.error, why: ending.error.message };
  return new ExitError(quoteCommand(file, args), lostStatus(), output, details);
}

/** What `run` returns or throws for an ending. */
export async function settle(planned: Planned, ending: Ending): Promise<Outcome<Output>> {
  if (ending.kind === 'failed') throw ending.error;
  if (ending.kind === 'lost') {
    if (planned.checked.options.reject !== false) throw lostError(planned, ending);
    const { checked: command } = planned;
    const nothing = { collected: new Map(), stopError: ending.error };
    return resultOf({ command, status: lostStatus(), ...nothing });
  }
  const { showing } = planned.checked;
  await Promise.all([...showing.values()].map((each) => each.flushed()));
  return resultOf({ command: planned.checked, ...ending });
}

/** The result of a command that failed, which its options have thrown as an error. */
export function resultOfError(
  { checked }: Planned,
  ending: Ending & { kind: 'ended' },
): Outcome<Output> {
  const command = { ...checked, options: { ...checked.options, reject: false } };
  return resultOf({ command, ...ending });
}
