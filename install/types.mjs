// The published types, for each TypeScript and both kinds of modules, and what checkers of packages say.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { node, project, run, theTarball, tool } from './project.mjs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const entries = Object.entries(manifest.exports)
  .filter(([, target]) => typeof target === 'object')
  .map(([entry]) => entry.replace(/^\./, '@forkexec/core'));

const everyEntry = entries
  .map((entry, index) => `import * as entry${index} from '${entry}';\nexport { entry${index} };\n`)
  .join('');

const TYPED = `import { run, spawn, type LaunchOptions } from '@forkexec/core';
import { startProcess, type Process } from '@forkexec/core/process';
export async function use(options: LaunchOptions): Promise<string> {
  const { stdout } = await run('echo', ['hello'], { ...options, lines: true });
  const lines: string[] = stdout;
  const child = await spawn('cat', { stdin: 'pipe' });
  child.stdin.end('');
  const process: Process = await startProcess('/bin/true', ['true']);
  await process.wait();
  return lines.join();
}
// @ts-expect-error: an option that does not exist
export const wrong = run('true', [], { no: true });
${everyEntry}`;

/** The library's own types are checked too: nothing but Node's types of the oldest version is there. */
function compile(of) {
  const place = project(of, {
    'main.mts': TYPED,
    'main.cts': TYPED,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2022', 'esnext.disposable'],
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: ['node'],
        skipLibCheck: false,
      },
      files: ['main.mts', 'main.cts'],
    }),
  });
  cpSync(tool('@types/node-20'), join(place, 'node_modules', '@types', 'node'), {
    recursive: true,
  });
  cpSync(tool('undici-types'), join(place, 'node_modules', 'undici-types'), { recursive: true });
  try {
    run(node, [tool(`${of}/bin/tsc`), '-p', '.'], { cwd: place });
  } catch ({ message }) {
    // The types of Node 20 have errors of their own for a newer TypeScript.
    const own = message
      .split('\n')
      .filter((line) => /^(?:main\.|node_modules\/@forkexec)/.test(line));
    if (own.length > 0 || !message.includes('node_modules/@types/node/')) throw new Error(message);
  }
}

/** A shell script up to the line that starts Node: publint knows /usr/bin/env alone. */
const KNOWN = new Set(['BIN_FILE_NOT_EXECUTABLE']);

async function publint() {
  const place = project('publint', {});
  const pkgDir = join(place, 'node_modules', '@forkexec', 'core');
  const program = `import { publint } from 'publint';
    const { messages } = await publint({ pkgDir: '${pkgDir}', strict: true, pack: false });
    console.log(JSON.stringify(messages));`;
  const messages = JSON.parse(run(node, ['--input-type=module', '-e', program], { cwd: place }));
  const told = messages.filter(({ code }) => !KNOWN.has(code));
  if (told.length > 0) throw new Error(JSON.stringify(told));
}

function attw() {
  const words = [tool('@arethetypeswrong/cli/dist/index.js'), '--profile', 'node16', theTarball()];
  run(node, [...words, '--no-emoji'], { cwd: project('attw', {}) });
}

export const types = [
  ['TypeScript 5.4', 'typescript-5.4', 'nothing', () => compile('typescript-5.4')],
  ['TypeScript 5.9', 'typescript-5.9', 'nothing', () => compile('typescript-5.9')],
  ['TypeScript 6', 'typescript-6', 'nothing', () => compile('typescript-6')],
  ['TypeScript 7', 'typescript-7', 'nothing', () => compile('typescript-7')],
  ['publint', 'publint', 'nothing', publint],
  ['attw', '@arethetypeswrong/cli', 'nothing', attw],
].map(([name, of, add, check]) => ({ name, of, add, check }));
