/**
 * Commands on a terminal: the option `terminal`.
 *
 * @module
 */
import { refused } from '../syscall/check.js';
import { openTerminal } from '../terminal/open.js';
import { checkTerminalOptions, type TerminalOptions } from '../terminal/options.js';
import { Terminal } from '../terminal/terminal.js';
import type { Prepared } from './lifetime.js';
import type { RunOptions, SpawnOptions } from './options.js';
import type { StdioPlan } from './stdio.js';

const STREAMS = ['stdin', 'stdout', 'stderr'] as const;

/** What the terminal decides itself. */
const DECIDED = [
  'session',
  'processGroup',
  'controllingTerminal',
  'detachTerminal',
  'foreground',
  'detached',
] as const;

/** Those of stdin, stdout and stderr that are the terminal: the ones that the options do not name. */
function streamsOf(options: SpawnOptions): number[] {
  return STREAMS.flatMap((name, fd) => (options[name] === undefined ? [fd] : []));
}

/** Refuses what a command on a terminal can't have. */
export function checkTerminal(options: RunOptions): void {
  const { terminal, input } = options;
  if (terminal === undefined) return;
  if (!(terminal instanceof Terminal)) checkTerminalOptions(terminal, 'terminal');
  for (const name of DECIDED) {
    if (options[name] === undefined || options[name] === false) continue;
    throw refused(name, 'cannot be combined with terminal');
  }
  if (input !== undefined) {
    throw refused('input', 'cannot be combined with terminal: write to the input of the terminal');
  }
  if (streamsOf(options).length === 0) {
    throw refused('terminal', 'cannot be used when stdin, stdout and stderr are all given');
  }
}

/** Works the option `terminal` into the others: a session whose terminal it is, and TERM. */
export function prepareTerminal(prepared: Prepared): Prepared {
  const { terminal } = prepared.options;
  if (terminal === undefined) return prepared;
  const { name } = terminal;
  const options: SpawnOptions = { ...prepared.options, session: true };
  options.controllingTerminal = streamsOf(options)[0];
  if (name !== undefined) options.env = { TERM: name, ...options.env };
  // Stands for the terminal's descriptor, which there may not be yet.
  return { ...prepared, options, defaults: ['null', 'null', 'null'] };
}

/** A terminal that a command is about to be started on. */
export interface OnTerminal {
  readonly terminal: Terminal;
  /** Whether it was opened for this command alone. */
  readonly isOwn: boolean;
  /** The command's streams, with the terminal in its places. */
  readonly stdio: StdioPlan;
}

/** Opens the terminal of the options, or takes the one they name. */
export function openFor(options: SpawnOptions, stdio: StdioPlan): OnTerminal | undefined {
  const given: Terminal | TerminalOptions | undefined = options.terminal;
  if (given === undefined) return undefined;
  const isOwn = !(given instanceof Terminal);
  const terminal = isOwn ? openTerminal(given) : given;
  const plan = new Map(stdio);
  for (const fd of streamsOf(options)) plan.set(fd, terminal.childFd);
  return { terminal, isOwn, stdio: plan };
}
