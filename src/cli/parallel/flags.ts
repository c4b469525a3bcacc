/**
 * The flags of `forkexec parallel` that are not those of a launch.
 *
 * @module
 */
import { type Command, Option } from 'commander';
import { Failure } from '../exit.js';
import { parseDuration } from '../stop-flags.js';

/** As commander has them. */
export interface ParallelFlags {
  readonly jobs?: string;
  readonly engine: readonly string[];
  readonly slots: readonly string[];
  readonly agent?: string;
  readonly sshArg: readonly string[];
  readonly heartbeat?: number;
  readonly argFile: readonly string[];
  readonly null?: true;
  readonly delimiter?: string;
  readonly colsep?: string;
  readonly maxArgs?: number;
  readonly link?: true;
  readonly runIfEmpty?: boolean;
  readonly replace?: string;
  readonly plus?: true;
  readonly shell?: true;
  readonly keepOrder?: true;
  readonly lineBuffer?: true;
  readonly ungroup?: true;
  readonly tag?: true;
  readonly tagstring?: string;
  readonly results?: string;
  readonly joblog?: string;
  readonly resume?: true;
  readonly resumeFailed?: true;
  readonly retries?: number;
  readonly backoff?: number;
  readonly delay?: number;
  readonly halt?: string;
  readonly dryRun?: true;
  readonly bar?: boolean;
}

function atLeast(name: string, least: number): (text: string) => number {
  return (text) => {
    if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
    throw new Failure(`${name} ${text} must be a number from ${least} on`);
  };
}

function duration(name: string): (text: string) => number {
  return (text) => {
    try {
      const ms = parseDuration(text);
      return ms === Number.POSITIVE_INFINITY ? 0 : ms;
    } catch (error) {
      throw new Failure(`${name} ${text} ${(error as Error).message}`);
    }
  };
}

const more = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function list(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`).default([], 'none').argParser(more);
}

const GROUPS: Readonly<Record<string, readonly Option[]>> = {
  'Slots:': [
    new Option(
      '-j, --jobs <n>',
      'jobs at once on each slot: 8, 50%, +2; 0 is no limit (default: the processors)',
    ),
    list(
      '--engine <engine>',
      'where jobs run: local, ssh:HOST*4, slurm:nodes=2,time=1h, podman:NAME*2, command:WORDS',
    ),
    list('--slots <file>', 'engines from a file, one a line'),
    new Option(
      '--agent <words>',
      'what starts the agent on the other side (default: forkexec agent)',
    ),
    list('--ssh-arg <word>', 'a word for ssh before the host: -p, 2222'),
    new Option(
      '--heartbeat <duration>',
      'silence after which a slot is lost (default: 10s)',
    ).argParser(duration('--heartbeat')),
  ],
  'Items:': [
    list('-a, --arg-file <file>', 'items from a file; - is stdin'),
    new Option('-0, --null', 'items end with a null byte, not with a newline'),
    new Option('-d, --delimiter <text>', 'items end with this text; \\n, \\t, \\0 as in printf'),
    new Option('-C, --colsep <pattern>', 'split each item at this pattern into {1} {2} …'),
    new Option('-N, --max-args <n>', 'so many items for each job').argParser(
      atLeast('--max-args', 1),
    ),
    new Option('--link', 'one item of each list for each job, instead of all combinations'),
    new Option('-r, --no-run-if-empty', 'leave out items that are empty or blank'),
  ],
  'Command:': [
    new Option('-I, --replace <text>', 'what stands for the item (default: {})'),
    new Option('--plus', 'more replacement strings: {..} {...} {/..} {+/} {+.}'),
    new Option('--shell', 'join several words by blanks for a shell, as GNU parallel does'),
    new Option('--dry-run', 'print the commands, and run nothing'),
  ],
  'Output:': [
    new Option('-k, --keep-order', 'print output in the order of the items'),
    new Option('--line-buffer', 'print whole lines as they come'),
    new Option('-u, --ungroup', 'print bytes as they come, of all jobs mixed'),
    new Option('--tag', 'put the item and a TAB before each line'),
    new Option(
      '--tagstring <text>',
      'put this text, with replacement strings, and a TAB before each line',
    ),
    new Option(
      '--results <dir>',
      'write output to files in this directory, or named by this template',
    ),
    new Option('--bar', 'show a progress bar, also where stderr is not a terminal'),
    new Option('--no-bar', 'show none'),
  ],
  'Reliability:': [
    new Option('--joblog <file>', 'write a line for each job that has ended'),
    new Option('--resume', 'leave out the jobs that the joblog has'),
    new Option('--resume-failed', 'leave out those of them that have succeeded'),
    new Option('--retries <n>', 'run a job up to n times until it succeeds').argParser(
      atLeast('--retries', 0),
    ),
    new Option(
      '--backoff <duration>',
      'pause before the second try, twice as long before the third',
    ).argParser(duration('--backoff')),
    new Option('--delay <duration>', 'pause between two starts').argParser(duration('--delay')),
    new Option('--halt <when>', 'end early: now,fail=1  soon,fail=30%  now,success=1  soon,done=5'),
  ],
};

/** Adds them to a command. */
export function addFlags(command: Command): void {
  for (const [heading, options] of Object.entries(GROUPS)) {
    for (const option of options) command.addOption(option.helpGroup(heading));
  }
}
