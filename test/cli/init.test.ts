// `forkexec init` as process 1 of a pid namespace and as a subreaper, beside other inits.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lookPath, run, runSync, spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { needsLinux } from '../helpers/backend.js';
import { bin } from '../helpers/cli.js';
import { noGroupByPidfd } from '../helpers/facilities.js';
import { noForeignProc } from '../helpers/foreign-proc.js';
import { CASES, type Init, isRight, runCase } from '../helpers/init-cases.js';
import { nameOf, runs } from '../helpers/other.js';
import { patience } from '../helpers/patience.js';
import { KEYS, Screen } from '../helpers/screen.js';
import { start, until } from '../helpers/signals.js';
import { processState } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const PATIENCE_MS = patience(20_000);

/** The program itself: the launcher needs more of the system. */
const init = fileURLToPath(new URL('../../../build/native/init', import.meta.url));

/** How long another init may take, where it is known to wait for ever, before it counts as wrong. */
const IMPATIENCE_MS = 8000;

const ours: Init = {
  name: 'forkexec init',
  words({ group, rewrite, fine, soon }) {
    return [
      ...[bin, 'init'],
      ...(group ? ['--group'] : []),
      ...(rewrite ? ['--rewrite', rewrite.join(':')] : []),
      ...(fine === undefined ? [] : ['--exit-code-ok', String(fine)]),
      ...(soon ? ['--kill-after', '100ms'] : []),
      '--',
    ];
  },
};

const others: readonly Init[] = [
  {
    name: 'tini',
    words({ group, rewrite, fine }) {
      if (rewrite) return undefined;
      const flags = [...(group ? ['-g'] : []), ...(fine === undefined ? [] : ['-e', String(fine)])];
      return ['tini', '-s', ...flags, '--'];
    },
  },
  {
    name: 'dumb-init', // for the group, unless asked otherwise
    words({ rewrite, fine }) {
      if (fine !== undefined) return undefined;
      return ['dumb-init', ...(rewrite ? ['-r', rewrite.join(':')] : []), '--'];
    },
  },
  {
    name: 'catatonit',
    words({ group, rewrite, fine }) {
      if (rewrite || fine !== undefined) return undefined;
      return ['catatonit', ...(group ? ['-g'] : []), '--'];
    },
  },
];

for (const each of CASES) {
  test(`forkexec init as a subreaper: ${each.title}`, async () => {
    needsLinux('forkexec init');
    const ending = await runCase(each, ours, PATIENCE_MS);
    assert.deepEqual(ending, { lines: [], left: 0, ...each.expected });
  });
}

// The namespace keeps the outer /proc, which has other numbers.
const asProcess1 = CASES.filter(({ program }) => !/ps -|self.stat\b/.test(String(program)));

test('forkexec init as process 1 does the same', async () => {
  needsLinux('forkexec init');
  for (const each of asProcess1) {
    const ending = await runCase(each, ours, PATIENCE_MS, { namespaces: { pid: true } });
    assert.deepEqual(ending, { lines: [], left: 0, ...each.expected }, each.title);
  }
});

test(
  'forkexec init as process 1 ends what ignores SIGTERM, with the /proc of its namespace',
  async () => {
    needsLinux('forkexec init');
    const script = `sh -c 'trap "" TERM; exec sleep 61' & sleep 0.2; exit 4`;
    const words = ['--pid', '--fork', '--mount-proc', bin, 'init', '--kill-after', '100ms', '--'];
    const options = { reject: false, timeout: PATIENCE_MS };
    const { status } = await run('unshare', [...words, 'sh', '-c', script], options);
    assert.equal(status.code, 4);
  },
  { skip: noForeignProc },
);

test(
  'forkexec init as a subreaper ends the group of the program where there is no /proc',
  async () => {
    needsLinux('forkexec init');
    const program = `sh -c 'trap "" TERM; echo $$; exec sleep 61' & read line; exit 4`;
    const script = `mount -t tmpfs none /proc; "$@"; code=$?; umount /proc; exit $code`;
    const words = ['--mount', 'sh', '-c', script, 'sh', init, '--kill-after', '100ms', '--'];
    const options = { stdin: 'pipe', stdout: 'pipe', timeout: PATIENCE_MS } as const;
    await using child = await spawn('unshare', [...words, 'sh', '-c', program], options);
    const lines = child.lines()[Symbol.asyncIterator]();
    const pid = Number((await lines.next()).value);
    child.stdin.end('\n');
    assert.equal((await child.exited).code, 4);
    assert.ok(pid > 1 && !runs(pid), `${pid} runs`);
  },
  { skip: noForeignProc || noGroupByPidfd },
);

/** The table of docs/init.md: rows by title, cells by the name of the init. */
function documented(): Map<string, Map<string, string>> {
  const page = readFileSync(new URL('../../../docs/init.md', import.meta.url), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const [head = []] = rows.filter((row) => row.includes('tini'));
  return new Map(
    rows.map((row) => [row[1] ?? '', new Map(head.map((name, at) => [name, row[at] ?? '']))]),
  );
}

for (const init of others) {
  let skip: string | false = false;
  try {
    lookPath(init.name);
  } catch {
    skip = `${init.name} is not installed`;
  }
  test(
    `${init.name} is right and wrong where docs/init.md says so`,
    async () => {
      needsLinux('forkexec init');
      const table = documented();
      for (const each of CASES) {
        const expected = table.get(each.title)?.get(init.name);
        const wait = expected === 'yes' ? PATIENCE_MS : IMPATIENCE_MS;
        const ending = await runCase(each, init, wait, { lenient: true });
        const cell = isRight(each, ending) ? 'yes' : ending === undefined ? 'no such option' : 'no';
        assert.equal(expected, cell, `${each.title}: ${JSON.stringify(ending)}`);
        assert.equal(table.get(each.title)?.get(ours.name), 'yes', each.title);
      }
    },
    { skip, timeout: 180_000 },
  );
}

test('SIGTERM right after the start ends forkexec init and leaves nothing, each of 20 times', async () => {
  needsLinux('forkexec init');
  for (let round = 0; round < 20; round++) {
    const init = await startProcess(bin, ['forkexec', 'init', 'sleep', '64']);
    init.signal('SIGTERM');
    const { shellCode } = await init.wait();
    assert.equal(shellCode, 143);
  }
});

test('forkexec init --parent-death signals the program when the parent is killed', async () => {
  needsLinux('forkexec init');
  const program = `trap 'echo gone; exit' TERM; echo $$; while :; do sleep 0.02; done`;
  const script = `"$@" & wait`;
  const words = [bin, 'init', '-p', 'TERM', '--', 'sh', '-c', program];
  await using parent = await start('sh', ['-c', script, 'sh', ...words]);
  const pid = Number(await parent.line());
  parent.child.kill('SIGKILL');
  assert.equal(await parent.line(), 'gone');
  await until(() => 'ZX'.includes(processState(pid)));
});

test('forkexec init passes an interactive shell its terminal, with job control', async () => {
  needsLinux('forkexec init');
  using screen = new Screen();
  const shell = ['bash', '--norc', '--noprofile', '-i'];
  const init = await screen.spawn(bin, ['init', '--', ...shell], { env: { PS1: 'prompt> ' } });
  await screen.until(/prompt> $/);
  screen.type('tty\n');
  await screen.until(/\/dev\/pts\/\d+\n[\s\S]*prompt> $/);
  screen.type('sleep 60\n');
  // Before that bash's child ignores ^Z.
  await until(() => nameOf(screen.foreground) === 'sleep');
  screen.type(KEYS.suspend);
  await screen.until(/Stopped[\s\S]*prompt> $/);
  screen.type('kill %1; exit 4\n');
  await until(() => /exit 4/.test(screen.text));
  screen.type('exit 4\n');
  assert.equal((await init.exited).code, 4);
  assert.doesNotMatch(screen.text, /no job control|cannot set terminal/);
});

test('^Z and fg stop and continue forkexec init with its program', async () => {
  needsLinux('forkexec init');
  using screen = new Screen();
  const shell = await screen.spawn('/bin/bash', ['--norc', '--noprofile', '--noediting', '-i'], {
    env: { PS1: 'prompt> ' },
  });
  await screen.until(/prompt> $/);
  screen.type(`'${bin}' init -- sh -c 'echo number $$; read line; echo it got $line; exit 3'\n`);
  const program = Number((await screen.until(/number (\d+)\n/))[1]);
  await until(() => screen.foreground === program);
  screen.type(KEYS.suspend);
  await screen.until(/Stopped[\s\S]*prompt> $/);
  screen.type('echo code $?\n');
  await screen.until(/code 148/);
  screen.type('fg\n');
  await until(() => screen.foreground === program && processState(program) !== 'T');
  screen.type('words\n');
  await screen.until(/it got words\n[\s\S]*prompt> $/);
  screen.type('exit\n');
  assert.equal((await shell.exited).code, 3);
});

test('forkexec init refuses words that it does not know with 125 and one line', () => {
  needsLinux('forkexec init');
  const refused: readonly (readonly [words: readonly string[], message: string])[] = [
    [[], 'a program is missing'],
    [['-x', 'true'], "unknown option '-x'"],
    [['-p', '65', 'true'], "-p: '65' is not a signal"],
    [['-p', 'NONSENSE', 'true'], "-p: 'NONSENSE' is not a signal"],
    [['-r', '15', 'true'], "-r: '15' is not FROM:TO"],
    [['-e', '256', 'true'], "-e: '256' is not an exit code from 0 to 255"],
    [['--kill-after', 'soon', 'true'], "--kill-after: 'soon' is not a time"],
    [['-e'], '-e needs a value'],
  ];
  for (const [words, message] of refused) {
    const { status, stderr } = runSync(bin, ['init', ...words], { reject: false });
    assert.equal(status.code, 125);
    assert.ok(stderr.startsWith(`forkexec init: ${message}`), stderr);
    assert.equal(stderr.split('\n').length, 1);
  }
});

test(
  'forkexec run as process 1 waits for orphans',
  async () => {
    needsLinux('forkexec run as process 1');
    const script = `for i in 1 2 3; do sh -c 'sleep 0.1 &'; done
    while ps -e -o ppid=,comm= | grep -q '^ *1 sleep'; do sleep 0.05; done; echo none; exit 5`;
    const words = ['--pid', '--fork', '--mount-proc', bin, 'run', '--', 'sh', '-c', script];
    await using child = await spawn('unshare', words, { stdout: 'pipe', timeout: PATIENCE_MS });
    for await (const line of child.lines()) assert.equal(line, 'none');
    assert.equal((await child.exited).code, 5);
  },
  { skip: noForeignProc },
);

test('forkexec init weighs a few kilobytes and needs no library', () => {
  needsLinux('forkexec init');
  const { stdout } = runSync(bin, ['init', 'sh', '-c', 'cat /proc/$PPID/status /proc/$PPID/maps']);
  const resident = Number(/^VmRSS:\s+(\d+) kB$/m.exec(stdout)?.[1]);
  assert.ok(resident > 0 && resident < 200, `${resident} kB`);
  assert.doesNotMatch(stdout, /\.so/);
});
