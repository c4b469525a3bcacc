/**
 * `forkexec sandbox`: from a run of a program, the policy that it needs.
 *
 * @module
 */
import { closeSync, openSync } from 'node:fs';
import type { Command } from 'commander';
import { checkSpawn } from '../command/checked.js';
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { start } from '../command/spawn.js';
import { isAvailable } from '../launch/available.js';
import { LaunchError } from '../launch/error.js';
import { candidatesOf, searchPath } from '../launch/image.js';
import { isExecutable } from '../launch/reason.js';
import { depthOfProc } from '../process/proc.js';
import type { SandboxOptions } from '../sandbox/options.js';
import { AT } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { codeOfLaunchError, codeOfStatus, Failure } from './exit.js';
import { complain, printError, write } from './output.js';
import { stopAt } from './sandbox-trace/filter.js';
import { Used } from './sandbox-trace/policy.js';
import { followThreads } from './sandbox-trace/tracer.js';
import { isWatched, Watch } from './sandbox-trace/watch.js';
import { dieOf, holdSignals } from './signals.js';

const DESCRIPTION = `Runs a program once with everything allowed, and prints the smallest policy that it \
would have needed: for forkexec run --sandbox-file and the option sandbox.

The policy is JSON, printed on stderr after the end of the program, or written to a file. Run the program \
so that it does all that it is to be allowed, and read the policy before you use it.`;

const AFTER_HELP = `
Exit code:
  as forkexec run: that of the program; 125 if forkexec itself failed, also
  where ptrace(2) is denied

Examples:
  forkexec sandbox --trace --output policy.json -- make test
      write the policy that the tests need
  forkexec run --sandbox-file policy.json -- make test
      run them in a sandbox with this policy`;

const STRENGTHS: readonly string[] = ['best', 'kernel', 'namespaces'];

interface TraceOptions {
  readonly trace?: true;
  readonly output?: string;
  readonly strength?: 'best' | 'kernel' | 'namespaces';
}

function parseStrength(text: string): string {
  if (STRENGTHS.includes(text)) return text;
  throw new Failure(`--strength must be best, kernel or namespaces, not ${text}`);
}

/** Before the program runs, which may take long. */
function openOutput(file: string | undefined): number {
  if (file === undefined) return 2;
  try {
    return openSync(file, 'w');
  } catch (error) {
    throw new Failure(`--output: ${(error as Error).message}`);
  }
}

/** A member on each line, and in it a path. */
function textOf(policy: SandboxOptions): string {
  return `${JSON.stringify(policy, undefined, 2)}\n`;
}

function print(output: number, policy: SandboxOptions): void {
  if (output === 2) {
    printError(textOf(policy));
    return;
  }
  try {
    write(output, textOf(policy));
  } catch (error) {
    throw new Failure(`--output: ${(error as Error).message}`);
  } finally {
    closeSync(output);
  }
}

/** What the program does is read in /proc by its number, which has to be its own there. */
function checkProc(): void {
  try {
    if (depthOfProc() === 0) return;
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
  }
  throw new Failure('sandbox --trace needs the /proc of its own pid namespace');
}

/** Starts the program, stopped before its first instruction. */
async function launch(
  file: string,
  args: readonly string[],
  options: SpawnOptions,
): Promise<Child | LaunchError> {
  try {
    return (await start(checkSpawn(file, args, options))).child;
  } catch (error) {
    if (error instanceof LaunchError) return error;
    throw error;
  }
}

async function traceProgram(
  file: string,
  args: readonly string[],
  { output: path, strength }: TraceOptions,
): Promise<number> {
  // As in a sandbox, where a set-user-ID program has no effect.
  const options: SpawnOptions = { ptrace: true, noNewPrivileges: true };
  const output = openOutput(path);
  const passSignalsTo = holdSignals(options, { isTraced: true });
  const child = await launch(file, args, options);
  if (child instanceof LaunchError) {
    complain(child.message);
    return codeOfLaunchError(child);
  }
  const used = new Used();
  const watch = new Watch(used, strength === 'kernel');
  const program = candidatesOf(file, searchPath({})).find(isExecutable) ?? file;
  watch.executed({ thread: child.pid, process: child.pid }, program, AT.AT_FDCWD);
  let stopFollowing: () => void;
  try {
    const filter = stopAt(isWatched);
    stopFollowing = await followThreads(child.process, filter, (thread) => watch.stopped(thread));
  } catch (error) {
    child.kill('SIGKILL');
    await child.exited;
    if (!(error instanceof SystemError)) throw error;
    throw new Failure(`the program cannot be traced: ${error.message}`);
  }
  const forwarder = passSignalsTo(child);
  const status = await child.exited;
  stopFollowing();
  await forwarder.settle(status);
  for (const note of watch.notes) complain(note);
  print(output, used.policy(strength));
  if (status.reason === 'signaled' && status.signal !== null) dieOf(status.signal);
  return codeOfStatus(status);
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addSandboxCommand(program: Command, done: (code: number) => void): void {
  program
    .command('sandbox')
    .summary('print the policy of a sandbox that a program needs')
    .description(DESCRIPTION)
    .usage('--trace [options] [--] program [args...]')
    .argument('<program>', 'a path, or a name that is looked up in PATH')
    .argument('[args...]', 'the arguments of the program')
    .passThroughOptions()
    .option('--trace', 'run the program with everything allowed, and print its policy')
    .option('--output <file>', 'write the policy to this file, not to stderr')
    .option(
      '--strength <strength>',
      'best, kernel or namespaces: kernel leaves out files that are only looked at with stat(2)',
      parseStrength,
    )
    .addHelpText('after', AFTER_HELP)
    .helpOption('-h, --help', 'print this help')
    .action(async (file: string, args: string[], options: TraceOptions) => {
      if (options.trace === undefined) {
        throw new Failure(
          'sandbox needs --trace. forkexec run --sandbox runs a program in a sandbox',
        );
      }
      if (!isAvailable('seccomp')) {
        throw new Failure('sandbox --trace is not available on this system: it takes Linux');
      }
      checkProc();
      done(await traceProgram(file, args, options));
    });
}
