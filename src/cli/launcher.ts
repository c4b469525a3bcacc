/**
 * The commands that bin/forkexec.js, which is a shell script first, runs before JavaScript begins: here
 * are their places in the help, and what to do where they got here all the same.
 *
 * @module
 */
import type { Command } from 'commander';
import { Failure } from './exit.js';

/** Adds the commands to `program`. */
export function addLauncherCommands(program: Command): void {
  const add = (name: string, summary: string, usage: string, message: string): void => {
    program
      .command(name)
      .summary(summary)
      .usage(usage)
      .argument('[words...]')
      .passThroughOptions()
      .allowUnknownOption()
      .action(() => {
        throw new Failure(message);
      });
  };
  add(
    'node',
    'run Node with the signals and limits that forkexec was started with',
    '[node options] app.js [args...]',
    'forkexec node needs the launcher: start bin/forkexec.js itself, not with node',
  );
  add(
    'init',
    'run a program as process 1 or a subreaper (forkexec init --help)',
    '[options] [--] program [args...]',
    'forkexec init is for Linux on x64 and arm64, and needs the launcher: start bin/forkexec.js itself, not with node',
  );
}
