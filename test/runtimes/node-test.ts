// What the tests use of node:test, for Deno: `deno test` has them on another thread than the
// process' first, which alone ptrace(2) and masks of the whole process are for, and ends at SIGINT.
// `deno run` with an import map, which scripts/test-runtimes.mjs writes, has this instead.
//
// Prints a line for each case, as TAP has it, and ends the process when all have run.

import { writeSync } from 'node:fs';

type Body = (context: Context) => unknown;

interface Options {
  readonly timeout?: number;
  readonly skip?: string | boolean | undefined;
}

interface Case {
  readonly name: string;
  readonly body: Body;
  readonly options: Options;
}

const DEFAULT_TIMEOUT_MS = 120_000;

const cases: Case[] = [];
const finals: (() => unknown)[] = [];
const titles: string[] = [];

/** What a test is given. */
class Context {
  skipped: string | undefined;
  readonly afters: (() => unknown)[] = [];

  diagnostic(message: string): void {
    writeSync(1, `# ${message}\n`);
  }

  skip(reason = 'no reason'): void {
    this.skipped = reason;
  }

  after(body: () => unknown): void {
    this.afters.push(body);
  }
}

async function runBody({ body, options }: Case, context: Context): Promise<void> {
  const patience = options.timeout ?? DEFAULT_TIMEOUT_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it takes longer than ${patience} ms`)), patience);
  });
  try {
    await Promise.race([body(context), late]);
  } finally {
    clearTimeout(timer);
    for (const after of context.afters) await after();
  }
}

function describeError(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.replaceAll('\n', '\n  ');
}

/** Whether the case did not fail. */
async function runCase(one: Case): Promise<boolean> {
  const context = new Context();
  if (one.options.skip) context.skip(String(one.options.skip));
  try {
    if (context.skipped === undefined) await runBody(one, context);
    const skipped = context.skipped === undefined ? '' : ` # SKIP ${context.skipped}`;
    writeSync(1, `ok - ${one.name}${skipped}\n`);
    return true;
  } catch (error) {
    writeSync(1, `not ok - ${one.name}\n  ${describeError(error)}\n`);
    return false;
  }
}

async function runAll(): Promise<void> {
  let failed = 0;
  for (const one of cases) if (!(await runCase(one))) failed++;
  for (const final of finals) await final();
  process.exit(failed === 0 ? 0 : 1);
}

function add(name: string, ...rest: [Body] | [Options, Body]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  // The whole file has been read by then, whatever it awaits between two tests.
  if (cases.length === 0) process.once('beforeExit', () => void runAll());
  cases.push({ name: [...titles, name].join(' > '), body, options });
}

export { add as it, add as test };

export function describe(title: string, body: () => void): void {
  titles.push(title);
  body();
  titles.pop();
}

/** Runs when all tests of the file have run, and not those of one `describe` alone. */
export function after(body: () => unknown): void {
  finals.push(body);
}
