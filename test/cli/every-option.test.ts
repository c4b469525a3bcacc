// No option of the library is missing in the command.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CommandFlag, launchFlags } from '#dist/cli/flags.js';
import { terminalFlag, verboseFlag } from '#dist/cli/run.js';
import { sandboxFlags } from '#dist/cli/sandbox-flags.js';
import { stdioFlags } from '#dist/cli/stdio-flags.js';
import { stopFlags } from '#dist/cli/stop-flags.js';
import { optionNames } from '#dist/command/options.js';
import type { RunOptions, SpawnOptions, StopOptions } from '#dist/index.js';
import { bin, run } from '../helpers/cli.js';
import { test } from '../helpers/test.js';

/** Options that have no flag, and why. */
const WITHOUT_FLAG: Partial<Record<keyof RunOptions, string>> = {
  signal: 'an AbortSignal is an object of JavaScript; signals sent to forkexec stand for it',
  waitDelay: 'forkexec has no pipe to the program that it could wait for',
  input: 'the shell writes it: forkexec run -- program <file',
  encoding: 'forkexec collects no output',
  lines: 'forkexec collects no output',
  maxBuffer: 'forkexec collects no output',
  stripFinalNewline: 'forkexec collects no output',
  exitCodes: 'the exit code of forkexec is that of the program',
  ready: 'forkexec waits for the end of the program; --status-fd says when it runs',
  reject: 'the exit code of forkexec says how the program ended',
};

const flags: readonly CommandFlag[] = [
  ...launchFlags,
  ...stdioFlags,
  terminalFlag,
  ...stopFlags,
  ...sandboxFlags,
  verboseFlag,
];

/** A policy that is read. */
const EMPTY_POLICY = 'docs/sandbox.schema.json';

const VALUES = ['1', EMPTY_POLICY, '3=null', 'TERM', 'user', '0:0:1', 'nofile=1', '5s'];

/** The options that a flag sets, for the first of some values that it takes. */
function setBy(flag: CommandFlag): SpawnOptions {
  for (const value of VALUES) {
    try {
      return flag.apply({}, value);
    } catch {
      // not a value of this flag
    }
  }
  throw new Error(`${flag.flags} takes none of the values of this test`);
}

test('every option has a flag of forkexec run, or a reason why it has none', () => {
  const set = new Set(flags.flatMap((flag) => Object.keys(setBy(flag))));
  for (const name of optionNames) {
    const reason = WITHOUT_FLAG[name as keyof RunOptions];
    assert.ok(set.has(name) !== (reason !== undefined), `${name}: a flag, or else a reason`);
  }
  assert.ok(optionNames.length > 40);
  for (const name of Object.keys(WITHOUT_FLAG)) assert.ok(optionNames.includes(name), name);
});

test('every part of the option stop has a flag', () => {
  const parts: Record<keyof StopOptions, true> = {
    signal: true,
    grace: true,
    scope: true,
    steps: true,
  };
  const set = new Set(flags.flatMap((flag) => Object.keys(setBy(flag).stop ?? {})));
  assert.deepEqual([...set].sort(), Object.keys(parts).sort());
});

test('every flag of stdio and of the end is in --help and in docs/options.md', () => {
  const help = run('--help').stdout;
  const docs = readFileSync(join(dirname(dirname(bin)), 'docs', 'options.md'), 'utf8');
  for (const { flags: words } of [...stdioFlags, terminalFlag, ...stopFlags, verboseFlag]) {
    assert.ok(help.includes(`  ${words}`), `--help has ${words}`);
    assert.ok(docs.includes(`\`${words}`), `docs/options.md has ${words}`);
  }
});
