// The examples of the documentation compile, run, and print what the page shows.
//
// A block of `ts` or `console` runs unless its fence gives a reason:
//   ```ts types only: needs a terminal       the types are checked, the block does not run
//   ```ts shown only: another library        neither
//   ```ts as root: chroot                    runs only if the tests run as root with all rights
//   ```ts on a terminal: what it is about    runs with a controlling terminal as stdin
//   ```console figures vary: times           runs, and the numbers may differ
// `console.log(…); // text` has the expected output, lines separated by `, then `; `// prints: text`
// has the output of another program. `…` in it stands for any text.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command, run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import {
  type Lack,
  noPidfdOpen,
  noPidfdSignal,
  noPlainNamespaces,
  notFullRoot,
} from '../helpers/facilities.js';
import { patience } from '../helpers/patience.js';
import { withPty } from '../helpers/pty.js';
import { needsConsoleOfNode } from '../helpers/runtime.js';
import { test } from '../helpers/test.js';
import { type Block, blocksOf, pages, root, textOf, userPages } from './pages.js';

/** Inside the package, so that it finds itself by its name. */
const folder = join(root, 'build', 'examples');

/** Far more than any example takes: only one that hangs fails, also on a busy machine. */
const PATIENCE = patience(120_000);
const AT_ONCE = 2;

/** Root with all rights, unlike root of a container. */
const mayAll = process.getuid?.() === 0 && !notFullRoot && !noPlainNamespaces;
const blocks = userPages.flatMap(blocksOf);

interface Mark {
  readonly runs: boolean;
  readonly typed: boolean;
  readonly terminal: boolean;
  /** Whether numbers are those of another run. */
  readonly figures: boolean;
}

function markOf({ where, mark }: Block): Mark {
  if (mark === '') return { runs: true, terminal: false, typed: true, figures: false };
  const [, kind, reason = ''] =
    /^(as root|figures vary|on a terminal|types only|shown only): (.+)$/.exec(mark) ?? [];
  assert.ok(reason !== '', `${where}: ${mark}: not one of the marks above with a reason`);
  const runs = kind === 'as root' ? mayAll : kind !== 'types only' && kind !== 'shown only';
  const terminal = kind === 'on a terminal';
  return { runs, terminal, typed: kind !== 'shown only', figures: kind === 'figures vary' };
}

const typed = blocks.filter((block) => block.language === 'ts' && markOf(block).typed);

/** The output that the comments of an example show. */
function printsOf(code: string): string[] {
  const lines: string[] = [];
  let logging = false;
  for (const line of code.split('\n')) {
    logging ||= line.includes('console.log(');
    const [, told] = /\/\/ prints: (.+)$/.exec(line) ?? [];
    const [, logged] = logging ? (/[;)}] \/\/ (.+)$/.exec(line) ?? []) : [];
    const text = told ?? logged;
    if (text !== undefined) lines.push(...text.split(', then '));
    if (text !== undefined || line.endsWith(';')) logging = false;
  }
  return lines;
}

function pattern(line: string): string {
  return line
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
}

/** Compares the output with the page; a line `…` stands for any number of lines. */
function assertPrinted(where: string, output: string, said: readonly string[]): void {
  const wanted = said
    .map((line) => (line === '…' ? '(?:.*\\n)*?' : `${pattern(line)}\\n`))
    .join('');
  const printed = output === '' || output.endsWith('\n') ? output : `${output}\n`;
  const shown = said.map((line) => `${line}\n`).join('');
  assert.match(
    printed,
    new RegExp(`^${wanted}$`),
    `${where}\nprints\n${printed}and says\n${shown}`,
  );
}

/** Calls `use` for each, a few at a time, and reports all that failed. */
async function each<T>(list: readonly T[], use: (item: T) => Promise<void>): Promise<void> {
  const left = [...list];
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      await use(item).catch((error: Error) => failed.push(error.message));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.ok(failed.length === 0, failed.join('\n\n'));
}

/** Calls `use` with an empty directory to work in. */
async function inDirectory(use: (cwd: string) => Promise<void>): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'forkexec-docs-'));
  try {
    await use(cwd);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

/** The settings of a beginner: strict, and nothing more. */
const COMPILER_OPTIONS = {
  strict: true,
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  types: ['node'],
  skipLibCheck: true,
  rootDir: '.',
  outDir: 'js',
};

async function compile(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = typed.map(({ code }, index) => {
    const file = `${index}.ts`;
    writeFileSync(join(folder, file), code);
    return file;
  });
  const config = { compilerOptions: COMPILER_OPTIONS, files };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { status, stdout } = await run(tsc, ['-p', folder], { reject: false });
  const told = stdout.replaceAll(/^.*\/(\d+)\.ts/gm, (_, index) => typed[index]?.where ?? '');
  assert.ok(status.ok, told);
}

/** The message for a call that this system refuses, and the probe that found the same. */
const REFUSALS: readonly [told: RegExp, lack: Lack][] = [
  [/: pidfd_open: E/, noPidfdOpen],
  [/: pidfd_send_signal: E/, noPidfdSignal],
];

/** Why this system cannot run the example, or false. */
function refusalIn(output: string): Lack {
  return REFUSALS.find(([told, lack]) => lack !== false && told.test(output))?.[1] ?? false;
}

/** Many programs run, each with its own limit. */
const MANY = { timeout: 300_000 };

test(
  'the TypeScript examples of the documentation compile, run, and print what they show',
  async (context) => {
    needsLinux('What the examples show');
    needsConsoleOfNode();
    assert.ok(typed.some(({ where }) => where.startsWith('README.md')));
    try {
      await compile();
      await each([...typed.entries()], async ([index, block]) => {
        if (!markOf(block).runs) return;
        const file = join(folder, 'js', `${index}.js`);
        const example = command(process.execPath, [file], {
          reject: false,
          stripFinalNewline: false,
          timeout: PATIENCE,
        });
        await inDirectory(async (cwd) => {
          const { status, stdout, stderr } = markOf(block).terminal
            ? await withPty(({ terminal: stdin }) => {
                return example.run({ cwd, stdin, session: true, controllingTerminal: 0 });
              })
            : await example.run({ cwd });
          const refusal = refusalIn(stdout + stderr);
          if (refusal !== false)
            return context.diagnostic(`${block.where} is not shown: ${refusal}`);
          assert.deepEqual([String(status), stderr], ['exit status 0', ''], block.where);
          assertPrinted(block.where, stdout, printsOf(block.code));
        });
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  MANY,
);

/** The commands of a session and what they print. */
function sessionOf(code: string): { command: string; output: string[] }[] {
  const session: { command: string; output: string[] }[] = [];
  for (const line of code.trimEnd().split('\n')) {
    const last = session.at(-1);
    if (line.startsWith('$ ')) session.push({ command: line.slice(2), output: [] });
    else if (line.startsWith('> ') && last !== undefined) last.command += `\n${line.slice(2)}`;
    else last?.output.push(line);
  }
  return session;
}

const SEPARATOR = '--- next ---';

test(
  'the shell sessions of the documentation print what they show',
  async () => {
    needsLinux('What the sessions show');
    const bin = mkdtempSync(join(tmpdir(), 'forkexec-bin-'));
    const sessions = blocks.filter(({ language }) => language === 'console');
    assert.ok(sessions.some((block) => markOf(block).runs));
    try {
      symlinkSync(join(root, 'bin', 'forkexec.js'), join(bin, 'forkexec'));
      await each(sessions, async (block) => {
        if (!markOf(block).runs) return;
        const session = sessionOf(block.code);
        // One shell for all of them, which remembers $? and the directory from one to the next.
        const keep = `status=$?; echo; echo '${SEPARATOR}'; (exit $status)`;
        const script = ['exec 2>&1', ...session.map(({ command }) => `${command}\n${keep}`)];
        await inDirectory(async (cwd) => {
          const { stdout } = await run('sh', ['-c', script.join('\n')], {
            cwd,
            env: { PATH: `${bin}:${process.env['PATH']}` },
            reject: false,
            stripFinalNewline: false,
            timeout: PATIENCE,
          });
          const outputs = stdout.split(`\n${SEPARATOR}\n`);
          for (const [index, { command, output }] of session.entries()) {
            const figures = (line: string) => line.replaceAll(/\d+(\.\d+)?/g, '…');
            const said = markOf(block).figures ? output.map(figures) : output;
            assertPrinted(`${block.where}: ${command}`, outputs[index] ?? '', said);
          }
        });
      });
    } finally {
      rmSync(bin, { recursive: true, force: true });
    }
  },
  MANY,
);

test('every code block of the documentation has a known language', () => {
  const known = new Set(['ts', 'console', 'go', 'json', 'mermaid', '']);
  for (const { where, language, code } of blocks) {
    assert.ok(known.has(language), `${where}: ${language}`);
    const isProgram = language === '' && /^(import |const |await |\$ )/m.test(code);
    assert.ok(!isProgram, `${where}: a program, whose fence does not say so`);
  }
});

test('every quotation from a source file is in that file', () => {
  let count = 0;
  for (const { where, language, mark, code } of pages.flatMap(blocksOf)) {
    const [, path] = /^from (\S+)$/.exec(mark) ?? [];
    if (language !== 'ts' || path === undefined) continue;
    count += 1;
    const source = readFileSync(join(root, path), 'utf8');
    for (const part of code.trimEnd().split('\n\n')) {
      assert.ok(source.includes(part), `${where}: not in ${path}:\n${part}`);
    }
  }
  assert.ok(count > 0);
  const fences = [...textOf('CONTRIBUTING.md').matchAll(/^```ts(.*)$/gm)];
  assert.ok(fences.every(({ 1: mark = '' }) => mark.startsWith(' from ')));
});
