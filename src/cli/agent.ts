/**
 * `forkexec agent`: the other end of a slot.
 *
 * @module
 */
import type { Command } from 'commander';
import { serve } from '../agent/serve.js';
import { notify } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { LAYOUT, TIOC } from '../syscall/constants.js';
import { EXIT, Failure } from './exit.js';

const DESCRIPTION = `Runs the jobs of a coordinator, which speaks to it on stdin and stdout.

It is not for people: forkexec parallel and the module batch start it, on this machine or through ssh, \
srun or podman. When the coordinator has gone, or was silent for too long, the agent kills everything \
that it has started.`;

function isTerminal(fd: number): boolean {
  return attempt('ioctl', fd, TIOC.TIOCGWINSZ, new Uint8Array(LAYOUT.winsize.size)) >= 0;
}

/** Resolves to the exit code. */
async function agent({ whenLost }: { whenLost?: string }): Promise<number> {
  if (isTerminal(0)) {
    throw new Failure('agent speaks to a program on stdin and stdout, and stdin is a terminal');
  }
  const signals = notify('SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE');
  const end = await serve((close) => {
    signals.on('signal', ({ signal }) => {
      if (signal !== 'SIGPIPE') close();
    });
  }, whenLost);
  signals.stop();
  return end === 'closed' ? 0 : EXIT.failed;
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addAgentCommand(program: Command, done: (code: number) => void): void {
  program
    .command('agent')
    .summary('run the jobs of a coordinator, which is at stdin and stdout')
    .description(DESCRIPTION)
    .helpOption('-h, --help', 'print this help')
    .option(
      '--when-lost <code>',
      'code for /bin/sh, run when the coordinator has gone and all jobs are killed',
    )
    .action(async (flags: { whenLost?: string }) => done(await agent(flags)));
}
