/**
 * The command `forkexec`.
 *
 * @module
 */
import { Command, CommanderError } from 'commander';
import { restoreInherited } from '../signal/restore.js';
import { version } from '../version.js';
import { addAgentCommand } from './agent.js';
import { addDoctorCommand } from './doctor.js';
import { addExecCommand, addNohupCommand } from './exec.js';
import { EXIT, exitNow, Failure } from './exit.js';
import { addLauncherCommands } from './launcher.js';
import { complain, print, printError } from './output.js';
import { addParallelCommand } from './parallel/command.js';
import { addPlayCommand } from './play.js';
import { addRunCommand } from './run.js';
import { addSandboxCommand } from './sandbox.js';

const AFTER_HELP = `
Example:
  forkexec run --usage -- sh -c 'ls -l /etc | wc -l'

forkexec help run lists the options of run.`;

function printVersion(): never {
  print(`${version}\n`);
  throw new CommanderError(0, 'forkexec.version', version);
}

/** Adds the commands; of those with many flags only the one that is used, unless for help. */
function addCommands(
  program: Command,
  name: string | undefined,
  done: (code: number) => void,
): void {
  const adders = {
    run: addRunCommand,
    exec: addExecCommand,
    nohup: addNohupCommand,
    parallel: addParallelCommand,
  };
  const adder = Object.hasOwn(adders, name ?? '') ? adders[name as keyof typeof adders] : undefined;
  for (const add of adder ? [adder] : Object.values(adders)) add(program, done);
  addAgentCommand(program, done);
  addDoctorCommand(program, done);
  addPlayCommand(program, done);
  addSandboxCommand(program, done);
}

/** Resolves to the exit code. */
async function main(words: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('forkexec')
    .description('Starts programs, with an option for every attribute of the new process.')
    .option('-V, --version', 'print the version')
    .on('option:version', printVersion)
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', AFTER_HELP)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: printError,
      outputError: (text) => complain(text.replace(/^error: /, '').trimEnd()),
      getOutHelpWidth: () => 80,
      getErrHelpWidth: () => 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .showHelpAfterError(
      `(forkexec help ${words[0] === 'parallel' ? 'parallel' : 'run'} lists all options)`,
    );
  const done = (result: number): void => {
    code = result;
  };
  addCommands(program, words[0], done);
  addLauncherCommands(program);
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    // The exit codes of parallel are those of GNU parallel.
    const failed = words[0] === 'parallel' ? 255 : EXIT.failed;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : failed;
    complain(error instanceof Failure ? error.message : ((error as Error).stack ?? String(error)));
    return failed;
  }
}

restoreInherited();
void main(process.argv.slice(2)).then(exitNow);
