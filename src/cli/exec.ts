/**
 * `forkexec exec` and `forkexec nohup`: this process becomes the program.
 *
 * @module
 */
import { join } from 'node:path';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { checkSpawn } from '../command/checked.js';
import type { FileStdio, SpawnOptions } from '../command/options.js';
import type { DescriptorSource } from '../launch/attribute.js';
import { LaunchError } from '../launch/error.js';
import { type ExecOptions, exec } from '../process/exec.js';
import { O } from '../syscall/constants.js';
import { openFileSync } from '../syscall/open.js';
import { codeOfLaunchError, Failure } from './exit.js';
import { GivenFlags, isOptionError, launchFlags } from './flags.js';
import { complain } from './output.js';
import { checkPassed } from './passed.js';
import { stdioFlags } from './stdio-flags.js';

const ACCESS = { read: O.O_RDONLY, write: O.O_WRONLY, readwrite: O.O_RDWR } as const;

/** The value of an option of run, for exec: no process stays that could be at the end of a pipe. */
function toSource(name: string, stdio: unknown, usual: 'read' | 'write'): DescriptorSource {
  if (typeof stdio !== 'object') return stdio as DescriptorSource;
  const { file, append, access = usual } = stdio as FileStdio & { file: string };
  const create = access === 'read' ? 0 : O.O_CREAT | (append ? O.O_APPEND : 0);
  const empty = access === 'write' && !append ? O.O_TRUNC : 0;
  try {
    return openFileSync(file, ACCESS[access] | create | empty);
  } catch (error) {
    throw new Failure(`--${name} ${file}: ${(error as Error).message}`);
  }
}

/** The options of exec for those that the flags gave. */
function toExecOptions(given: SpawnOptions): ExecOptions {
  const { stdin, stdout, stderr, fds, ...launch } = given;
  const options: ExecOptions = { ...launch };
  if (stdin !== undefined) options.stdin = toSource('stdin', stdin, 'read');
  if (stdout !== undefined) options.stdout = toSource('stdout', stdout, 'write');
  if (stderr === 'stdout') {
    const { stdout: source = 'inherit' } = options;
    options.stderr = source === 'inherit' ? 1 : source;
  } else if (stderr !== undefined) {
    options.stderr = toSource('stderr', stderr, 'write');
  }
  const kept = Object.entries(fds ?? {}).map(([fd, stdio]) => {
    return [fd, toSource(`fd ${fd}`, stdio, 'write')] as const;
  });
  if (kept.length > 0) options.fds = Object.fromEntries(kept);
  return options;
}

/** Never returns unless it fails: then the exit code. */
function become(file: string, args: readonly string[], given: GivenFlags): number {
  try {
    checkSpawn(file, args, given.options); // a mistake in an option must not have emptied a file
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
  throw new Failure(`cannot open a file for the output: ${reasons.join('; ')}`);
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
  the exit code of the program; 125 if forkexec itself failed; 126 if the program
  was found but cannot be run; 127 if it was not found`;

/** Adds `exec` to `program`; `done` gets the exit code. */
export function addExecCommand(program: Command, done: (code: number) => void): void {
  const given = new GivenFlags();
  const command = program
    .command('exec')
    .summary('replace forkexec with a program')
    .description(
      'Replaces forkexec with a program, as exec does in a shell: the pid stays the same.',
    )
    .usage('[options] [--] program [args...]')
    .argument('<program>', 'a path, or a name that is looked up in PATH')
    .argument('[args...]', 'the arguments of the program')
    .passThroughOptions()
    .addHelpText('after', CODES);
  given.offer(command, 'Attributes of the program:', launchFlags);
  given.offer(command, 'Descriptors of the program:', stdioFlags);
  command.helpOption('-h, --help', 'print this help').action((file: string, args: string[]) => {
    checkPassed(given);
    done(become(file, args, given));
  });
}

/** Adds `nohup` to `program`; `done` gets the exit code. */
export function addNohupCommand(program: Command, done: (code: number) => void): void {
  program
    .command('nohup')
    .summary('replace forkexec with a program that ignores SIGHUP')
    .description(
      'Replaces forkexec with a program that ignores SIGHUP. If stdin is a terminal, the program ' +
        'cannot read it. Output to a terminal is appended to nohup.out in the working directory, ' +
        'or else in the home directory.',
    )
    .usage('[--] program [args...]')
    .argument('<program>', 'a path, or a name that is looked up in PATH')
    .argument('[args...]', 'the arguments of the program')
    .passThroughOptions()
    .addHelpText('after', CODES)
    .helpOption('-h, --help', 'print this help')
    .action((file: string, args: string[]) => {
      const terminals = new GivenFlags();
      terminals.options = leaveTerminals({});
      done(become(file, args, terminals));
    });
}
