// Nothing that the package has is missing in the documentation: what the compiler declared is looked
// for in the pages.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as forkexec from '#dist/index.js';
import { launchOptionNames, order, STEP_NAMES } from '#dist/launch/order.js';
import * as forkexecProcess from '#dist/process/index.js';
import * as forkexecSignal from '#dist/signal/index.js';
import { test } from '../helpers/test.js';
import { declarationsOf, entryPoints, read } from './declarations.js';
import { headingsAsCode, proseOf, root, sectionsOf, textOf, wordsOf } from './pages.js';

/** Where what an entry point exports is described. */
const PAGES: Readonly<Record<string, readonly string[]>> = {
  '.': ['docs/api.md', 'docs/errors.md', 'docs/options.md'],
  './process': ['docs/api.md', 'docs/errors.md', 'docs/options.md'],
  './signal': ['docs/signals.md', 'docs/options.md'],
  './syscall': ['docs/syscall.md', 'docs/options.md', 'docs/errors.md'],
  './batch': ['docs/batches.md'],
  './node-pty': ['docs/coming-from-node-pty.md'],
  './child_process': ['docs/coming-from-child-process.md', 'docs/options.md', 'docs/errors.md'],
  './terminal': ['docs/api.md', 'docs/options.md', 'docs/terminals.md'],
};

/** Every member of these has a heading of its own. */
const OPTIONS = ['RunOptions', 'ProcessAttributes', 'ExecOptions'];

const entries = entryPoints();

test('every export of every entry point is described', () => {
  assert.deepEqual(
    entries.map(([entry]) => entry),
    Object.keys(PAGES),
  );
  const missing: string[] = [];
  for (const [entry, exported] of entries) {
    assert.ok(exported.length > 5, entry);
    const words = wordsOf((PAGES[entry] ?? []).map(proseOf).join('\n'));
    for (const { name } of exported) if (!words.has(name)) missing.push(`${entry}: ${name}`);
  }
  assert.deepEqual(missing, []);
});

test('every function and class of the two main entry points has a heading', () => {
  const titles = sectionsOf('docs/api.md').flatMap(({ title }) => title.split(', '));
  const names = [...Object.keys(forkexec), ...Object.keys(forkexecProcess)];
  assert.ok(names.length > 10);
  assert.deepEqual(
    names.filter((name) => !titles.includes(name)),
    [],
  );
});

test('every function has a task in "Which function do I want?"', () => {
  const titles = sectionsOf('docs/README.md');
  const tasks = titles.find(({ title }) => title === 'Which function do I want?');
  const words = wordsOf(tasks?.text ?? '');
  const functions = Object.entries({ ...forkexec, ...forkexecProcess, ...forkexecSignal });
  const names = functions.flatMap(([name, value]) => {
    return typeof value === 'function' && /^[a-z$]/.test(name) ? [name] : [];
  });
  assert.ok(names.length > 15, `${names}`);
  assert.deepEqual(
    names.filter((name) => !words.has(name)),
    [],
  );
});

test('the glossary has its terms in alphabetical order, each with a link', () => {
  const paragraphs = textOf('docs/glossary.md').split('\n\n');
  const entries = paragraphs.flatMap((text) => {
    const [, term] = /^\*\*(.+)\*\*: /.exec(text) ?? [];
    return term === undefined ? [] : [{ term, text }];
  });
  const terms = entries.map(({ term }) => term);
  assert.ok(terms.includes('launch program') && terms.includes('stop ladder'));
  assert.deepEqual(terms, terms.toSorted());
  for (const { term, text } of entries) assert.match(text, /\]\([\w.-]+#?[\w-]*\)$/, term);
});

test('every member of every export is described', () => {
  const missing: string[] = [];
  let count = 0;
  for (const [entry, exported] of entries) {
    const pages = PAGES[entry] ?? [];
    for (const { name, declaration } of exported) {
      const headings = pages.flatMap(sectionsOf).filter(({ title }) => title === name);
      const text = headings.map((section) => section.text).join('\n');
      const words = wordsOf(text === '' ? pages.map(proseOf).join('\n') : headingsAsCode(text));
      for (const member of declaration?.members ?? []) {
        count += 1;
        if (!words.has(member)) missing.push(`${entry}: ${name}.${member}`);
      }
    }
  }
  assert.ok(count > 100);
  assert.deepEqual(missing, []);
});

/** The heading in docs/api.md of a type that has another name there. */
const HEADINGS: Readonly<Record<string, string>> = { Outcome: 'Result', PipelineResult: 'Result' };

test('every member of a class and of a result has a heading to link to', () => {
  const titles = sectionsOf('docs/api.md').flatMap(({ title }) => title.split(', '));
  const missing: string[] = [];
  let count = 0;
  for (const { name, declaration } of entries.flatMap(([, exported]) => exported)) {
    const heading = HEADINGS[name] ?? name;
    // Errors have a page of their own.
    if (!titles.includes(heading) || name.endsWith('Error')) continue;
    if (!/^(class|interface)$/.test(declaration?.kind ?? '')) continue;
    for (const member of declaration?.members ?? []) {
      count += 1;
      if (!titles.includes(`${heading}.${member}`)) missing.push(`${heading}.${member}`);
    }
  }
  assert.ok(count > 80, `${count} members`);
  assert.deepEqual(missing, []);
});

/** All interfaces that there are, by name. */
const interfaces = new Map(
  ['command', 'launch', 'process', 'terminal'].flatMap((folder) => {
    const path = join('dist', folder);
    const files = readdirSync(join(root, 'dist')).includes(folder)
      ? readdirSync(join(root, path)).filter((file) => file.endsWith('.d.ts'))
      : [];
    return files.flatMap((file) => [...declarationsOf(join(path, file))]);
  }),
);

function optionsOf(name: string): string[] {
  const { members = [], bases = [] } = interfaces.get(name) ?? {};
  return [...members, ...bases.flatMap(optionsOf)];
}

test('every option has a heading', () => {
  const titles = sectionsOf('docs/options.md').flatMap(({ title }) => title.split(', '));
  const options = new Set<string>([...OPTIONS.flatMap(optionsOf), ...launchOptionNames]);
  for (const known of ['cwd', 'stdin', 'reject', 'files', 'umask']) assert.ok(options.has(known));
  assert.deepEqual(
    [...options].filter((option) => !titles.includes(option)),
    [],
  );
});

test('every member of every option is described', () => {
  const words = wordsOf(proseOf('docs/options.md'));
  const missing: string[] = [];
  for (const file of readdirSync(join(root, 'dist', 'launch'))) {
    if (!file.endsWith('.d.ts')) continue;
    const declarations = [...declarationsOf(join('dist', 'launch', file))];
    if (!declarations.some(([name]) => name.endsWith('Options'))) continue;
    for (const [name, { members }] of declarations) {
      for (const member of members) {
        if (!words.has(member)) missing.push(`${file}: ${name}.${member}`);
      }
    }
  }
  assert.deepEqual(missing, []);
});

test('every script of package.json is described', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const text = textOf('CONTRIBUTING.md');
  const run = Object.keys(scripts).filter((name) => !/^(pre|post)/.test(name));
  assert.deepEqual(
    run.filter((name) => !new RegExp(`\\b${name}(?![\\w:])`).test(text)),
    [],
  );
  for (const { 1: file = '' } of text.matchAll(/`(scripts\/[\w.-]+)/g)) {
    assert.ok(existsSync(join(root, file)), file);
  }
});

test('every step of a launch is in the table of errors', () => {
  const steps = sectionsOf('docs/errors.md').find(({ title }) => title === 'Steps of a launch');
  const words = wordsOf(steps?.text ?? '');
  assert.deepEqual(
    STEP_NAMES.filter((name) => !words.has(name)),
    [],
  );
});

test('the table of errors has the steps of the child in the order in which they run', () => {
  const steps = sectionsOf('docs/errors.md').find(({ title }) => title === 'Steps of a launch');
  const rows = (steps?.text ?? '').split('\n').filter((line) => line.startsWith('| `'));
  const inChild = rows.slice(rows.findIndex((row) => row.startsWith('| `clone` ')));
  /** The row of a step, if only one attribute and one row has it. */
  const rowOf = (name: string): number[] => {
    const owners = order.filter((attribute) =>
      (attribute.steps as readonly string[]).includes(name),
    );
    const found = [...inChild.keys()].filter((row) => {
      return wordsOf(inChild[row]?.split('|')[1] ?? '').has(name);
    });
    return owners.length === 1 && found.length === 1 ? found : [];
  };
  const places = order.flatMap(({ steps }) => [...new Set(steps.flatMap(rowOf))]);
  assert.ok(places.length > 20, `${places.length} steps are compared`);
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
});
