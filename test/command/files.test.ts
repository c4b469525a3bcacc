import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { run, runSync, type SpawnOptions, spawn } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Calls `use` with a folder and a function that runs a script in it, by `run` and by `runSync`. */
function withRunners(
  use: (
    folder: string,
    sh: (script: string, options?: SpawnOptions) => Promise<{ stdout: string }>,
  ) => Promise<void>,
): () => Promise<void> {
  return async () => {
    await withFolder((folder) =>
      use(folder, (script, options) => run('sh', ['-c', script], { cwd: folder, ...options })),
    );
    await withFolder((folder) =>
      use(folder, async (script, options) =>
        runSync('sh', ['-c', script], { cwd: folder, ...options }),
      ),
    );
  };
}

test(
  'a descriptor of this process is shared with the child, including its position',
  withRunners(async (folder, sh) => {
    writeFileSync(join(folder, 'in'), 'first\nsecond\nthird\n');
    const input = openSync(join(folder, 'in'), 'r');
    const output = openSync(join(folder, 'out'), 'w');
    try {
      await sh('read line; echo "$line"', { stdin: input, stdout: output, stderr: output });
      await sh('cat; echo error >&2', { stdin: input, stdout: output, stderr: output });
      await sh('echo five >&5', { fds: { 5: output } });
    } finally {
      closeSync(input);
      closeSync(output);
    }
    const text = readFileSync(join(folder, 'out'), 'utf8');
    // The shell reads a file no further than its line.
    assert.equal(text, 'first\nsecond\nthird\nerror\nfive\n');
  }),
);

test(
  'files are read, emptied, appended to, and created with a mode',
  withRunners(async (folder, sh) => {
    const [input, output] = [join(folder, 'in'), join(folder, 'out')];
    writeFileSync(input, 'input');
    writeFileSync(output, 'what was there before');
    await sh('cat', { stdin: { file: input }, stdout: { file: output } });
    assert.equal(readFileSync(output, 'utf8'), 'input');
    await sh('echo more >&2', { stderr: { file: pathToFileURL(output), append: true } });
    assert.equal(readFileSync(output, 'utf8'), 'inputmore\n');
    const made = { file: join(folder, 'made'), access: 'write', mode: 0o640 } as const;
    await sh('echo >&7', { fds: { 7: made } });
    assert.equal(statSync(join(folder, 'made')).mode & 0o777, 0o640 & ~process.umask());
    const { stdout } = await sh('cat <&4; echo changed >&4', {
      fds: { 4: { file: output, access: 'readwrite', append: true } },
    });
    assert.equal(stdout, 'inputmore');
    assert.equal(readFileSync(output, 'utf8'), 'inputmore\nchanged\n');
    const { stdout: again } = await sh('cat <&3', { fds: { 3: { file: input, access: 'read' } } });
    assert.equal(again, 'input');
    assert.equal(readFileSync(input, 'utf8'), 'input', 'what is only read is not emptied');
  }),
);

test(
  'a file above descriptor 2 is refused without a direction, and keeps its content',
  withRunners(async (folder, sh) => {
    const file = join(folder, 'kept');
    writeFileSync(file, 'kept');
    for (const stdio of [{ file }, { file, append: false }, { file, mode: 0o600 }]) {
      await assert.rejects(async () => sh('true', { fds: { 4: stdio } }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: /^fds\.4\.access must be 'read', 'write' or 'readwrite'/,
      });
    }
    assert.equal(readFileSync(file, 'utf8'), 'kept');
    await sh('echo more >&4', { fds: { 4: { file, append: true } } });
    assert.equal(readFileSync(file, 'utf8'), 'keptmore\n');
    await sh('true', { fds: { 4: { file, access: 'write' } } });
    assert.equal(readFileSync(file, 'utf8'), '');
  }),
);

test(
  "access 'readwrite' does not empty a file",
  withRunners(async (folder, sh) => {
    const file = join(folder, 'kept');
    writeFileSync(file, 'a line\n');
    const { stdout } = await sh('cat <&4; echo more >&4', {
      fds: { 4: { file, access: 'readwrite' } },
    });
    assert.equal(stdout, 'a line');
    assert.equal(readFileSync(file, 'utf8'), 'a line\nmore\n');
  }),
);

test("stderr 'stdout' goes to the destination of stdout", () =>
  withFolder(async (folder) => {
    const file = join(folder, 'out');
    const script = ['-c', 'echo out; echo error >&2; echo out again'];
    const expected = 'out\nerror\nout again\n';
    await run('sh', script, { stdout: { file }, stderr: 'stdout' });
    assert.equal(readFileSync(file, 'utf8'), expected);
    const fd = openSync(file, 'w');
    try {
      runSync('sh', script, { stdout: fd, stderr: 'stdout' });
    } finally {
      closeSync(fd);
    }
    assert.equal(readFileSync(file, 'utf8'), expected);
    assert.equal((await run('sh', script, { stdout: 'null', stderr: 'stdout' })).stderr, '');
  }));

test('a command with invalid options does not empty its file', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'precious');
    writeFileSync(file, 'data');
    const wrong: object[] = [
      { umask: -1 },
      { cwd: 'a\0b' },
      { env: { A: 5 } },
      { signals: { mask: ['SIGFOO'] } },
      { timeout: -1 },
      { stop: { signal: 'SIGFOO' } },
      { waitDelay: Number.NaN },
      { fds: { 2: 'null' } },
      { stderr: 'nowhere' },
      { stderr: { file: '/dev/null', mode: -1 } },
      { stderr: { file: 'a\0b' } },
      { session: true, processGroup: 0 },
    ];
    for (const options of wrong) {
      const all = { stdout: { file }, ...options };
      await assert.rejects(async () => spawn('true', all), { code: 'ERR_INVALID_ARG_VALUE' });
      await assert.rejects(async () => run('true', all), { code: 'ERR_INVALID_ARG_VALUE' });
      assert.throws(() => runSync('true', all), { code: 'ERR_INVALID_ARG_VALUE' });
      assert.equal(readFileSync(file, 'utf8'), 'data', JSON.stringify(options));
    }
    assert.throws(() => runSync('true', ['a\0b'], { stdout: { file } }));
    assert.equal(readFileSync(file, 'utf8'), 'data');
  }));

test('a command that is aborted before it starts creates no file', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'new');
    const options = { stdout: { file }, signal: AbortSignal.abort() };
    await assert.rejects(run('true', options), { name: 'AbortError' });
    await assert.rejects(spawn('true', options), { name: 'AbortError' });
    assert.throws(() => runSync('true', options), { name: 'AbortError' });
    assert.ok(!existsSync(file));
  }));

test('opening a FIFO does not block the event loop', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'fifo');
    await run('mkfifo', [file]);
    let started = false;
    const reader = run('cat', { stdin: { file } }).then((result) => {
      started = true;
      return result;
    });
    await run('true');
    assert.equal(started, false);
    const writer = run('echo', ['through the fifo'], { stdout: { file } });
    assert.equal((await reader).stdout, 'through the fifo');
    await writer;
  }));

test('runSync refuses streams and starts nothing', () =>
  withFolder((folder) => {
    const file = join(folder, 'marker');
    const options = [
      { stdin: Buffer.from('x') },
      { stdin: ['x'] },
      { stdout: process.stdout },
      { fds: { 3: ['x'] } },
      { input: ['x'] },
    ];
    for (const one of options) {
      assert.throws(() => runSync('touch', [file], one), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    assert.ok(!existsSync(file));
  }));
