/**
 * The command `forkexec`.
 *
 * @module
 */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { restoreInherited } from '../signal/restore.js';
import { addDoctorCommand } from './doctor.js';
import { addExecCommands } from './exec.js';
import { EXIT, exitNow, Failure } from './exit.js';
import { complain, print, printError } from './output.js';
import { addRunCommand } from './run.js';

const AFTER_HELP = `
Example:
  forkexec run --usage -- sh -c 'ls -l /etc | wc -l'

forkexec run --help lists the options of run.`;

function version(): string {
  const { version } = createRequire(import.meta.url)('forkexec/package.json') as {
    version: string;
  };
  return version;
}

/** Resolves to the exit code. */
async function main(words: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('forkexec')
    .description('Starts programs with every attribute of the new process under control.')
    .version(version(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand('help [command]', 'show the help of a command')
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
    .showHelpAfterError('(forkexec run --help lists all options)');
  const done = (result: number): void => {
    code = result;
  };
  addRunCommand(program, done);
  addExecCommands(program, done);
  addDoctorCommand(program, done);
  program
    .command('node')
    .summary('run a JavaScript program that keeps the signals it was started with')
    .usage('[node options] app.js [args...]')
    .argument('[words...]')
    .passThroughOptions()
    .allowUnknownOption()
    .action(() => {
      // bin/forkexec.js, which is a shell script first, does it before JavaScript begins.
      throw new Failure('node: start forkexec itself, not its JavaScript with node');
    });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.failed;
    complain(error instanceof Failure ? error.message : ((error as Error).stack ?? String(error)));
    return EXIT.failed;
  }
}

restoreInherited();
exitNow(await main(process.argv.slice(2)));
