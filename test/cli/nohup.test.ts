// `forkexec nohup`, on terminals of the tests' own, beside nohup(1) where there is one.

import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Child, SpawnOptions } from '#dist/index.js';
import { Screen } from '../helpers/screen.js';
import { bin, until } from '../helpers/signals.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Words = readonly string[];

interface Outcome {
  code: number | null;
  /** What was written to the terminal. */
  terminal: string;
}

/** A folder to be in, and another to be at home in. */
interface Place {
  cwd: string;
  home: string;
}

async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const place = { cwd: join(folder, 'cwd'), home: join(folder, 'home') };
    mkdirSync(place.cwd);
    mkdirSync(place.home);
    await use(place);
  });
}

/** Runs a command on a terminal, with some of its streams elsewhere. */
async function onTerminal(
  [file = '', ...args]: Words,
  { cwd, home }: Place,
  options: SpawnOptions = {},
): Promise<Outcome> {
  using screen = new Screen();
  const child = await screen.spawn(file, args, {
    cwd,
    env: { HOME: home, LC_ALL: 'C' },
    ...options,
  });
  const { code } = await child.exited;
  return { code, terminal: screen.text };
}

const words: Words = [bin, 'nohup', '--'];
const NOTE = 'forkexec: ignoring input and appending output to nohup.out\n';
const speak = ['sh', '-c', 'echo out; echo err >&2'];

test('forkexec nohup ignores SIGHUP and takes the terminal from the streams', () =>
  withPlace(async (place) => {
    const file = join(place.home, 'state');
    const { code, terminal } = await onTerminal([...words, helper('state'), file], place);
    assert.deepEqual({ code, terminal }, { code: 0, terminal: NOTE });
    const state = JSON.parse(readFileSync(file, 'utf8')) as State;
    assert.deepEqual(state.dispositions, { 1: 1 });
    assert.equal(BigInt(`0x${state.status['SigBlk']}`), 0n);
    const out = join(place.cwd, 'nohup.out');
    const targets = Object.entries(state.fds).map(([fd, { target }]) => [fd, target]);
    assert.deepEqual(targets, [
      ['0', '/dev/null'],
      ['1', out],
      ['2', out],
    ]);
    assert.equal(state.hasTerminal, true, 'it stays in the session');
    assert.ok(!state.env.some((entry) => entry.startsWith('FORKEXEC_INHERITED=')));
  }));

test('nohup.out is readable only for its owner, and the umask does not change', () =>
  withPlace(async (place) => {
    for (const umask of [0, 0o277]) {
      const folder = join(place.cwd, String(umask));
      mkdirSync(folder);
      const program = [...words, 'sh', '-c', 'umask; echo err >&2'];
      await onTerminal(program, { ...place, cwd: folder }, { umask });
      const out = join(folder, 'nohup.out');
      assert.equal(statSync(out).mode & 0o777, 0o600);
      assert.equal(readFileSync(out, 'utf8'), `${umask === 0 ? '0000' : '0277'}\nerr\n`);
    }
  }));

test('an existing nohup.out is appended to and keeps its mode', () =>
  withPlace(async (place) => {
    const out = join(place.cwd, 'nohup.out');
    writeFileSync(out, 'old\n');
    chmodSync(out, 0o644);
    await onTerminal([...words, ...speak], place);
    assert.equal(readFileSync(out, 'utf8'), 'old\nout\nerr\n');
    assert.equal(statSync(out).mode & 0o777, 0o644);
  }));

test('nohup.out is in the home directory if the working directory is not writable', () =>
  withPlace(async (place) => {
    mkdirSync(join(place.cwd, 'nohup.out'));
    const out = join(place.home, 'nohup.out');
    const { code, terminal } = await onTerminal([...words, ...speak], place);
    const note = `forkexec: ignoring input and appending output to ${out}\n`;
    assert.deepEqual({ code, terminal }, { code: 0, terminal: note });
    assert.equal(readFileSync(out, 'utf8'), 'out\nerr\n');
    assert.equal(statSync(out).mode & 0o777, 0o600);
  }));

test('forkexec nohup starts nothing if nohup.out cannot be written anywhere', () =>
  withPlace(async (place) => {
    mkdirSync(join(place.cwd, 'nohup.out'));
    const homeless = { ...place, home: '/no/such' };
    const { code, terminal } = await onTerminal([...words, 'touch', 'started'], homeless);
    assert.equal(code, 125);
    assert.match(
      terminal,
      /^forkexec: cannot open a file for the output: nohup.out: open: EISDIR: .*; \S+: open: ENOENT: .*\n$/,
    );
    assert.ok(!existsSync(join(place.cwd, 'started')));
  }));

/** Files in place of some of the streams. */
function withFiles(fds: readonly number[], place: Place, use: (options: SpawnOptions) => unknown) {
  const names = ['stdin', 'stdout', 'stderr'] as const;
  const opened = fds.map((fd) => {
    const file = join(place.home, names[fd] as string);
    writeFileSync(file, '');
    return [names[fd], openSync(file, 'r+')] as const;
  });
  return Promise.resolve(use(Object.fromEntries(opened))).finally(() => {
    for (const [, fd] of opened) closeSync(fd);
  });
}

const SUBSETS = [[], [0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
const hasNohup = existsSync('/usr/bin/nohup');

test(
  'forkexec nohup has the streams, messages and exit codes of nohup(1)',
  async () => {
    for (const elsewhere of SUBSETS) {
      const results: unknown[] = [];
      for (const command of [words, ['/usr/bin/nohup', '--']]) {
        await withPlace(
          (place) =>
            withFiles(elsewhere, place, async (options) => {
              const file = join(place.home, 'state');
              const line = [...command, helper('state'), file];
              const { code, terminal } = await onTerminal(line, place, options);
              const { fds, dispositions } = JSON.parse(readFileSync(file, 'utf8')) as State;
              const streams = Object.entries(fds).map(([fd, { target, flags }]) => {
                return [
                  fd,
                  target.replace(place.cwd, 'cwd').replace(place.home, 'home'),
                  flags & 3,
                ];
              });
              const errors = join(place.home, 'stderr');
              const notes = terminal + (existsSync(errors) ? readFileSync(errors, 'utf8') : '');
              const note = notes.replace(/^[\w/]+: /, '').replaceAll("'", '');
              results.push({ code, note, streams, dispositions });
            }) as Promise<void>,
        );
      }
      assert.deepEqual(results[0], results[1], `not on the terminal: ${elsewhere}`);
    }
  },
  { skip: hasNohup ? false : 'nohup(1) is not installed' },
);

test('forkexec nohup exits with the code of the program, or 125 to 127', () =>
  withPlace(async (place) => {
    writeFileSync(join(place.cwd, 'plain'), 'true\n');
    const codes: [line: Words, code: number, note: RegExp][] = [
      [['sh', '-c', 'exit 3'], 3, /^$/],
      [['./plain'], 126, /^forkexec: execve\("\.\/plain"\): EACCES: .*\n$/],
      [['./missing'], 127, /^forkexec: execve\("\.\/missing"\): ENOENT: .*\n$/],
    ];
    for (const [line, code, note] of codes) {
      const outcome = await onTerminal([...words, ...line], place);
      assert.ok(outcome.terminal.startsWith(NOTE));
      assert.equal(outcome.code, code);
      assert.match(outcome.terminal.slice(NOTE.length), note, 'on the terminal, not in nohup.out');
      assert.equal(readFileSync(join(place.cwd, 'nohup.out'), 'utf8'), '');
    }
    for (const line of [
      [bin, 'nohup'],
      [bin, 'nohup', '--no-such', 'true'],
    ]) {
      assert.equal((await onTerminal(line, place)).code, 125);
    }
  }));

test('a program under forkexec nohup outlives its terminal, and its output is kept', () =>
  withPlace(async ({ cwd, home }) => {
    const screen = new Screen();
    const script = 'echo begun; while [ ! -e "$HOME/go" ]; do sleep 0.02; done; echo done';
    const options: SpawnOptions = { cwd, env: { HOME: home } };
    // It leads the session: the kernel tells nobody else of a hangup.
    const child: Child = await screen.spawn(bin, ['nohup', 'sh', '-c', script], options);
    const out = join(cwd, 'nohup.out');
    await until(() => existsSync(out) && readFileSync(out, 'utf8') === 'begun\n');
    screen.hangUp();
    child.kill('SIGHUP');
    writeFileSync(join(home, 'go'), '');
    assert.equal(String(await child.exited), 'exit status 0');
    assert.equal(readFileSync(out, 'utf8'), 'begun\ndone\n');
  }));

test('a program without forkexec nohup does not outlive its terminal', async () => {
  const screen = new Screen();
  const child = await screen.spawn('sh', ['-c', 'echo begun; exec sleep 60']);
  await screen.until(/begun/);
  screen.hangUp();
  assert.equal((await child.exited).signal, 'SIGHUP');
});
