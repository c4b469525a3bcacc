import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { launchFlags } from '#dist/cli/flags.js';
import { type RunOptions, runSync, spawn } from '#dist/index.js';
import { needsOption } from '../helpers/backend.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const bin = fileURLToPath(new URL('../../../bin/forkexec.js', import.meta.url));
const root = dirname(dirname(bin));

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

type Options = Pick<RunOptions, 'env' | 'fds' | 'input'>;

// Not by child_process: Deno's translates the words for Deno, and its children ignore signals 32 and 33.
function cli(words: readonly string[], options: Options = {}): Outcome {
  const { status, stdout, stderr } = runSync(process.execPath, [bin, ...words], {
    ...options,
    reject: false,
    stripFinalNewline: false,
  });
  return { code: status.code, stdout, stderr };
}

function run(...words: string[]): Outcome {
  return cli(['run', ...words]);
}

/** What a program that was started with these flags says of itself. */
function stateWith(flags: readonly string[], options?: Options): Promise<State> {
  return withFolder((folder) => {
    const file = join(folder, 'state.json');
    const words = ['run', ...flags, '--', helper('state'), file];
    const { code, stderr } = cli(words, options);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

test('the exit code is the one of the program', () => {
  assert.deepEqual(run('true'), { code: 0, stdout: '', stderr: '' });
  assert.equal(run('--', 'sh', '-c', 'exit 3').code, 3);
  assert.equal(run('--', 'sh', '-c', 'exit 255').code, 255);
});

test('the signal that ended a program ends forkexec, which a shell shows as 128 and its number', () => {
  for (const signal of [1, 9, 15, 34]) {
    const words = [`'${process.execPath}' '${bin}' run -- sh -c 'kill -${signal} $$'; exit $?`];
    const { status } = spawnSync('sh', ['-c', ...words]);
    assert.equal(status, 128 + signal);
  }
  const words = [bin, 'run', '--', 'sh', '-c', 'kill -TERM $$'];
  assert.equal(runSync(process.execPath, words, { reject: false }).status.signal, 'SIGTERM');
});

test('what is not there gives 127, with the reason', () => {
  for (const name of ['no-such-program', '/no/such', './no-such', '/etc/passwd/x']) {
    const { code, stderr } = run(name);
    assert.equal(code, 127, name);
    assert.match(stderr, /^forkexec: execve\(".*"\): ENO(ENT|TDIR): .*\n$/, name);
  }
});

test('what is there but can not run gives 126', () =>
  withFolder((folder) => {
    const script = (name: string, text: string, mode = 0o755): string => {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), mode);
      return join(folder, name);
    };
    const orphan = script('orphan', '#!/no/such/interpreter\n');
    for (const file of [folder, script('plain', 'true\n'), script('x', '#!/bin/sh\n', 0o644)]) {
      assert.equal(run(file).code, 126, file);
    }
    assert.equal(run(orphan).code, 126);
    assert.match(run(orphan).stderr, /its interpreter "\/no\/such\/interpreter"/);
    assert.equal(run('--path', folder, 'orphan').code, 126, 'along PATH');
    assert.equal(run('--cwd', folder, './orphan').code, 126, 'below the new directory');
  }));

test('a step before execve that fails gives 125 and its name', () => {
  const { code, stderr } = run('--cwd', '/no/such', 'true');
  assert.equal(code, 125);
  assert.match(stderr, /^forkexec: chdir\("\/no\/such"\): ENOENT: /);
  assert.equal(run('--stdout', 'file:/no/such/file', 'true').code, 125);
});

test('a value that an option can not take gives 125 and one line that names the flag', () => {
  const table: [words: string[], message: RegExp][] = [
    [['--umask', '9'], /^forkexec: --umask 9 must be .*octal/],
    [['--umask', '27', '--umask', '1000'], /^forkexec: --umask 1000 must be /],
    [['--process-group', 'x'], /^forkexec: --process-group x must be an integer/],
    [['--session', '--process-group', '0'], /^forkexec: --process-group 0 must be absent/],
    [['--parent-death-signal', 'NO'], /^forkexec: --parent-death-signal NO (must be a|is not av)/],
    [['--ignore-signal', 'HUP', '--ignore-signal', 'INT,NO'], /^forkexec: --ignore-signal INT,NO /],
    [['--ignore-signal', 'KILL'], /^forkexec: --ignore-signal KILL must be /],
    [['--block-signal', '0'], /^forkexec: --block-signal 0 must be /],
    [['--env', '=x'], /^forkexec: --env =x must be without names/],
    [['--stdin', 'append:/x'], /^forkexec: --stdin append:\/x must be inherit, null, /],
    [['--stdout', 'stdout'], /^forkexec: --stdout stdout must be inherit, null, the number/],
    [['--stderr', 'log'], /^forkexec: --stderr log must be inherit, null, stdout, /],
    [['--fd', '2=null'], /^forkexec: --fd 2=null must be an integer from 3/],
    [['--fd', 'null'], /^forkexec: --fd null must be N=SOURCE/],
    [['--timeout', '5 s'], /^forkexec: --timeout "5 s" must be a duration/],
    [['--timeout', '1', '--kill-after', 'x'], /^forkexec: --kill-after x must be a duration/],
    [['--kill-after', '1s'], /^forkexec: --kill-after needs a --timeout/],
    [['--status-fd', '99'], /^forkexec: --status-fd 99 must be a descriptor/],
    [['--status-fd', 'x'], /^forkexec: --status-fd x must be a descriptor/],
  ];
  for (const [words, message] of table) {
    const { code, stdout, stderr } = run(...words, '--', 'echo', 'started');
    assert.deepEqual({ code, stdout }, { code: 125, stdout: '' }, words.join(' '));
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
  }
});

test('words that mean nothing give 125 and a hint', () => {
  const unknown = run('--umsk', '022', 'true');
  assert.equal(unknown.code, 125);
  assert.match(unknown.stderr, /^forkexec: unknown option '--umsk'\n\(Did you mean --umask\?\)\n/);
  assert.match(cli(['rum']).stderr, /^forkexec: unknown command 'rum'\n\(Did you mean run\?\)\n/);
  for (const words of [[], ['run'], ['run', '--'], ['run', '--cwd'], ['rum']]) {
    assert.equal(cli(words).code, 125, words.join(' '));
  }
});

test('--timeout gives 124, however the program ends then', () => {
  const traps = (action: string) => `trap '${action}' TERM; echo ready; sleep 30 & wait; wait`;
  assert.equal(run('--timeout', '0.2', 'sleep', '30').code, 124);
  const polite = run('--timeout', '500ms', '--', 'sh', '-c', traps('kill $!; exit 0'));
  assert.deepEqual(polite, { code: 124, stdout: 'ready\n', stderr: '' });
  const table = run('--timeout', '0.005m', '--usage', '--', 'sleep', '30').stderr;
  assert.match(table, /^status +timed out, signal: terminated\n/);
});

test('--kill-after is the time from SIGTERM to SIGKILL', () => {
  const deaf = 'trap "" TERM; while :; do sleep 0.05; done';
  const words = ['--timeout', '300ms', '--kill-after', '200ms', '--usage=json'];
  const { code, stderr } = run(...words, '--', 'sh', '-c', deaf);
  assert.equal(code, 124);
  const { signal, reason, usage } = JSON.parse(stderr);
  assert.deepEqual([signal, reason], ['SIGKILL', 'timeout']);
  assert.ok(usage.wallTime >= 500_000, `${usage.wallTime} µs`);
});

test('--timeout 0 is none', () => {
  assert.equal(run('--timeout', '0', '--kill-after', '0', 'sleep', '0.1').code, 0);
});

test('words after the program are its own', () => {
  const show = ['sh', '-c', 'printf "%s|" "$0" "$@"'];
  const wanted = '--usage|--|-h|--cwd|/no/such||a b|';
  const words = ['--usage', '--', '-h', '--cwd', '/no/such', '', 'a b'];
  assert.deepEqual(run('--', ...show, ...words), { code: 0, stdout: wanted, stderr: '' });
  assert.deepEqual(run(...show, ...words), { code: 0, stdout: wanted, stderr: '' });
  assert.equal(run('--umask', '077', 'echo', '--umask', '0').stdout, '--umask 0\n');
  assert.equal(run('--', '--version').code, 127, 'a program of that name');
  assert.equal(run('--', 'echo', '--').stdout, '--\n');
});

/** For each flag of a launch step, what the program finds. */
const seenFromInside: Record<string, (folder: string) => Promise<void>> = {
  '--argv0': async () => {
    assert.equal((await stateWith(['--argv0', 'other'])).argv[0], 'other');
  },
  '--block-signal': async () => {
    const words = ['--block-signal', 'USR1,SIGALRM', '--block-signal', 'rtmin+3'];
    const blocked = BigInt(`0x${(await stateWith(words)).status['SigBlk']}`);
    assert.equal(blocked, (1n << 9n) | (1n << 13n) | (1n << 36n));
  },
  '--clear-env': async () => {
    const { env } = await stateWith(['--clear-env', '--env', 'A=1', '--env', 'B=']);
    assert.deepEqual(env, ['A=1', 'B=']);
  },
  '--cwd': async (folder) => {
    const { cwd, env } = await stateWith(['--cwd', '/', `--cwd=${folder}`]);
    assert.equal(cwd, folder);
    assert.ok(env.includes(`PWD=${folder}`));
  },
  '--default-signal': async () => {
    assert.deepEqual((await stateWith(['--default-signal', 'PIPE,15'])).dispositions, {});
  },
  '--env': async () => {
    const words = ['--env', 'A=b=c', '--env', 'GONE', '--env', 'A_LINE=1\n2'];
    const env = { ...process.env, KEPT: 'yes', GONE: 'no' };
    const seen = (await stateWith(words, { env })).env;
    for (const variable of ['A=b=c', 'A_LINE=1\n2', 'KEPT=yes']) {
      assert.ok(seen.includes(variable), variable);
    }
    assert.ok(!seen.some((variable) => variable.startsWith('GONE=')));
  },
  '--ignore-signal': async () => {
    const words = ['--ignore-signal', 'HUP,sigint', '--ignore-signal', '10'];
    assert.deepEqual((await stateWith(words)).dispositions, { 1: 1, 2: 1, 10: 1 });
  },
  '--parent-death-signal': async () => {
    needsOption('parentDeathSignal');
    assert.equal((await stateWith(['--parent-death-signal', 'KILL'])).parentDeathSignal, 9);
  },
  '--path': async (folder) => {
    writeFileSync(join(folder, 'greet'), '#!/bin/sh\necho hello\n');
    chmodSync(join(folder, 'greet'), 0o755);
    assert.equal(run('--path', `/no/such:${folder}`, 'greet').stdout, 'hello\n');
  },
  '--process-group': async () => {
    const { pid, pgid, sid } = await stateWith(['--process-group', '0']);
    assert.equal(pgid, pid);
    assert.notEqual(sid, pid);
  },
  '--session': async () => {
    const { pid, pgid, sid, hasTerminal } = await stateWith(['--session']);
    assert.deepEqual([sid, pgid, hasTerminal], [pid, pid, false]);
  },
  '--umask': async () => {
    assert.equal((await stateWith(['--umask', '0', '--umask', '027'])).umask, 0o027);
  },
};

for (const [name, check] of Object.entries(seenFromInside)) {
  test(`${name}, seen from inside`, () => withFolder(check));
}

test('every flag of a launch step is in --help and in docs/options.md', () => {
  const help = run('--help').stdout;
  const docs = readFileSync(join(root, 'docs', 'options.md'), 'utf8');
  for (const { flags } of launchFlags) {
    assert.ok(help.includes(`  ${flags} `), `--help has ${flags}`);
    assert.ok(docs.includes(`\`${flags}\``), `docs/options.md has ${flags}`);
  }
});

test('by default the program has the standard streams and nothing else', async () => {
  const { fds, dispositions, status } = await stateWith([]);
  assert.deepEqual(Object.keys(fds), ['0', '1', '2']);
  assert.deepEqual(dispositions, {});
  assert.equal(BigInt(`0x${status['SigBlk']}`), 0n);
});

test('the streams are passed on as they are', () => {
  const { stdout } = cli(['run', 'cat'], { input: 'through\n' });
  assert.equal(stdout, 'through\n');
});

test('--stdin, --stdout, --stderr and --fd, seen from inside', () =>
  withFolder(async (folder) => {
    const [input, log, more] = ['input', 'log', 'more'].map((name) => join(folder, name));
    for (const file of [input, log, more]) writeFileSync(file as string, 'old\n');
    const words = ['--stdin', `file:${input}`, '--stdout', `append:${log}`, '--stderr', 'stdout'];
    words.push(
      '--fd',
      '3=null',
      '--fd',
      `9=${more}`,
      '--fd',
      `5=read:${input}`,
      '--fd',
      '4=inherit',
    );
    const passed = openSync('/dev/zero', 'r');
    try {
      const given = { fds: { 3: passed, 4: passed } };
      const { fds } = await stateWith([...words, '--fd', '7=3'], given);
      const targets = Object.entries(fds).map(([fd, { target }]) => [fd, target]);
      assert.deepEqual(targets, [
        ['0', input],
        ['1', log],
        ['2', log],
        ['3', '/dev/null'],
        ['4', '/dev/zero'],
        ['5', input],
        ['7', '/dev/zero'],
        ['9', more],
      ]);
    } finally {
      closeSync(passed);
    }
    assert.equal(readFileSync(more as string, 'utf8'), '', 'emptied');
    const script = 'cat; echo out; echo err >&2';
    const files = ['--stdin', 'null', '--stdout', `append:${log}`, '--stderr', 'stdout'];
    assert.deepEqual(run(...files, '--', 'sh', '-c', script), { code: 0, stdout: '', stderr: '' });
    assert.equal(readFileSync(log as string, 'utf8'), 'old\nout\nerr\n');
    assert.equal(run('--stdout', '2', 'echo', 'swapped').stderr, 'swapped\n');
  }));

test('--usage prints a table on stderr', () => {
  const { code, stdout, stderr } = run('--usage', 'sh', '-c', 'echo out; exit 4');
  assert.deepEqual({ code, stdout }, { code: 4, stdout: 'out\n' });
  const names = stderr.split('\n').map((line) => line.slice(0, 10).trim());
  assert.deepEqual(names, 'status,wall,user,system,max rss,faults,switches,'.split(','));
  assert.match(stderr, /^status +exit status 4\nwall +\d+\.\d{3} s\n/);
  assert.match(stderr, /\nmax rss +unknown: not clearly above the [\d.]+ MiB of forkexec itself\n/);
});

test('--usage=json prints one object, and knows the memory of a program larger than forkexec', () => {
  const hungry = 'const b = Buffer.alloc(300e6, 1); process.exitCode = b[0] + 1;';
  const { code, stderr } = run('--usage=json', process.execPath, '-e', hungry);
  assert.equal(code, 2);
  const { status, usage, ...rest } = JSON.parse(stderr);
  assert.equal(status, 'exit status 2');
  assert.deepEqual(rest, { code: 2, signal: null, coreDumped: false, reason: 'exited' });
  assert.ok(usage.maxRss > 300e6 && usage.maxRss < 600e6, `${usage.maxRss} bytes`);
  assert.ok(usage.userTime > 0 && usage.wallTime > 0 && usage.minorFaults > 1000);
  assert.equal(JSON.parse(run('--usage=json', 'true').stderr).usage.maxRss, null);
});

/** The JSON lines that `--status-fd 3` gives. */
function statusLines(words: readonly string[]): Promise<Record<string, unknown>[]> {
  return withFolder((folder) => {
    const file = join(folder, 'status');
    const fd = openSync(file, 'w');
    try {
      cli(['run', '--status-fd', '3', ...words], { fds: { 3: fd } });
    } finally {
      closeSync(fd);
    }
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  });
}

test('--status-fd tells the start and the end', async () => {
  const [started, exited, ...rest] = await statusLines(['--', 'sh', '-c', 'kill -TERM $$']);
  assert.deepEqual(rest, []);
  const { pid, id, event } = started as { pid: number; id: string; event: string };
  assert.equal(event, 'started');
  assert.ok(id.startsWith(`${pid}:`));
  const { usage, ...end } = exited as Record<string, unknown>;
  assert.equal(typeof usage, 'object');
  const wanted = { code: null, signal: 'SIGTERM', coreDumped: false, reason: 'signaled' };
  assert.deepEqual(end, { event: 'exited', ...wanted });
});

test('--status-fd tells that the program stopped and went on', async () => {
  const script = 'kill -STOP $$; read line; exit 3'; // an end would hide that it went on
  const words = [bin, 'run', '--status-fd', '3', '--', 'sh', '-c', script];
  await using child = await spawn(process.execPath, words, { stdin: 'pipe', fds: { 3: 'pipe' } });
  const events: unknown[] = [];
  let program = 0;
  for await (const line of createInterface({ input: child.fds.get(3) as Readable })) {
    const { event, signal, pid } = JSON.parse(line) as Record<string, unknown>;
    events.push(signal === undefined ? event : [event, signal]);
    if (event === 'started') program = pid as number;
    if (event === 'stopped') process.kill(program, 'SIGCONT');
    if (event === 'continued') child.stdin.end();
  }
  assert.deepEqual(events, ['started', ['stopped', 'SIGSTOP'], 'continued', ['exited', null]]);
});

test('--status-fd tells of a launch that failed, and does not go to the program', async () => {
  const failed = { event: 'failed', step: 'chdir', code: 'ENOENT', argument: '/no' };
  assert.deepEqual(await statusLines(['--cwd', '/no', 'true']), [failed]);
  const [, exited] = await statusLines(['--', 'sh', '-c', 'test ! -e /dev/fd/3']);
  assert.equal(exited?.['code'], 0);
});

test('signals sent to forkexec reach the program', async () => {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const) {
    const script = `trap 'exit 42' ${signal.slice(3)}; echo ready; while :; do sleep 0.02; done`;
    const words = [bin, 'run', '--', 'sh', '-c', script];
    await using child = await spawn(process.execPath, words, { stdin: 'null', stdout: 'pipe' });
    await once(child.stdout, 'data');
    child.kill(signal);
    assert.equal((await child.exited).code, 42, signal);
  }
});

/** Runs a line of shell on a terminal of its own. */
function onTerminal(line: string): string {
  const { stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  return stdout;
}

const skip = existsSync('/usr/bin/script') ? false : 'script(1) is not installed';
const quoted = `'${process.execPath}' '${bin}'`;

test(
  'a SIGINT that is sent to forkexec alone is passed on, on a terminal too',
  () => {
    const script = 'trap "echo passed; exit 1" INT; kill -INT $PPID; while :; do sleep 0.05; done';
    assert.match(onTerminal(`${quoted} run -- sh -c '${script}'`), /^passed/);
  },
  { skip },
);

test(
  'terminal modes that the program set outlive forkexec',
  () => {
    assert.match(onTerminal(`${quoted} run -- stty -echo; stty -a`), / -echo /);
  },
  { skip },
);

test('--help tells a newcomer what there is, in groups and with examples', () => {
  const { code, stdout, stderr } = run('--help');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /^Usage: forkexec run \[options\] \[--\] program \[args\.\.\.\]\n/);
  const headings = stdout.match(/^[A-Z][\w ]+:$/gm);
  assert.deepEqual(headings, [
    'Arguments:',
    'What the program gets:',
    'Its descriptors:',
    'Its time:',
    'What is reported:',
    'Exit code:',
    'Examples:',
  ]);
  const examples = stdout.slice(stdout.indexOf('Examples:')).match(/^ {2}forkexec run .* -- /gm);
  assert.equal(examples?.length, 3);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  assert.match(cli(['--help']).stdout, /^Usage: forkexec .*\n {2}run .*\nExample:\n/s);
  assert.equal(cli(['help', 'run']).stdout, stdout);
});

test('--version is the one of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.deepEqual(cli(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' });
});

test('only the command imports commander, and nothing imports node:process', () => {
  const dist = join(root, 'dist');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(join(dist, file), 'utf8');
    assert.doesNotMatch(text, /from 'node:process'/, file); // it opens the standard streams
    if (!file.startsWith('cli')) assert.doesNotMatch(text, /from 'commander'/, file);
  }
});
