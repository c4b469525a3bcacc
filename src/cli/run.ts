/**
 * `forkexec run`: one program, from its launch to its end.
 *
 * @module
 */
import type { Command } from 'commander';
import { checkSpawn } from '../command/checked.js';
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { quoteCommand } from '../command/quote.js';
import { start as startCommand } from '../command/spawn.js';
import { LaunchError } from '../launch/error.js';
import { hasProc } from '../process/proc.js';
import { trace } from '../process/trace.js';
import { Attached } from './attach.js';
import { codeOfLaunchError, codeOfStatus, EXIT, Failure } from './exit.js';
import { type CommandFlag, GivenFlags, isOptionError, launchFlags } from './flags.js';
import { reapOrphans } from './orphans.js';
import { complain, printError, write } from './output.js';
import { checkPassed, parseOutput } from './passed.js';
import {
  changedLine,
  exitedLine,
  failedLine,
  startedLine,
  usageJson,
  usageTable,
} from './report.js';
import { sandboxFlags } from './sandbox-flags.js';
import { dieOf, holdSignals } from './signals.js';
import { stdioFlags } from './stdio-flags.js';
import { checkStopFlags, stopFlags } from './stop-flags.js';

const DESCRIPTION = `Runs a program and ends with the exit code of the program.

The program gets the standard streams, the environment and the working directory of forkexec, unless \
an option says otherwise, and no other descriptor. Options come before the program. Every word after \
the program is an argument of the program. A -- can stand before the program.`;

const AFTER_HELP = `
Exit code:
  the exit code of the program; if signal n killed the program, forkexec kills
  itself with the same signal, which a shell shows as 128+n;
  124 if the program timed out; 125 if forkexec itself failed;
  126 if the program was found but cannot be run; 127 if it was not found

Signals:
  SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT and
  SIGTSTP are passed on to the program. After SIGTERM, or if ^C ended the
  program, its descendants are stopped too; a second ^C kills them.

Examples:
  forkexec run --usage -- make -j4
      build, then print the time and the memory that it used
  forkexec run --timeout 30s --stdout file:out.log --stderr stdout -- ./test
      run the test for at most 30 seconds, with all output in one file
  forkexec run --cwd /srv --clear-env --env PATH=/bin --umask 077 -- ./job
      run a job in another directory, with one environment variable`;

/** What else the command was asked for, as commander has it. */
interface ReportOptions {
  readonly usage?: true;
  readonly 'usage=json'?: true;
  readonly statusFd?: number;
  readonly record?: string;
}

/** On stderr past the streams of the runtime, as all that forkexec writes. */
export const verboseFlag: CommandFlag = {
  flags: '--verbose',
  description: 'print a line on stderr when the program runs, and a line when it has ended',
  apply: (options) => ({ ...options, verbose: (line) => printError(`${line}\n`) }),
};

/** A terminal of the program's own. */
export const terminalFlag: CommandFlag = {
  flags: '--terminal',
  description: 'run the program on a terminal of its own, joined to stdin and stdout of forkexec',
  apply: (options) => ({ ...options, terminal: {} }),
};

function parseStatusFd(text: string): number {
  try {
    return parseOutput(text);
  } catch (error) {
    throw new Failure(`--status-fd ${text} ${(error as Error).message}`);
  }
}

async function start(
  file: string,
  args: readonly string[],
  given: GivenFlags,
): Promise<Child | LaunchError> {
  try {
    // With `detached` nothing is stopped, and the variable that marks a tree would be of no use.
    const scope = given.options.detached || !hasProc() ? 'process' : 'tree';
    return (await startCommand(checkSpawn(file, args, given.options, scope))).child;
  } catch (error) {
    if (error instanceof LaunchError) return error;
    throw isOptionError(error) ? given.explain(error) : error;
  }
}

/** The terminal of `--terminal`, which takes the place of the flag's in the options. */
function attach(
  given: GivenFlags,
  command: string,
  record: string | undefined,
): Attached | undefined {
  if (given.options.terminal === undefined) {
    if (record !== undefined) throw new Failure('--record needs --terminal, which it records');
    return undefined;
  }
  const attached = new Attached({ record, command });
  given.options.terminal = attached.terminal;
  return attached;
}

/** Resolves to the exit code. */
async function run(
  file: string,
  args: readonly string[],
  given: GivenFlags,
  { usage, 'usage=json': json, statusFd, record }: ReportOptions,
): Promise<number> {
  const options: SpawnOptions = given.options;
  checkStopFlags(options);
  if (options.detached && (usage || json)) {
    throw new Failure('--detached cannot be combined with --usage: it does not wait');
  }
  checkPassed(given);
  const attached = attach(given, quoteCommand(file, args), record);
  let untold = false;
  const tell = (line: string): void => {
    if (statusFd === undefined || untold) return;
    try {
      write(statusFd, line);
    } catch (error) {
      untold = true; // a reader would take the lines after a gap for all there are
      complain(`--status-fd ${statusFd}: ${(error as Error).message}`);
    }
  };
  const passSignalsTo = holdSignals(options);
  const child = await start(file, args, given).catch((error: unknown) => {
    attached?.restore();
    throw error;
  });
  if (child instanceof LaunchError) {
    attached?.restore();
    tell(failedLine(child));
    complain(child.message);
    return codeOfLaunchError(child, options.cwd as string | undefined);
  }
  // A debugger can attach to a process that is stopped, and not to one that we trace.
  if (options.ptrace) await (await trace(child.process)).detach('SIGSTOP');
  attached?.begin();
  tell(startedLine(child));
  if (options.detached) return untold ? EXIT.failed : 0;
  if (statusFd !== undefined) {
    for (const event of ['stopped', 'continued'] as const) {
      child.on(event, (signal) => tell(changedLine(event, signal)));
    }
  }
  reapOrphans(child.pid);
  // After the listeners above: it stops this process when the program stops.
  const forwarder = passSignalsTo(child);
  const status = await child.exited;
  tell(exitedLine(status));
  await forwarder.settle(status);
  await attached?.end(codeOfStatus(status));
  if (json) printError(usageJson(status));
  else if (usage) printError(usageTable(status));
  if (status.reason === 'unknown')
    complain('the exit status is unknown: another library collected it');
  if (untold) return EXIT.failed;
  // The signal that ended the program ends forkexec too; where it can't, 128+n says the same.
  if (status.reason === 'signaled' && status.signal !== null) dieOf(status.signal);
  return codeOfStatus(status);
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addRunCommand(program: Command, done: (code: number) => void): void {
  const given = new GivenFlags();
  const command = program
    .command('run')
    .summary('run a program and end with its exit code')
    .description(DESCRIPTION)
    .usage('[options] [--] program [args...]')
    .argument('<program>', 'a path, or a name that is looked up in PATH')
    .argument('[args...]', 'the arguments of the program')
    .passThroughOptions()
    .addHelpText('after', AFTER_HELP);
  given.offer(command, 'Attributes of the program:', launchFlags);
  given.offer(command, 'Descriptors of the program:', [...stdioFlags, terminalFlag]);
  given.offer(command, 'Sandbox of the program:', sandboxFlags);
  given.offer(command, 'End of the program:', stopFlags);
  given.offer(command, 'Reports:', [verboseFlag]);
  command
    .optionsGroup('Reports:')
    .option('--usage', 'after the end, print the time and memory that the program used on stderr')
    // An option of its own, not an optional value, which would take the program for it.
    .option('--usage=json', 'print them as one JSON object; times in microseconds, memory in bytes')
    .option(
      '--status-fd <n>',
      'write JSON lines to this descriptor: started, stopped, continued, exited',
      parseStatusFd,
    )
    .option('--record <file>', 'with --terminal: record it in this file, as an asciicast v3')
    .helpOption('-h, --help', 'print this help')
    .action(async (file: string, args: string[], reports: ReportOptions) => {
      done(await run(file, args, given, reports));
    });
}
