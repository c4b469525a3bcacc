import assert from 'node:assert/strict';
import { join } from 'node:path';
import { run, runSync, spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { forkExec } from '#dist/syscall.js';
import { withFolder } from '../helpers/state.js';
import { processState } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const url = (path: string): string =>
  JSON.stringify(new URL(`../../../dist/${path}`, import.meta.url).href);

const IMPORTS = `
import { command, run, runSync, spawn, withOptions } from ${url('index.js')};
import { startProcess, startProcessSync } from ${url('process/index.js')};
import { forkExec } from ${url('syscall.js')};
`;

/** What a program prints that begins with the imports, as lines. */
async function linesOf(code: string): Promise<string[]> {
  const words = ['--input-type=module', '-e', IMPORTS + code];
  return (await run(process.execPath, words, { lines: true })).stdout as unknown as string[];
}

/** What each would do to a launch, or to its result, were it an option. */
const POLLUTION = {
  argv0: "'other'",
  cwd: "'/nonexistent'",
  chroot: "'/nonexistent'",
  env: "{ WORD: 'polluted' }",
  clearEnv: 'true',
  path: "'/nonexistent'",
  umask: '0o77',
  credential: '{ uid: 4242 }',
  session: 'true',
  stdout: "'null'",
  timeout: '1',
  reject: 'false',
  lines: 'true',
  maxBuffer: '1',
  input: "'polluted'",
  scope: "'group'",
} as const;

const SCRIPT = 'echo "$0 $WORD $PWD $(umask) $(cat)"; sleep 0.02; exit 3';

for (const [key, value] of Object.entries(POLLUTION)) {
  test(`${key} of Object.prototype is no option`, async () => {
    const lines = await linesOf(`
      const outcome = ({ status: { code }, stdout }) => JSON.stringify([code, stdout]);
      const words = ['-c', ${JSON.stringify(SCRIPT)}];
      const stdin = { stdin: 'null' };
      const all = async () => {
        const say = [];
        say.push(outcome(await run('sh', words).catch((error) => error)));
        say.push(outcome(await run('sh', words, stdin).catch((error) => error)));
        try { runSync('sh', words); } catch (error) { say.push(outcome(error)); }
        say.push(outcome(await command('sh', words).run().catch((error) => error)));
        const { run: bound } = withOptions({ cwd: '/', env: { WORD: 'own' } });
        say.push(outcome(await bound('sh', words, {}).catch((error) => error)));
        const piped = command('true').pipe(command('sh', words));
        say.push(outcome(await piped.run().catch((error) => error)));
        const child = await spawn('sh', words, { stdin: 'null', stdout: 'pipe' });
        const text = await child.stdout.toArray();
        say.push(outcome({ status: await child.closed, stdout: String(Buffer.concat(text)) }));
        const sleeper = await spawn('sleep', ['1000']);
        say.push(sleeper.kill('SIGTERM'), (await sleeper.exited).signal);
        const files = ['null', 'null', 'null'];
        say.push((await (await startProcess('/bin/sh', ['sh', ...words], { files })).wait()).code);
        say.push((await startProcessSync('/bin/sh', ['sh', ...words], { files }).wait()).code);
        return say.join();
      };
      const before = await all();
      Object.prototype[${JSON.stringify(key)}] = ${value};
      const after = await all();
      delete Object.prototype[${JSON.stringify(key)}];
      console.log(before);
      console.log(after);
    `);
    assert.equal(lines.length, 2);
    assert.match(lines[0] as string, /0022/);
    assert.equal(lines[1], lines[0]);
  });
}

test('what Object.prototype has is no option of engines and terminals either', async () => {
  const lines = await linesOf(`
    const { container, custom, slurm, ssh } = await import(${url('batch/index.js')});
    const { openTerminal } = await import(${url('terminal/index.js')});
    const pty = await import(${url('node-pty/index.js')});
    const all = async () => {
      const engines = [ssh('host'), slurm(), container('podman', 'name'), custom(['agent'])].flat();
      const terminal = openTerminal();
      const { columns } = terminal.size;
      await terminal.close();
      const program = pty.spawn('sh', ['-c', 'pwd; id -u'], {});
      let text = '';
      program.onData((data) => { text += data; });
      await new Promise((resolve) => program.onExit(resolve));
      return JSON.stringify([engines, columns, text, program.cols]);
    };
    const before = await all();
    Object.assign(Object.prototype, { agent: ['other'], args: ['--other'], srun: 'other', nodes: 2 });
    Object.assign(Object.prototype, { jobs: 7, columns: 7, cols: 7, uid: 4242, cwd: '/' });
    const after = await all();
    for (const key in {}) delete Object.prototype[key];
    console.log(before);
    console.log(after);
  `);
  assert.equal(lines.length, 2);
  assert.equal(lines[1], lines[0]);
});

test('what an object of options inherits is no option', async () => {
  const lines = await linesOf(`
    const options = Object.create({ cwd: '/', env: { WORD: 'inherited' } });
    options.argv0 = 'own';
    console.log((await run('sh', ['-c', 'echo $0 \${WORD-none}'], options)).stdout);
    console.log((await (await startProcess('/bin/true', ['true'], options)).wait()).code);
    const bare = Object.assign(Object.create(null), { argv0: 'bare' });
    console.log((await run('sh', ['-c', 'echo $0'], bare)).stdout);
  `);
  assert.deepEqual(lines, ['own none', '0', 'bare']);
});

test('names in env and fds are no options, whatever Object.prototype has', async () => {
  const lines = await linesOf(`
    Object.prototype.WORD = 'polluted';
    const { stdout } = await run('sh', ['-c', 'echo \${WORD-none} $OTHER; echo out >&4'], {
      env: { OTHER: 'own' },
      fds: { 4: 1 },
    });
    delete Object.prototype.WORD;
    console.log(stdout);
  `);
  assert.deepEqual(lines, ['out', 'none own']);
});

test('a pipeline whose input fails stops its other commands, and waits for them', async () => {
  const lines = await linesOf(`
    async function* input() { yield 'some'; throw new Error('no more input'); }
    const words = ['-c', 'echo $$ >&2; cat >/dev/null; exec sleep 1000'];
    const error = await command('cat').pipe(command('sh', words, { stderr: 1 }))
      .run({ input: input() }).catch((error) => error);
    console.log(error.message);
  `);
  assert.match(lines[1] as string, /no more input/);
  assert.equal(processState(Number(lines[0])), '');
});

test('a command whose stop names a group that it does not lead is stopped itself', async () => {
  const stop = { scope: 'group', grace: 1000 } as const;
  const ending = run('sleep', ['1000'], { stop, timeout: 50, reject: false });
  const { status } = await ending;
  assert.deepEqual([status.reason, status.signal], ['timeout', 'SIGTERM']);
  const child = await spawn('sleep', ['1000'], { stop });
  await assert.rejects(child.stop({ scope: 'group' }), { name: 'TypeError', message: /group/ });
  assert.equal(child.process.status(), undefined);
  await assert.rejects(child.stop(), { name: 'TypeError', message: /group/ });
  assert.equal((await child.exited).signal, 'SIGTERM');
});

test('a launch that is too large leaves nothing open, and its error says what there is too much of', async () => {
  const fds = Object.fromEntries(Array.from({ length: 66_000 }, (_, at) => [at + 3, 'null']));
  const many = { code: 'ERR_INVALID_ARG_VALUE', message: /number of system calls .*66/ };
  await assert.rejects(spawn('true', { fds: fds as Record<number, 'null'>, stdout: 'pipe' }), many);
  const word = 'x'.repeat(100 << 20);
  const long = { code: 'ERR_INVALID_ARG_VALUE', message: /number of bytes of arguments/ };
  const words = [word, word, word];
  await withFolder(async (folder) => {
    const options = { stdin: 'pipe', stdout: { file: join(folder, 'out') } } as const;
    await assert.rejects(spawn('true', words, options), long);
    assert.throws(() => runSync('true', words, { stdout: options.stdout }), long);
  });
  assert.throws(() => runSync('true', words, { input: 'text' }), long);
  await assert.rejects(startProcess('/bin/true', ['true', ...words]), long);
  await assert.rejects(forkExec('/bin/true', ['true', ...words]), long);
});

test('an error of the function verbose is uncaught, and the command goes on', async () => {
  const lines = await linesOf(`
    process.on('uncaughtException', (error) => console.log(error.message));
    const verbose = (line) => { throw new Error(line.replace(/.*pid.*/, 'launched').replace(/.*after.*/, 'ended')); };
    console.log((await run('echo', ['run'], { verbose })).stdout);
    console.log(runSync('echo', ['runSync'], { verbose }).stdout);
    await new Promise(setImmediate);
  `);
  assert.deepEqual(lines.sort(), ['ended', 'ended', 'launched', 'launched', 'run', 'runSync']);
});
