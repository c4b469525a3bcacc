/**
 * `forkexec play`: shows a recording of a terminal.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { setTimeout } from '../time.js';
import { type CastEvent, parseCast } from './asciicast.js';
import { Failure } from './exit.js';
import { write } from './output.js';
import { parseDuration } from './stop-flags.js';

interface PlayOptions {
  readonly speed: number;
  readonly idleLimit: number;
}

/** What is shown, each with the milliseconds to wait before it. */
export function schedule(
  events: readonly CastEvent[],
  { speed, idleLimit }: PlayOptions,
): { wait: number; text: string }[] {
  let wait = 0;
  const shown: { wait: number; text: string }[] = [];
  for (const [interval, code, text] of events) {
    // Pauses are cut as they were recorded: so much shorter is what is faster, too.
    wait += Math.min(interval * 1000, idleLimit) / speed;
    if (code !== 'o') continue;
    shown.push({ wait, text });
    wait = 0;
  }
  return shown;
}

async function play(file: string, options: PlayOptions): Promise<void> {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new Failure(`play: ${(error as Error).message}`);
  }
  let events: readonly CastEvent[];
  try {
    ({ events } = parseCast(text));
  } catch (error) {
    throw new Failure(`play: ${file}: ${(error as Error).message}`);
  }
  for (const { wait, text: output } of schedule(events, options)) {
    if (wait >= 1) await new Promise<void>((resolve) => setTimeout(resolve, wait));
    write(1, output);
  }
}

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (speed > 0 && speed < Number.POSITIVE_INFINITY) return speed;
  throw new Failure(`--speed must be a number above 0, not ${text}`);
}

/** Adds the command to `program`; `done` gets the exit code. */
export function addPlayCommand(program: Command, done: (code: number) => void): void {
  program
    .command('play')
    .summary('show a recording of a terminal')
    .description(
      'Shows a recording that `forkexec run --terminal --record FILE` or asciinema has made: \
a file in the format asciicast v3.',
    )
    .argument('<file>', 'the recording; - is stdin')
    .option('--speed <factor>', 'how many times as fast as it was', parseSpeed, 1)
    .option(
      '--idle-limit <duration>',
      'the longest pause: 2s, 500ms',
      parseDuration,
      Number.POSITIVE_INFINITY,
    )
    .helpOption('-h, --help', 'show this')
    .action(async (file: string, options: PlayOptions) => {
      await play(file, options);
      done(0);
    });
}
