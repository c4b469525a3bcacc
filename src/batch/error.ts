/**
 * The error of a slot.
 *
 * @module
 */
import { quoteCommand } from '../command/quote.js';

/** A slot could not be opened, or was lost: its engine ended, or its agent was silent for too long. */
export class SlotError extends Error {
  /** `'ERR_SLOT_FAILED'`: no agent answered; `'ERR_SLOT_LOST'`: one had; `'ERR_POOL_CLOSED'`. */
  readonly code: 'ERR_SLOT_FAILED' | 'ERR_SLOT_LOST' | 'ERR_POOL_CLOSED';
  /** The name of the engine: `'ssh:host'`. */
  readonly engine: string;
  /** The command that was to reach the agent; empty for this process. */
  readonly argv: readonly string[];
  /** The end of what that command printed on stderr. */
  readonly stderr: string;

  /** @internal */
  constructor(
    code: SlotError['code'],
    slot: { readonly name: string; readonly argv?: readonly string[] | undefined },
    problem: string,
    stderr = '',
    cause?: unknown,
  ) {
    const { name, argv = [] } = slot;
    const [file = '', ...args] = argv;
    const shown = argv.length === 0 ? '' : ` (${quoteCommand(file, args)})`;
    const tail = stderr.trimEnd() === '' ? '' : `\n${stderr.trimEnd()}`;
    super(`slot ${name}${shown}: ${problem}${tail}`, cause === undefined ? undefined : { cause });
    this.name = 'SlotError';
    this.code = code;
    this.engine = name;
    this.argv = argv;
    this.stderr = stderr;
  }
}

/** For what was asked of a pool that is closed. */
export function closedError(): SlotError {
  return new SlotError('ERR_POOL_CLOSED', { name: 'pool' }, 'the pool was closed');
}
