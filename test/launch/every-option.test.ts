// What every option has: a flag, a heading in the documentation, a comment.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { launchFlags } from '#dist/cli/flags.js';
import { launchOptionNames, order, STEP_NAMES } from '#dist/launch/order.js';
import { flagsOf, optionCases } from '../helpers/all-cases.js';
import { test } from '../helpers/test.js';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/options.md', root), 'utf8');

/** What stands below a heading. */
function sectionOf(name: string): string {
  const [, section] = page.split(new RegExp(`^### ${name}$`, 'm'));
  assert.ok(section !== undefined, `there is no heading ${name}`);
  return section.split(/^##+ /m)[0] ?? '';
}

/** A value that each flag takes, from the samples. */
const VALUES = new Map<string | undefined, string | undefined>(
  Object.entries(optionCases).flatMap(([name, { sample }]) =>
    flagsOf(name, sample).map((words) => {
      const [flag, value] = words.split(/ (.*)/);
      return [flag, value] as const;
    }),
  ),
);

/** The flags of an option, by trying them. */
function flagsThatSet(name: string): string[] {
  return launchFlags.flatMap(({ flags, apply }) => {
    const [word = ''] = flags.split(' ');
    return name in apply({}, VALUES.get(word) ?? '1') ? [word] : [];
  });
}

for (const name of launchOptionNames) {
  test(`${name}: flag, heading, default, manual page, step and errors`, () => {
    const section = sectionOf(name);
    const own = flagsThatSet(name);
    assert.ok(own.length > 0, 'no flag sets it');
    for (const flag of own) assert.ok(section.includes(flag), `${flag} is not named`);
    const head = section.trim().split('\n\n')[0] ?? '';
    assert.match(head, /default:\s/, 'the default');
    assert.match(head, /^(`|array)/, 'the type');
    assert.match(section, /\b[\w-]+\([1-8]\w*\)/, 'a manual page');
    // Where a launch can fail for it, the step and the errno.
    const steps = [...section.matchAll(/`([\w]+)`/g)].map(([, word]) => word as string);
    const named = steps.filter((word) => (STEP_NAMES as readonly string[]).includes(word));
    assert.ok(named.length > 0 || SILENT.has(name), 'no step is named');
    assert.ok(/\bE[A-Z0-9]{3,}\b/.test(section) || HARMLESS.has(name), 'no errno is named');
  });
}

/** They change what execve is given, and fail with it. */
const SILENT = new Set(['clearEnv', 'argv0']);

/** What the kernel refuses to nobody, or only to system calls that a filter denies. */
const HARMLESS = new Set([
  'clearEnv',
  'argv0',
  'path',
  'session',
  'parentDeathSignal',
  'umask',
  'signals',
  'noNewPrivileges',
]);

test('every option has a comment with its default', () => {
  const folder = new URL('src/launch/', root);
  const sources = readdirSync(folder)
    .sort()
    .map((file) => readFileSync(new URL(file, folder), 'utf8'));
  for (const name of launchOptionNames) {
    const declaration = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n  ${name}\\?:`);
    const comment = sources.map((text) => declaration.exec(text)?.[1]).find(Boolean);
    assert.ok(comment !== undefined, `${name} has no comment`);
    assert.match(comment, /Default|default/, name);
  }
});

test('every step of an option has a row in the table of errors', () => {
  const errors = readFileSync(new URL('docs/errors.md', root), 'utf8');
  const rows = errors.split('\n').filter((line) => line.startsWith('| `'));
  const has = (step: string, link: string) =>
    rows.some((row) => row.split(' | ')[0]?.includes(`\`${step}\``) && row.includes(link));
  for (const { options, steps } of order) {
    const links = options.length === 0 ? [''] : options.map((name) => `#${name.toLowerCase()})`);
    for (const step of steps) {
      assert.ok(
        links.some((link) => has(step, link)),
        `${step} of ${options.join()}`,
      );
    }
  }
  for (const step of STEP_NAMES) assert.ok(has(step, ''), step);
});

test('options with a number document its unit', () => {
  assert.match(sectionOf('rlimits'), /bytes[\s\S]*seconds[\s\S]*microseconds/);
  assert.match(sectionOf('scheduler'), /nanoseconds/);
});
