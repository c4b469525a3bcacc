// The examples of the documentation: they have the types that they need, and they run.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Inside the package, so that it finds itself by its name. */
const folder = join(root, 'build', 'examples');

interface Example {
  /** `docs/api.md:22` */
  readonly where: string;
  readonly code: string;
}

/** The blocks of code in a page that can run: all of the README, elsewhere those marked runnable. */
function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  const examples: Example[] = [];
  for (const { 1: mark, 2: code, index } of text.matchAll(/^```[tj]s\b(.*)\n((?:.*\n)+?)^```$/gm)) {
    if (page !== 'README.md' && mark?.trim() !== 'runnable') continue;
    const line = text.slice(0, index).split('\n').length;
    examples.push({ where: `${page}:${line}`, code: code as string });
  }
  return examples;
}

const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...docs.map((name) => `docs/${name}`)];
const examples = pages.flatMap(examplesOf);

function withExamples(extension: string, use: (files: readonly string[]) => void): void {
  mkdirSync(folder, { recursive: true });
  try {
    const files = examples.map(({ code }, index) => {
      const file = join(folder, `${index}.${extension}`);
      writeFileSync(file, code);
      return file;
    });
    use(files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the examples run as they stand', () => {
  assert.ok(examples.some(({ where }) => where.startsWith('README.md')));
  withExamples('mjs', (files) => {
    for (const [index, file] of files.entries()) {
      const { status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' }, examples[index]?.where);
    }
  });
});

test('the examples have the right types', () => {
  withExamples('ts', (files) => {
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: { noEmit: true, skipLibCheck: true },
      files,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    const { status, stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8' });
    const where = examples.map((example, index) => `${index}.ts is ${example.where}`);
    assert.equal(status, 0, `${stdout}\n${where.join('\n')}`);
  });
});

test('the output that the README shows has the lines of --usage', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const shown = /^status .*\n(?:\w.+\n)+/m.exec(readme)?.[0] ?? '';
  const bin = join(root, 'bin', 'forkexec.js');
  const words = ['run', '--usage', '--', 'sh', '-c', 'ls -l /etc | wc -l'];
  const { stderr } = spawnSync(process.execPath, [bin, ...words], { encoding: 'utf8' });
  const names = (table: string): string[] => table.match(/^[a-z]+( [a-z]+)?(?= {2})/gm) ?? [];
  assert.ok(names(stderr).length > 0);
  assert.deepEqual(names(shown), names(stderr));
});

/** The headings of a page as GitHub makes anchors of them. */
function anchorsOf(path: string): string[] {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(({ 1: heading }) => {
    return (heading as string)
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-');
  });
}

test('links between the pages lead somewhere', () => {
  for (const page of [...pages, 'CONTRIBUTING.md', 'CHANGELOG.md']) {
    const text = readFileSync(join(root, page), 'utf8');
    for (const { 1: target } of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, anchor] = (target as string).split('#');
      const path = file === '' ? join(root, page) : join(root, dirname(page), file as string);
      assert.ok(existsSync(path), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(path).includes(anchor), `${page}: ${target}`);
    }
  }
});
