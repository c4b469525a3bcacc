import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runSync, spawn } from '#dist/index.js';
import { bin, cli, run } from '../helpers/cli.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = dirname(dirname(bin));

test('forkexec run exits with the code of the program', () => {
  assert.deepEqual(run('true'), { code: 0, stdout: '', stderr: '' });
  assert.equal(run('--', 'sh', '-c', 'exit 3').code, 3);
  assert.equal(run('--', 'sh', '-c', 'exit 255').code, 255);
});

test('a signal that ends the program ends forkexec too', () => {
  for (const signal of [1, 9, 15, 34]) {
    const words = [`'${process.execPath}' '${bin}' run -- sh -c 'kill -${signal} $$'; exit $?`];
    const { status } = spawnSync('sh', ['-c', ...words]);
    assert.equal(status, 128 + signal);
  }
  const words = [bin, 'run', '--', 'sh', '-c', 'kill -TERM $$'];
  assert.equal(runSync(process.execPath, words, { reject: false }).status.signal, 'SIGTERM');
});

test('a program that does not exist gives 127 and the reason', () => {
  for (const name of ['no-such-program', '/no/such', './no-such', '/etc/passwd/x']) {
    const { code, stderr } = run(name);
    assert.equal(code, 127, name);
    assert.match(stderr, /^forkexec: execve\(".*"\): ENO(ENT|TDIR): .*\n$/, name);
  }
});

test('a program that cannot be run gives 126', () =>
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
    assert.match(
      run(orphan).stderr,
      /the script's interpreter "\/no\/such\/interpreter" was not found/,
    );
    assert.equal(run('--path', folder, 'orphan').code, 126, 'along PATH');
    assert.equal(run('--cwd', folder, './orphan').code, 126, 'below the new directory');
  }));

test('a step before execve that fails gives 125 and its name', () => {
  const { code, stderr } = run('--cwd', '/no/such', 'true');
  assert.equal(code, 125);
  assert.match(stderr, /^forkexec: chdir\("\/no\/such"\): ENOENT: /);
  assert.equal(run('--stdout', 'file:/no/such/file', 'true').code, 125);
});

test('an invalid value gives 125 and one line that names the flag', () => {
  const table: [words: string[], message: RegExp][] = [
    [['--umask', '9'], /^forkexec: --umask 9 must be .*octal/],
    [['--umask', '27', '--umask', '1000'], /^forkexec: --umask 1000 must be /],
    [['--process-group', 'x'], /^forkexec: --process-group x must be an integer/],
    [
      ['--session', '--process-group', '0'],
      /^forkexec: --process-group 0 cannot be combined with session/,
    ],
    [['--parent-death-signal', 'NO'], /^forkexec: --parent-death-signal NO (must be a|is not av)/],
    [['--ignore-signal', 'HUP', '--ignore-signal', 'INT,NO'], /^forkexec: --ignore-signal INT,NO /],
    [['--ignore-signal', 'KILL'], /^forkexec: --ignore-signal KILL must be /],
    [['--block-signal', '0'], /^forkexec: --block-signal 0 must be /],
    [['--env', '=x'], /^forkexec: --env =x cannot hold a name that is empty/],
    [['--stdin', 'append:/x'], /^forkexec: --stdin append:\/x must be inherit, null, /],
    [
      ['--stdout', 'stdout'],
      /^forkexec: --stdout stdout must be inherit, null, a descriptor number/,
    ],
    [['--stderr', 'log'], /^forkexec: --stderr log must be inherit, null, stdout, /],
    [['--fd', '2=null'], /^forkexec: --fd 2=null must be an integer from 3/],
    [['--fd', 'null'], /^forkexec: --fd null must be N=SOURCE/],
    [['--timeout', '5 s'], /^forkexec: --timeout "5 s" must be a duration/],
    [['--timeout', '1', '--kill-after', 'x'], /^forkexec: --kill-after x must be a duration/],
    [['--kill-after', '1s'], /^forkexec: --kill-after needs a --timeout/],
    [['--status-fd', '99'], /^forkexec: --status-fd 99 must be a descriptor/],
    [['--status-fd', 'x'], /^forkexec: --status-fd x must be the number of a descriptor/],
  ];
  for (const [words, message] of table) {
    const { code, stdout, stderr } = run(...words, '--', 'echo', 'started');
    assert.deepEqual({ code, stdout }, { code: 125, stdout: '' }, words.join(' '));
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
  }
});

test('unknown flags and commands give 125 and a suggestion', () => {
  const unknown = run('--umsk', '022', 'true');
  assert.equal(unknown.code, 125);
  assert.match(unknown.stderr, /^forkexec: unknown option '--umsk'\n\(Did you mean --umask\?\)\n/);
  assert.match(cli(['rum']).stderr, /^forkexec: unknown command 'rum'\n\(Did you mean run\?\)\n/);
  for (const words of [[], ['run'], ['run', '--'], ['run', '--cwd'], ['rum']]) {
    assert.equal(cli(words).code, 125, words.join(' '));
  }
});

test('--timeout gives 124, however the program ends', () => {
  const traps = (action: string) => `trap '${action}' TERM; echo ready; sleep 30 & wait; wait`;
  assert.equal(run('--timeout', '0.2', 'sleep', '30').code, 124);
  // Its own child gets the signal too, and may have ended by then.
  const polite = run('--timeout', '500ms', '--', 'sh', '-c', traps('kill $! 2>&-; exit 0'));
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

test('--timeout 0 is no limit', () => {
  assert.equal(run('--timeout', '0', '--kill-after', '0', 'sleep', '0.1').code, 0);
});

test('words after the program belong to the program', () => {
  const show = ['sh', '-c', 'printf "%s|" "$0" "$@"'];
  const wanted = '--usage|--|-h|--cwd|/no/such||a b|';
  const words = ['--usage', '--', '-h', '--cwd', '/no/such', '', 'a b'];
  assert.deepEqual(run('--', ...show, ...words), { code: 0, stdout: wanted, stderr: '' });
  assert.deepEqual(run(...show, ...words), { code: 0, stdout: wanted, stderr: '' });
  assert.equal(run('--umask', '077', 'echo', '--umask', '0').stdout, '--umask 0\n');
  assert.equal(run('--', '--version').code, 127, 'a program of that name');
  assert.equal(run('--', 'echo', '--').stdout, '--\n');
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
  'a SIGINT that is sent to forkexec alone is forwarded, on a terminal too',
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

test('--help lists the flags in groups, with examples', () => {
  const { code, stdout, stderr } = run('--help');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /^Usage: forkexec run \[options\] \[--\] program \[args\.\.\.\]\n/);
  const headings = stdout.match(/^[A-Z][\w ]+:$/gm);
  assert.deepEqual(headings, [
    'Arguments:',
    'Attributes of the program:',
    'Descriptors of the program:',
    'Sandbox of the program:',
    'End of the program:',
    'Reports:',
    'Exit code:',
    'Signals:',
    'Examples:',
  ]);
  const examples = stdout.slice(stdout.indexOf('Examples:')).match(/^ {2}forkexec run .* -- /gm);
  assert.equal(examples?.length, 3);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  assert.match(cli(['--help']).stdout, /^Usage: forkexec .*\n {2}run .*\nExample:\n/s);
  assert.equal(cli(['help', 'run']).stdout, stdout);
});

test('--version prints the version of the package', () => {
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
