/**
 * `forkexec parallel`: a command for each of many items.
 *
 * @module
 */
import type { Command } from 'commander';
import { HEARTBEAT } from '../../agent/protocol.js';
import { checkHalt, type Halt, Halting } from '../../batch/halt.js';
import { Scheduler } from '../../batch/scheduler.js';
import { planRun } from '../../batch/spec.js';
import type { RunOptions } from '../../command/options.js';
import { notify } from '../../signal/notify.js';
import { encodeText } from '../../syscall/text.js';
import { Failure } from '../exit.js';
import { GivenFlags, isOptionError, launchFlags } from '../flags.js';
import { complain, print } from '../output.js';
import { sandboxFlags } from '../sandbox-flags.js';
import { stdioFlags } from '../stdio-flags.js';
import { stopFlags } from '../stop-flags.js';
import { addFlags, type ParallelFlags } from './flags.js';
import { countJobs, type Input, jobsOf, type Reading, splitInput } from './items.js';
import { Joblog } from './joblog.js';
import { Printer } from './output.js';
import { type Plan, planCommand } from './plan.js';
import { openProgress } from './progress.js';
import { parseTemplate, type Template } from './replace.js';
import { Results } from './results.js';
import { Runner } from './runner.js';
import { restoreFunctions } from './shell.js';
import { enginesOf } from './slots.js';
import { parseWords } from './split-words.js';
import { Supply } from './supply.js';
import { exactWords } from './words.js';
import { Writer } from './writer.js';

const DESCRIPTION = `Runs a command for each item, several at once, on this machine or on others.

Items are the words after :::, the lines of the files after ::::, or else the lines of stdin. {} in the \
command stands for the item; without it, the item is the last argument. One word is code for $SHELL, in \
which items are quoted. Several words are a program and its arguments, which no shell reads. Without a \
command the items are code for $SHELL.`;

const AFTER_HELP = `
Replacement strings:
  {}  the item              {/}  its last part       {#}  the number of the job
  {.} without extension     {//} its directory       {%}  the number of the slot
  {/.} both                 {2} {2.} {2/}  the same of the second list

Exit code:
  0 if all jobs succeeded; the number of those that failed, up to 100, or 101;
  with --halt that of the job which ended the run; 255 for other errors

Examples:
  forkexec parallel gzip -9 ::: *.log
  find . -name '*.png' -print0 | forkexec parallel -0 convert {} {.}.jpg
  forkexec parallel --joblog log --resume --engine ssh:big*16 ./simulate ::: a b ::: 1 2 3`;

/** How long a job has from SIGTERM to SIGKILL, as with GNU parallel. */
const GRACE = 500;

/** Milliseconds for pipes that others hold when a job has ended: GNU parallel does not wait at all. */
const WAIT_DELAY = 100;

const FAILED = 255;

const HALTS: Readonly<Record<string, string>> = {
  '0': 'never',
  '1': 'soon,fail=1',
  '2': 'now,fail=1',
  '-1': 'soon,success=1',
  '-2': 'now,success=1',
};

function parseHalt(text: string | undefined): Halt {
  if (text === undefined) return 'never';
  const long = HALTS[text] ?? text.replace(/^(\d+%)$/, 'soon,fail=$1');
  if (long === 'never') return 'never';
  const [, when, on, count = ''] = /^(now|soon),(fail|success|done)=(\d+%?)$/.exec(long) ?? [];
  if (when === undefined) {
    throw new Failure(`--halt ${text} must be never, or such as now,fail=1 or soon,success=30%`);
  }
  const number = count.endsWith('%') ? count : Number(count);
  try {
    return checkHalt('halt', { when, on, count: number } as Halt);
  } catch (error) {
    throw new Failure(`--halt ${text}: ${(error as Error).message}`);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  '0': '\0',
  r: '\r',
  '\\': '\\',
};

function readingOf(flags: ParallelFlags): Reading {
  const { delimiter, colsep, maxArgs = 1 } = flags;
  const text = delimiter?.replaceAll(
    /\\([nt0r\\])/g,
    (_, letter: string) => ESCAPES[letter] as string,
  );
  if (text === '') throw new Failure('--delimiter needs a text');
  let columns: RegExp | undefined;
  try {
    columns = colsep === undefined ? undefined : new RegExp(colsep);
  } catch (error) {
    throw new Failure(`--colsep ${colsep}: ${(error as Error).message}`);
  }
  return {
    separator: flags.null ? Buffer.from([0]) : encodeText(text ?? '\n'),
    columns,
    group: maxArgs,
    link: flags.link === true,
    skipEmpty: flags.runIfEmpty === false,
  };
}

async function dryRun(input: Input, plan: Plan, reading: Reading): Promise<number> {
  let seq = 0;
  for await (const jobs of jobsOf(input.sources, reading)) {
    for (const items of jobs) {
      seq += 1;
      print(`${plan.show({ items, seq, slot: 1 })}\n`);
    }
  }
  return 0;
}

function checkResume({
  resume,
  resumeFailed,
  joblog,
}: ParallelFlags): 'all' | 'succeeded' | undefined {
  if (!resume && !resumeFailed) return undefined;
  const flag = resumeFailed ? '--resume-failed' : '--resume';
  if (joblog === undefined) throw new Failure(`${flag} needs --joblog, which says what has ended`);
  return resumeFailed ? 'succeeded' : 'all';
}

/** Options of each job, by the flags of a launch. */
function jobOptions(given: GivenFlags): { options: RunOptions; stdin: 'null' | { file: string } } {
  const { stdin = 'null', stop, ...launch } = given.options;
  const options: RunOptions = {
    ...launch,
    waitDelay: WAIT_DELAY,
    stop: { scope: 'tree', ...(stop?.steps === undefined ? { grace: GRACE } : {}), ...stop },
  };
  if (stdin !== 'null' && !(typeof stdin === 'object' && 'file' in stdin)) {
    throw new Failure('--stdin must be null or file:PATH: a job may run on another machine');
  }
  try {
    planRun('true', [], options);
  } catch (error) {
    throw isOptionError(error) ? given.explain(error) : error;
  }
  return { options, stdin: stdin as 'null' | { file: string } };
}

function tagOf({ tag, tagstring, replace, plus }: ParallelFlags): Template | undefined {
  if (tagstring === undefined && !tag) return undefined;
  return parseTemplate(tagstring ?? replace ?? '{}', { replace, plus });
}

/** Resolves to the exit code. */
async function parallel(
  words: readonly string[],
  given: GivenFlags,
  flags: ParallelFlags,
): Promise<number> {
  restoreFunctions();
  const input = splitInput(exactWords(words), flags.argFile);
  const plan = planCommand(input.command, { ...flags, shell: flags.shell === true });
  const reading = readingOf(flags);
  const resume = checkResume(flags);
  const halting = new Halting(parseHalt(flags.halt));
  const { options, stdin } = jobOptions(given);
  const { engine: engines, slots: files, jobs, agent, sshArg: sshArgs } = flags;
  const agentWords = agent === undefined ? undefined : parseWords(agent);
  const places = enginesOf({ engines, files, jobs, agent: agentWords, sshArgs });
  if (flags.dryRun) return dryRun(input, plan, reading);
  const tag = tagOf(flags);
  const results = flags.results === undefined ? undefined : new Results(flags.results);
  const total = halting.isPercentage ? await countJobs(input.sources, reading, true) : undefined;
  const joblog = flags.joblog === undefined ? undefined : new Joblog(flags.joblog, resume);
  const writer = new Writer();
  const mode = flags.ungroup ? 'raw' : flags.lineBuffer ? 'line' : 'group';
  const retries = Math.max((flags.retries ?? 1) - 1, 0);
  const printer = new Printer(writer, { mode, keepOrder: flags.keepOrder === true }, retries > 0);
  const count = async () => total?.count ?? (await countJobs(input.sources, reading, false))?.count;
  const progress = await openProgress(flags.bar, count);
  writer.around = progress.around;
  const scheduler = new Scheduler(places, flags.heartbeat || HEARTBEAT, joblog?.fd);
  const runner = new Runner({
    scheduler,
    plan,
    supply: new Supply((total?.jobs ?? jobsOf(input.sources, reading))[Symbol.asyncIterator]()),
    total: total?.count,
    printer,
    joblog,
    results,
    tag,
    options,
    stdio: [
      [0, stdin],
      [1, 'out'],
      [2, 'out'],
    ],
    retries,
    backoff: flags.backoff ?? 0,
    delay: flags.delay ?? 0,
    halting,
    progress,
  });
  writer.onFailure = () => runner.fail(writer.failure);
  const signals = notify('SIGTERM', 'SIGINT', 'SIGHUP');
  signals.on('signal', () => runner.stop(FAILED));
  try {
    return await runner.run();
  } finally {
    progress.stop();
    await scheduler.close();
    signals.stop();
    joblog?.close();
  }
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addParallelCommand(program: Command, done: (code: number) => void): void {
  const given = new GivenFlags();
  const command = program
    .command('parallel')
    .summary('run a command for each of many items, on this machine or on others')
    .description(DESCRIPTION)
    .usage('[options] [command…] [::: items…] [:::: files…]')
    .argument('[words...]', 'the command, and items')
    .passThroughOptions()
    .addHelpText('after', AFTER_HELP);
  addFlags(command);
  given.offer(command, 'Attributes of each job:', launchFlags);
  given.offer(command, 'Sandbox of each job:', sandboxFlags);
  given.offer(
    command,
    'End of each job:',
    stopFlags.filter(({ flags }) => !/lifetime|detached/.test(flags)),
  );
  given.offer(command, 'Descriptors of each job:', stdioFlags.slice(0, 1));
  command
    .helpOption('-h, --help', 'print this help')
    .action(async (words: string[], flags: ParallelFlags) => {
      try {
        done(await parallel(words, given, flags));
      } catch (error) {
        if (!(error instanceof Failure) && !isOptionError(error) && !isSlotProblem(error))
          throw error;
        complain((error as Error).message);
        done(FAILED);
      }
    });
}

/** No slot can be reached: for people, without a stack. */
function isSlotProblem(error: unknown): boolean {
  return ['SlotError', 'LaunchError'].includes((error as Error).name);
}
