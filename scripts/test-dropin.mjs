// Runs real programs with Node's own child_process and with the drop-in under them, side by side: their
// exit codes and their output have to be the same. They are installed into a temporary folder.
//
// scripts/test-dropin.mjs [PART…]    only programs with one of these in their name
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const register = join(root, 'lib', 'drop-in.cjs');
const parts = process.argv.slice(2);
const TIMEOUT_MS = 5 * 60_000;

const PACKAGES = [
  'typescript@5.9.3',
  'vitest@3.2.4',
  'jest@30.2.0',
  'nyc@17.1.0',
  'execa@9.6.0',
  'cross-spawn@7.0.6',
  'tinyexec@1.0.1',
  'nano-spawn@2.0.0',
  'concurrently@9.2.1',
  '@playwright/test@1.65.1',
];

/** Playwright's own are downloads; its test runner starts whatever browser it is given. */
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** What the programs work on. */
const FILES = {
  'package.json': JSON.stringify({
    name: 'project',
    version: '1.0.0',
    private: true,
    scripts: {
      test: 'node --test ok.test.js',
      fails: 'node -e "process.exit(7)"',
      nested: 'npm run --silent inner && echo outer',
      inner: 'node -e "console.log(process.env.npm_lifecycle_event)"',
    },
    jest: { testMatch: ['**/*.jest.js'] },
  }),
  'typed.ts': 'export const n: number = 1;\n',
  'wrong.ts': "export const n: number = 'text';\n",
  'ok.test.js':
    "const { test } = require('node:test'); const { execFileSync } = require('node:child_process');\n" +
    "test('runs', () => { require('assert').equal(String(execFileSync('echo', ['x'])), 'x\\n'); });\n",
  'sum.js': 'module.exports = (a, b) => { if (a > b) return a - b; return a + b; };\n',
  'sum.jest.js':
    "const sum = require('./sum'); const cp = require('child_process');\n" +
    "test('adds', () => expect(sum(1, 2)).toBe(3));\n" +
    "test('starts', (done) => { cp.exec('echo hi', (e, out) => { expect(out).toBe('hi\\n'); done(e); }); });\n",
  'other.jest.js':
    "test('passes', () => expect(1).toBe(1)); test('fails', () => expect(1).toBe(2));\n",
  'sum.vitest.mjs':
    "import { execFile } from 'node:child_process'; import { promisify } from 'node:util';\n" +
    "import { expect, test } from 'vitest'; import sum from './sum.js';\n" +
    "test('adds', () => expect(sum(3, 2)).toBe(1));\n" +
    "test('starts', async () => { const { stdout } = await promisify(execFile)('echo', ['x']); expect(stdout).toBe('x\\n'); });\n",
  'vitest.config.mjs': "export default { test: { include: ['*.vitest.mjs'] } };\n",
  'covered.js':
    "const { spawnSync, spawn } = require('child_process'); const sum = require('./sum');\n" +
    "if (process.argv[2] !== 'child') { console.log(sum(1, 2)); spawn(process.execPath, [__filename, 'child'], { stdio: 'inherit' }); }\n" +
    'else console.log(sum(3, 2));\n',
  'execa.mjs': `import { execa, execaSync, $, ExecaError } from 'execa';
    const { stdout } = await execa('echo', ['one']);
    console.log(stdout, (await $\`echo two\`.pipe\`cat\`).stdout, execaSync('echo', ['three']).stdout);
    const fails = [() => execa('nothing-there'), () => execa('sh', ['-c', 'echo e >&2; exit 3']),
      () => execa('sleep', ['10'], { timeout: 50 }), () => execa('sh', ['-c', 'trap "" PIPE; yes 2>/dev/null || exit 5'], { maxBuffer: 10 }),
      () => execa('sleep', ['10'], { cancelSignal: AbortSignal.timeout(50) })];
    for (const run of fails) {
      const error = await run().catch((error) => error);
      console.log(error instanceof ExecaError, error.code, error.exitCode, error.signal, error.timedOut,
        error.isMaxBuffer, error.isCanceled, error.shortMessage);
    }
    const lines = [];
    for await (const line of execa('printf', ['a\\\\nb\\\\n'])) lines.push(line);
    console.log(lines, (await execa('cat', { input: 'in' })).stdout);
    const ipc = execa('child.mjs', { node: true });
    await ipc.sendMessage({ ask: 1 });
    console.log(await ipc.getOneMessage(), (await ipc).exitCode);`,
  'child.mjs': `import { getOneMessage, sendMessage } from 'execa';
    const { ask } = await getOneMessage(); await sendMessage({ answer: ask + 1 });`,
  'others.mjs': `import crossSpawn from 'cross-spawn'; import { x } from 'tinyexec'; import spawn from 'nano-spawn';
    console.log(String(crossSpawn.sync('echo', ['one']).stdout));
    crossSpawn('nothing-there').on('error', ({ code, syscall }) => console.log(code, syscall));
    const { stdout, exitCode } = await x('sh', ['-c', 'echo two; exit 2']);
    console.log(stdout, exitCode);
    console.log((await spawn('echo', ['three'])).output);
    console.log(await spawn('sh', ['-c', 'exit 4']).catch(({ exitCode, message }) => [exitCode, message]));`,
  'page.playwright.mjs': `import { expect, test } from '@playwright/test';
    test('shows a page', async ({ page }) => {
      await page.goto('http://127.0.0.1:' + process.env.PORT);
      await expect(page.locator('h1')).toHaveText('served');
    });
    test('fails', async ({ page }) => {
      await page.setContent('<p>one</p>');
      expect(await page.locator('p').textContent()).toBe('two');
    });`,
  'server.cjs': `require('http').createServer((_, answer) => answer.end('<h1>served</h1>')).listen(process.env.PORT);`,
  // The page's server is a child of the runner, as are the workers and the browser.
  'playwright.config.mjs': `process.env.PORT ??= String(20000 + (process.pid % 10000));
    export default { testMatch: '*.playwright.mjs', fullyParallel: true, workers: 2, reporter: 'line',
      use: { launchOptions: { executablePath: ${JSON.stringify(BROWSER)}, args: ['--no-sandbox'] } },
      webServer: { command: 'node server.cjs', url: 'http://127.0.0.1:' + process.env.PORT } };`,
};

const bin = (name) => join('node_modules', '.bin', name);

/** By name: a command line. */
const PROGRAMS = {
  'npm install': ['npm', 'install', '--no-audit', '--no-fund', '--offline', './local'],
  'npm test': ['npm', 'test', '--silent'],
  'npm run, an exit code': ['npm', 'run', 'fails'],
  'npm run, nested': ['npm', 'run', '--silent', 'nested'],
  npx: ['npx', '--no-install', 'tsc', '--version'],
  tsc: [bin('tsc'), '--noEmit', '--strict', 'typed.ts'],
  'tsc with an error': [bin('tsc'), '--noEmit', '--strict', '--pretty', 'false', 'wrong.ts'],
  'vitest, forks': [bin('vitest'), 'run', '--pool=forks'],
  'vitest, threads': [bin('vitest'), 'run', '--pool=threads'],
  'jest, processes': [bin('jest'), '--maxWorkers=2'],
  'jest, one process': [bin('jest'), '--runInBand', 'sum'],
  'jest with open handles': [bin('jest'), '--runInBand', '--detectOpenHandles', 'sum'],
  nyc: [bin('nyc'), '--reporter=text', '--include=sum.js', 'node', 'covered.js'],
  execa: ['node', 'execa.mjs'],
  'cross-spawn, tinyexec, nano-spawn': ['node', 'others.mjs'],
  concurrently: [
    bin('concurrently'),
    '--kill-others-on-fail',
    'sleep 0.2; echo a',
    'sleep 0.6; exit 3',
  ],
  playwright: [bin('playwright'), 'test'],
};

/** By name of a program: why it can't run here. */
const MISSING = existsSync(BROWSER)
  ? {}
  : { playwright: `${BROWSER} is not there; CHROMIUM names another` };

const COLOR = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** What differs from run to run: times, sizes, numbers of processes, the order of parallel files. */
function settled(text, folder) {
  return text
    .replaceAll(folder, 'FOLDER')
    .replaceAll(COLOR, '')
    .replace(/\(?\b\d+(\.\d+)? ?m?s\b\)?/g, 'TIME')
    .replace(/^\s*(?:# |ℹ )?(?:duration_ms|Time:|Start at|Duration).*$/gm, '')
    .replace(/\d\d:\d\d:\d\d/g, 'CLOCK')
    .replace(/\d+(\.\d+)?(e-?\d+)? ?(m?s)\b/g, 'TIME')
    .split('\n')
    .map((line) => line.trimEnd())
    .sort()
    .join('\n');
}

function run(words, folder, extra) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const [file, ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: folder,
      env: { ...env, CI: '1', NO_COLOR: '1', npm_config_update_notifier: 'false', ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    const texts = ['', ''];
    for (const [index, stream] of [child.stdout, child.stderr].entries()) {
      stream.setEncoding('utf8').on('data', (text) => {
        texts[index] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ how: `${code ?? signal}`, texts }));
  });
}

const place = mkdtempSync(join(tmpdir(), 'forkexec-'));
let failed = 0;
try {
  const template = join(place, 'template');
  mkdirSync(join(template, 'local'), { recursive: true });
  const script = {
    postinstall:
      "node -e \"require('fs').writeFileSync('installed', process.env.npm_package_name)\"",
  };
  const local = { name: 'local', version: '1.0.0', scripts: script };
  writeFileSync(join(template, 'local', 'package.json'), JSON.stringify(local));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(template, name), text);
  console.log(`installing ${PACKAGES.join(' ')}`);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const { how, texts } = await run(['npm', 'install', ...flags, ...PACKAGES], template, {});
  if (how !== '0') throw new Error(`npm install ended with ${how}: ${texts.join('')}`);
  for (const [name, words] of Object.entries(PROGRAMS)) {
    if (parts.length > 0 && !parts.some((part) => name.includes(part))) continue;
    if (MISSING[name] !== undefined) {
      console.log(`skipped    ${name}: ${MISSING[name]}`);
      continue;
    }
    const results = [];
    for (const extra of [{}, { NODE_OPTIONS: `--require=${register}` }]) {
      const folder = join(place, 'project');
      cpSync(template, folder, { recursive: true, verbatimSymlinks: true });
      const result = await run(words, folder, extra);
      rmSync(folder, { recursive: true });
      results.push({ how: result.how, texts: result.texts.map((text) => settled(text, folder)) });
    }
    const [stock, ours] = results.map((result) => JSON.stringify(result, null, 2));
    console.log(`${stock === ours ? 'same     ' : 'DIFFERENT'}  ${name}: exit ${results[1].how}`);
    if (stock === ours) continue;
    failed += 1;
    console.log(`Node:\n${stock}\nthe drop-in:\n${ours}`.replaceAll('\\n', '\n    '));
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
console.log(failed === 0 ? 'All programs do the same.' : `${failed} programs differ.`);
process.exitCode = failed === 0 ? 0 : 1;
