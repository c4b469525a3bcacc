// Flags that take a descriptor: which files they open, and which numbers they refuse.

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, runSync } from '#dist/index.js';
import { call, close } from '#dist/syscall/call.js';
import { O } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { bin, cli } from '../helpers/cli.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

for (const command of ['run', 'exec']) {
  test(`forkexec ${command} --fd does not guess what a file is for, and leaves it alone`, () =>
    withFolder((folder) => {
      const file = join(folder, 'kept');
      writeFileSync(file, 'kept');
      for (const source of [`file:${file}`, file]) {
        const { code, stderr } = cli([command, '--fd', `4=${source}`, '--', 'true']);
        assert.equal(code, 125);
        const start = `forkexec: --fd 4=${source} must say what the file is for: 4=read:${file}, `;
        assert.ok(stderr.startsWith(start), stderr);
        assert.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
      }
      assert.equal(readFileSync(file, 'utf8'), 'kept');
    }));

  test(`forkexec ${command} --fd opens files to read, to append, to do both, and to write`, () =>
    withFolder((folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, 'old\n');
      const table = [
        ['read', 'cat <&4', 'old\n', 'old\n'],
        ['append', 'echo more >&4', '', 'old\nmore\n'],
        ['readwrite', 'cat <&4; echo last >&4', 'old\nmore\n', 'old\nmore\nlast\n'],
        ['write', 'echo new >&4', '', 'new\n'],
      ] as const;
      for (const [kind, script, printed, left] of table) {
        const words = ['--fd', `4=${kind}:${file}`, '--', 'sh', '-c', script];
        const { stdout, stderr } = cli([command, ...words]);
        assert.deepEqual([stdout, stderr], [printed, ''], kind);
        assert.equal(readFileSync(file, 'utf8'), left, kind);
      }
    }));

  test(`forkexec ${command} empties no file when another flag is wrong`, () =>
    withFolder((folder) => {
      const file = join(folder, 'kept');
      writeFileSync(file, 'kept');
      const { code } = cli([command, '--stdout', file, '--umask', '9', '--', 'true']);
      assert.equal(code, 125);
      assert.equal(readFileSync(file, 'utf8'), 'kept');
    }));
}

/** The ways to start forkexec: its launcher, and the runtime without it. */
const STARTS = { 'the launcher': [bin], 'the runtime alone': [process.execPath, bin] } as const;

const PASSED = /must be a descriptor that was passed to forkexec, such as by (\d+)<file or \1>file/;

type Outcome = { code: number | null; stdout: string; stderr: string };

function startedBy(
  [file, ...first]: readonly [string, ...string[]],
  words: readonly string[],
  fds: RunOptions['fds'] = {},
): Outcome {
  const { status, stdout, stderr } = runSync(file, [...first, ...words], { fds, reject: false });
  return { code: status.code, stdout, stderr };
}

/** Opens files for a test, which has them closed. */
async function withFiles<T>(
  paths: readonly (readonly [string, string])[],
  use: (fds: number[]) => T,
): Promise<T> {
  const fds = paths.map(([path, flags]) => openSync(path, flags));
  try {
    return await use(fds);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

for (const [name, start] of Object.entries(STARTS)) {
  test(`a descriptor that was not passed is refused by every flag that takes one, started by ${name}`, () => {
    // The runtime has something open at most of these.
    const numbers = [3, 4, 6, 9, 11, 12, 13, 17, 99];
    const flags = numbers.map((fd) => ['--status-fd', String(fd)]);
    flags.push(['--fd', '5=3'], ['--fd', '4=inherit'], ['--fd', '12=inherit']);
    flags.push(['--stdin', '4'], ['--stdout', '12'], ['--stderr', '9'], ['--foreground', '11']);
    for (const words of flags) {
      const { code, stdout, stderr } = startedBy(start, ['run', ...words, '--', 'echo', 'started']);
      assert.deepEqual([code, stdout], [125, ''], words.join(' '));
      assert.match(stderr, PASSED);
      assert.ok(stderr.startsWith(`forkexec: ${words.join(' ')} must be `), stderr);
      if (words[0] === '--status-fd') continue;
      const exec = startedBy(start, ['exec', ...words, '--', 'echo', 'started']);
      assert.deepEqual([exec.code, exec.stdout], [125, ''], words.join(' '));
      assert.match(exec.stderr, PASSED);
    }
  });

  test(`descriptors that were passed are taken, low and high ones, started by ${name}`, () =>
    withFolder((folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, '');
      return withFiles([[file, 'a']], ([fd = -1]) => {
        for (const number of [3, 7, 10, 11, 12, 30]) {
          const words = ['--status-fd', `${number}`, '--fd', `4=${number}`];
          const script = ['--', 'sh', '-c', 'echo >&4 seen'];
          const outcome = startedBy(start, ['run', ...words, ...script], { [number]: fd });
          assert.deepEqual(outcome, { code: 0, stdout: '', stderr: '' }, `${number}`);
        }
        const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
        assert.equal(lines.filter((line) => line === 'seen').length, 6);
        assert.equal(lines.filter((line) => line.includes('"event":"exited"')).length, 6);
      });
    }));

  test(`--status-fd refuses what can only be read, started by ${name}`, () =>
    withFiles([['/dev/zero', 'r']], ([fd = -1]) => {
      const words = ['run', '--status-fd', '3', '--', 'echo', 'started'];
      const { code, stdout, stderr } = startedBy(start, words, { 3: fd });
      assert.deepEqual([code, stdout], [125, '']);
      assert.match(
        stderr,
        /^forkexec: --status-fd 3 must be open for writing, such as by 3>file$/m,
      );
    }));
}

test('the launcher knows descriptors of every kind that were passed', () => {
  needsLinux('eventfd');
  const event = call('eventfd2', 0, O.O_CLOEXEC);
  const pipe = new Int32Array(2);
  call('pipe2', pipe, O.O_CLOEXEC);
  const [reader = -1, writer = -1] = pipe;
  try {
    // Both ends of a pipe, as a runtime has it, and what looks like the event loop's own.
    const words = ['run', '--fd', '3=5', '--fd', '4=6', '--fd', '5=7', '--status-fd', '6', '--'];
    const script = 'cd /proc/self/fd; readlink 3 4 5';
    const fds = { 5: reader, 6: writer, 7: event };
    const { code, stdout, stderr } = startedBy([bin], [...words, 'sh', '-c', script], fds);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^(pipe:\[\d+\])\n\1\nanon_inode:\[eventfd\]$/);
  } finally {
    for (const fd of [event, reader, writer]) close(fd);
  }
});

test('a status line that cannot be written is reported and gives 125', () =>
  withFiles([['/dev/full', 'w']], ([fd = -1]) => {
    const words = ['run', '--status-fd', '3', '--', 'echo', 'ran'];
    const { code, stdout, stderr } = cli(words, { fds: { 3: fd } });
    assert.deepEqual([code, stdout], [125, 'ran\n']);
    assert.match(stderr, /^forkexec: --status-fd 3: write: ENOSPC: no space left on device\n$/);
  }));

test('help that cannot be written gives 125', () =>
  withFiles([['/dev/full', 'w']], ([fd = -1]) => {
    for (const words of [['--help'], ['run', '--help'], ['--version']]) {
      const outcome = runSync(process.execPath, [bin, ...words], { stdout: fd, reject: false });
      assert.equal(outcome.status.code, 125);
      assert.equal(outcome.stderr, 'forkexec: stdout: write: ENOSPC: no space left on device');
    }
  }));
