/**
 * Commands whose output is the next one's input.
 *
 * @module
 */

import { ownOptions } from '../launch/values.js';
import { close } from '../syscall/call.js';
import { invalid } from '../syscall/check.js';
import { type Checked, checkRun, checkSpawn } from './checked.js';
import type { Child } from './child.js';
import { type Description, mergeOptions, type Stage } from './description.js';
import { ExitError } from './error.js';
import { parseJson } from './json.js';
import type { RunOptions, SpawnOptions } from './options.js';
import { openPair } from './pipe.js';
import { quoteCommand } from './quote.js';
import { isFailure, type Outcome, type Result } from './result.js';
import { begin, type Running } from './run.js';
import { start } from './spawn.js';
import type { Output, OutputOver } from './types.js';

/** The output of a pipeline's last command, and how each of them ended. */
export interface PipelineResult<Out extends Output = string, All extends Output = Out>
  extends Outcome<Out> {
  /** One for each command; stdout is collected of the last alone. */
  readonly stages: readonly Outcome<All>[];
}

/** What each command is given: a pipe of the kernel's on one side or both. */
type StageOptions = Pick<RunOptions, 'stdin' | 'stdout'>;

/** A command that is a stage of a pipeline. @internal */
export function checkStage(next: Description): Description {
  const isCommand = typeof next === 'object' && next !== null && 'file' in next && 'args' in next;
  if (isCommand) return next;
  throw invalid(
    'next',
    next,
    'a command: .pipe(command(file, args)), or .pipe`…` after a template',
  );
}

/**
 * Waits for all of them. The input of one may fail, and others may fail with it: they are all stopped
 * then, and awaited, so that the one error leaves nothing that runs on.
 */
async function finishAll(running: readonly Running[]): Promise<Result<RunOptions>[]> {
  const failed: { readonly reason: unknown }[] = [];
  const settled = await Promise.all(
    running.map((stage) =>
      stage.finish().catch((reason: unknown) => {
        if (failed.push({ reason }) === 1)
          for (const { child } of running) child.life.blame('aborted');
        return undefined;
      }),
    ),
  );
  if (failed[0] !== undefined) throw failed[0].reason;
  return settled as Result<RunOptions>[];
}

/** Commands connected by pipes of the kernel: no byte between them passes through this process. */
export class Pipeline<Out extends Output = string, All extends Output = Out> {
  /** In their order. */
  readonly commands: readonly Description[];

  /** @internal */
  constructor(commands: readonly Description[]) {
    this.commands = Object.freeze([...commands]);
  }

  /** One more command, which reads what the last one writes. */
  pipe<Next extends Output>(next: Stage<Next>): Pipeline<Next, All | Next> {
    return new Pipeline([...this.commands, checkStage(next)]);
  }

  /**
   * Runs all commands to their end. The result is that of the last one; `options` are for all, but
   * `input` is the first one's.
   *
   * @throws LaunchError when one could not be started, and the others are stopped then. ExitError of
   * the command that failed first, with the `stages` of all; `reject: false` and `exitCodes` of a
   * command are for that command. One that SIGPIPE ended because the next one had read enough has not
   * failed.
   */
  run(): Promise<PipelineResult<Out, All>>;
  /** With options for all of them. */
  run<const P extends RunOptions>(
    options: P | undefined,
  ): Promise<PipelineResult<OutputOver<Out, P>, OutputOver<All, P>>>;
  async run(options: RunOptions = {}): Promise<PipelineResult<Output>> {
    const { input } = ownOptions(options);
    const { input: _, ...common } = options;
    /** The stages in the order in which they ended. */
    const ended: number[] = [];
    const running = await this.#start(
      ({ file, args, options: own }, stage, index) => {
        const merged = mergeOptions(own, { ...common, ...stage, reject: false });
        if (index === 0 && input !== undefined) merged.input = input;
        return checkRun(file, args, merged);
      },
      async (checked, index) => {
        const started = await begin(checked);
        void started.child.exited.then(() => ended.push(index));
        return started;
      },
      ({ child }) => child,
    );
    const stages = await finishAll(running);
    const last = stages.at(-1) as Outcome<Output>;
    // The first to end is the cause: the others fail for want of input, or of a reader.
    const blamed = ended.find((index) => {
      const { status } = stages[index] as Outcome<Output>;
      const own = ownOptions(mergeOptions((this.commands[index] as Description).options, common));
      const isCutOff = status.signal === 'SIGPIPE' && index < stages.length - 1;
      return own.reject !== false && !isCutOff && isFailure(status, own);
    });
    if (blamed !== undefined) {
      const stage = stages[blamed] as Outcome<Output>;
      const cause = stage.status.reason === 'aborted' ? common.signal?.reason : undefined;
      throw new ExitError(stage.command, stage.status, stage, { cause, stages });
    }
    // The types follow the options.
    return { ...last, command: this.toString(), stages } as never;
  }

  /** Runs it and resolves to the stdout of the last command as text. */
  async text(options?: RunOptions): Promise<string> {
    return (await this.run({ ...options, lines: false, encoding: 'utf8' })).stdout as string;
  }

  /**
   * Runs it and resolves to the value of the last command's stdout, which is JSON.
   *
   * @throws SyntaxError when it is not.
   */
  async json<T = unknown>(options?: RunOptions): Promise<T> {
    return parseJson(this.toString(), await this.text(options));
  }

  /** Starts all commands; `options` are for all of them. The first's stdin and the last's stdout are
   * as the options and the commands' own say. */
  async spawn(options: SpawnOptions = {}): Promise<Child[]> {
    const started = await this.#start(
      ({ file, args, options: own }, stage) => {
        return checkSpawn(file, args, mergeOptions(own, { ...options, ...stage }));
      },
      start,
      ({ child }) => child,
    );
    return started.map(({ child }) => child);
  }

  /** As a shell would take it. */
  toString(): string {
    return this.commands.map(({ file, args }) => quoteCommand(file, args)).join(' | ');
  }

  /** Starts each command between its pipes; if one can't be started, the others are stopped. */
  async #start<T>(
    check: (command: Description, stage: StageOptions, index: number) => Checked,
    begin: (command: Checked, index: number) => Promise<T>,
    childOf: (started: T) => Child,
  ): Promise<T[]> {
    const pairs: [number, number][] = [];
    const last = this.commands.length - 1;
    // A mistake in one must not have started the others, or made a pipe.
    const checked = this.commands.map((command, index) => {
      const stage: StageOptions = {};
      if (index > 0) stage.stdin = 'null';
      if (index < last) stage.stdout = 'null';
      return check(command, stage, index);
    });
    try {
      for (const command of checked.slice(0, last)) pairs.push(openPair(command));
      const starting = checked.map((command, index) => {
        const stdio = new Map(command.stdio);
        const [input, output] = [pairs[index - 1]?.[0], pairs[index]?.[1]];
        if (input !== undefined) stdio.set(0, input);
        if (output !== undefined) stdio.set(1, output);
        return begin({ ...command, stdio }, index);
      });
      const outcomes = await Promise.allSettled(starting);
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      const started = outcomes.flatMap((outcome) => {
        return outcome.status === 'fulfilled' ? [outcome.value] : [];
      });
      if (failed === undefined) return started;
      await Promise.all(started.map((each) => childOf(each)[Symbol.asyncDispose]()));
      throw failed.reason;
    } finally {
      // A reader waits for the last writer to close, and that must not be this process.
      for (const pair of pairs) for (const fd of pair) close(fd);
    }
  }
}
