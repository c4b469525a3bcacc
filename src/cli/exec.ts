/**
 * `forkexec exec` and `forkexec nohup`: this process becomes the program.
 *
 * @module
 */
import { join } from 'node:path';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { SpawnOptions } from '../command/options.js';
import { LaunchError } from '../launch/error.js';
import type { DescriptorSource } from '../launch/step.js';
import { type ExecOptions, exec } from '../process/exec.js';
import { O } from '../syscall/constants.js';
import { openFileSync } from '../syscall/open.js';
import { codeOfLaunchError, Failure } from './exit.js';
import { GivenFlags, isOptionError, launchFlags } from './flags.js';
import { complain } from './output.js';
import { descriptorFlags } from './values.js';

/** What an option of run is for exec: nobody is left to be at the other end of a pipe. */
function toSource(name: string, stdio: unknown, flags: number): DescriptorSource | undefined {
  if (stdio === undefined || stdio === 'inherit' || stdio === 'null') return stdio;
  if (typeof stdio === 'number') return stdio;
  const { file, append, access } = stdio as { file: string; append?: boolean; access?: 'read' };
  const write = flags | (append ? O.O_APPEND : O.O_TRUNC);
  const mode = access === 'read' || flags === O.O_RDONLY ? O.O_RDONLY : write;
  try {
    return openFileSync(file, mode);
  } catch (error) {
    throw new Failure(`--${name} ${file}: ${(error as Error).message}`);
  }
}

/** The options of exec for those that the flags gave. */
function toExecOptions(given: SpawnOptions): ExecOptions {
  const { stdin, stdout, stderr, fds, ...launch } = given;
  const options: ExecOptions = { ...launch };
  const write = O.O_WRONLY | O.O_CREAT;
  const sources = {
    stdin: toSource('stdin', stdin, O.O_RDONLY),
    stdout: toSource('stdout', stdout, write),
    stderr: stderr === 'stdout' ? undefined : toSource('stderr', stderr, write),
  };
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const source = sources[name];
    if (source !== undefined) options[name] = source;
  }
  if (stderr === 'stdout') options.stderr = sources.stdout === 'null' ? 'null' : numberOf(sources);
  const kept = Object.entries(fds ?? {}).map(([fd, stdio]) => {
    return [fd, toSource(`fd ${fd}`, stdio, write) ?? 'inherit'] as const;
  });
  if (kept.length > 0) options.fds = Object.fromEntries(kept);
  return options;
}

/** The descriptor that stderr is a copy of. */
function numberOf({ stdout }: { stdout: DescriptorSource | undefined }): number {
  return typeof stdout === 'number' ? stdout : 1;
}

/** Never returns unless it fails: then the exit code. */
function become(file: string, args: readonly string[], given: GivenFlags): number {
  try {
    return exec(file, args, toExecOptions(given.options));
  } catch (error) {
    if (error instanceof LaunchError) {
      complain(error.message);
      return codeOfLaunchError(error, given.options.cwd as string | undefined);
    }
    throw isOptionError(error) ? given.explain(error) : error;
  }
}

function isTerminal(fd: number): boolean {
  return isatty(fd);
}

/** nohup.out here, or in the home directory if it can't be written here. */
function openOutput(): [fd: number, path: string] {
  const flags = O.O_WRONLY | O.O_CREAT | O.O_APPEND;
  const { HOME } = process.env;
  const paths = ['nohup.out', ...(HOME === undefined ? [] : [join(HOME, 'nohup.out')])];
  const umask = process.umask(0o177); // whatever else it would take away
  const reasons: string[] = [];
  try {
    for (const path of paths) {
      try {
        return [openFileSync(path, flags, 0o600), path];
      } catch (error) {
        reasons.push(`${path}: ${(error as Error).message}`);
      }
    }
  } finally {
    process.umask(umask);
  }
  throw new Failure(`no place for the output: ${reasons.join('; ')}`);
}

/** What nohup(1) does with terminals: they are not read, and their output goes to a file. */
function leaveTerminals(options: SpawnOptions): SpawnOptions {
  const left: SpawnOptions = { ...options };
  const notes: string[] = [];
  if (isTerminal(0)) {
    left.stdin = openFileSync('/dev/null', O.O_WRONLY); // which can't be read, as nohup(1) says
    notes.push('ignoring input');
  }
  if (isTerminal(1)) {
    const [fd, path] = openOutput();
    left.stdout = fd;
    notes.push(`appending output to ${path}`);
  }
  if (isTerminal(2)) {
    left.stderr = 'stdout';
    if (!isTerminal(1)) notes.push('redirecting stderr to stdout');
  }
  if (notes.length > 0) complain(notes.join(' and '));
  const ignore = [...(options.signals?.ignore ?? []), 'SIGHUP' as const];
  return { ...left, signals: { ...options.signals, ignore } };
}

const CODES = `
Exit code:
  the program's own; 125 when forkexec failed; 126 when the program was found but
  can't be run; 127 when it was not found`;

/** Adds the commands to `program`; `done` gets the exit code. */
export function addExecCommands(program: Command, done: (code: number) => void): void {
  const given = new GivenFlags();
  const command = program
    .command('exec')
    .summary('become a program: its pid is that of forkexec')
    .description('Replaces forkexec by a program, as exec does in a shell.')
    .usage('[options] [--] program [args...]')
    .argument('<program>', 'a path, or a name to look for in PATH')
    .argument('[args...]', 'its arguments, passed as they are')
    .passThroughOptions()
    .addHelpText('after', CODES);
  given.offer(command, 'What the program gets:', launchFlags);
  given.offer(command, 'Its descriptors:', descriptorFlags);
  command
    .helpOption('-h, --help', 'show this')
    .action((file: string, args: string[]) => done(become(file, args, given)));
  program
    .command('nohup')
    .summary('become a program that a hangup does not end')
    .description(
      'Replaces forkexec by a program that ignores SIGHUP. Output to a terminal is appended to ' +
        'nohup.out, here or in the home directory; a terminal is not read.',
    )
    .usage('[--] program [args...]')
    .argument('<program>', 'a path, or a name to look for in PATH')
    .argument('[args...]', 'its arguments, passed as they are')
    .passThroughOptions()
    .addHelpText('after', CODES)
    .helpOption('-h, --help', 'show this')
    .action((file: string, args: string[]) => {
      const terminals = new GivenFlags();
      terminals.options = leaveTerminals({});
      done(become(file, args, terminals));
    });
}
