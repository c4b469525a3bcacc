// forkexec parallel: exit codes, joblog, resume, retries, halts and output. The numbers are those of
// situations from public reports; GNU parallel is the oracle unless a test says otherwise.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { bin } from '../helpers/cli.js';
import { withDesk } from '../helpers/parallel.js';
import { test } from '../helpers/test.js';

const numbers = (count: number): string =>
  Array.from({ length: count }, (_, n) => `${n}\n`).join('');

test('2: the exit code is the number of failures, up to 101', async () => {
  await withDesk(({ p }) => {
    assert.equal(p(['--jobs', '8', 'false'], { input: numbers(100) }).code, 100);
    assert.equal(p(['--jobs', '8', 'false'], { input: numbers(110) }).code, 101);
    assert.equal(p(['true'], { input: numbers(3) }).code, 0);
  });
});

test('4, 6, 7: each end has its Exitval and Signal in the joblog', async () => {
  await withDesk(({ p, log }) => {
    const codes = p([
      '--jobs',
      '1',
      '--joblog',
      'j',
      './code',
      '{}',
      ':::',
      '255',
      '1',
      '128',
      '127',
      '126',
      '0',
    ]);
    assert.equal(codes.code, 5);
    assert.deepEqual(log('j'), ['1 255 0', '2 1 0', '3 128 0', '4 127 0', '5 126 0', '6 0 0']);
    const missing = p(['--joblog', 'j', './nosuch', '{}', ':::', 'a']);
    assert.deepEqual([missing.code, log('j')], [1, ['1 127 0']]);
    assert.match(missing.stderr, /execve\("\.\/nosuch"\): ENOENT/);
    const signals = p(['--jobs', '1', '--joblog', 'j', './sig', '{}', ':::', '9', '15', '1']);
    assert.deepEqual([signals.code, log('j')], [3, ['1 0 9', '2 0 15', '3 0 1']]);
  });
});

test('5: the joblog has the fields of GNU parallel', async () => {
  await withDesk(({ p, read }) => {
    p(['--jobs', '1', '--joblog', 'j', './code', '{}', ':::', '1']);
    const [header, line, end] = read('j').split('\n');
    assert.equal(
      header,
      'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand',
    );
    assert.match(line as string, /^1\t:\t\d{10}\.\d{3}\t {5}\d\.\d{3}\t0\t0\t1\t0\t\.\/code 1$/);
    assert.equal(end, '');
    p(['--joblog', 'j', './slow', '{}', ':::', '0']);
    assert.match(read('j'), /\t0\t2\t0\t0\t\.\/slow 0\n$/);
  });
});

test('13, 68: a halt and a timeout end all that a job has started', async () => {
  needsLinux('scopes that /proc shows');
  await withDesk(async ({ p }) => {
    const [seconds, others] = [uniqueSleep(), uniqueSleep()];
    const tree = `trap "" TERM; sleep ${seconds} & setsid sleep ${others} & : >ready; sleep ${seconds}`;
    const halted = p(['--jobs', '2', '--halt', 'now,fail=1', ':::', tree, './await ready; exit 3']);
    assert.equal(halted.code, 3);
    assert.deepEqual([...processesWith(seconds), ...processesWith(others)], []);
    const late = p(['--jobs', '1', '--timeout', '1', '--joblog', 'j', ':::', tree]);
    assert.equal(late.code, 1);
    assert.deepEqual([...processesWith(seconds), ...processesWith(others)], []);
  });
});

test('14, 15: the exit code of a halt is that of the job that brought it about', async () => {
  await withDesk(({ p, log }) => {
    const soon = p([
      '--jobs',
      '1',
      '--joblog',
      'j',
      '--halt',
      'soon,fail=1',
      './sig',
      '{}',
      ':::',
      '9',
      '15',
    ]);
    assert.deepEqual([soon.code, log('j')], [137, ['1 0 9']]);
    assert.equal(p(['--halt', 'now,fail=1', './sig', '{}', ':::', '15']).code, 143);
    assert.equal(p(['--halt', 'now,fail=1', './nosuch', ':::', 'x']).code, 127);
    assert.equal(
      p(['--halt', 'now,fail=1', '--timeout', '0.2', './slow', '{}', ':::', '30']).code,
      255,
    );
    assert.equal(
      p(['--jobs', '1', '--halt', 'soon,success=1', './code', '{}', ':::', '1', '0', '5']).code,
      0,
    );
    assert.equal(
      p(['--jobs', '1', '--halt', 'soon,done=2', './code', '{}', ':::', '1', '1', '1']).code,
      2,
    );
    assert.equal(p(['--halt', 'sometimes', 'true', ':::', '1']).code, 255);
  });
});

test('18: with a percentage the exit code is the percentage that failed', async () => {
  await withDesk(({ p, log }) => {
    const half = ['--jobs', '1', '--joblog', 'j', '--halt', 'soon,fail=50%', './code', '{}', ':::'];
    assert.equal(p([...half, '1', '0', '1', '0', '0', '0']).code, 34);
    assert.equal(log('j').length, 6);
    const third = [
      '--jobs',
      '1',
      '--joblog',
      'j',
      '--halt',
      'soon,fail=30%',
      './code',
      '{}',
      ':::',
    ];
    assert.equal(p([...third, ...'0000000110'.split('')]).code, 20);
    assert.equal(log('j').length, 10);
  });
});

test('32, 33, 63: output comes as jobs end, or in order, and the joblog never waits for it', async () => {
  await withDesk(async ({ p, start, log, write, folder }) => {
    // The first ends only once the second has: its line is in the joblog then.
    const jobs = [':::', 'until grep -q ^2 both; do sleep 0.02; done; echo 1', 'echo 2'];
    const logged = ['--jobs', '2', '--joblog', 'both'];
    assert.equal(p([...logged, ...jobs]).stdout, '2\n1\n');
    assert.equal(p([...logged, '--keep-order', ...jobs]).stdout, '1\n2\n');
    const waits = [':::', './await go; echo 1', 'echo 2', 'echo 3'];
    await using child = await start(['--jobs', '2', '-k', '--joblog', 'j', ...waits]);
    const seqs = (): string[] =>
      existsSync(join(folder, 'j')) ? log('j').map((line) => line[0] as string) : [];
    await until(() => seqs().length === 2, 'the lines of two jobs');
    assert.deepEqual(seqs(), ['2', '3']);
    write('go', '');
    let all = '';
    for await (const chunk of child.stdout) all += String(chunk);
    assert.equal(all, '1\n2\n3\n');
  });
});

test('36: with --line-buffer no line is made of two jobs', async () => {
  await withDesk(({ p }) => {
    const job = (name: string, other: string): string =>
      `printf "${name} one "; : >${name}1; ./await ${other}1; echo two; : >${name}2; ./await ${other}2; echo ${name} three`;
    const jobs = [':::', job('a', 'b'), job('b', 'a')];
    const lines = p(['--jobs', '2', '--line-buffer', ...jobs]).stdout.split('\n');
    assert.deepEqual([...lines].sort(), ['', 'a one two', 'a three', 'b one two', 'b three']);
    const inOrder = p(['--jobs', '2', '--line-buffer', '--keep-order', ...jobs]).stdout;
    assert.equal(inOrder, 'a one two\na three\nb one two\nb three\n');
  });
});

test('37: output that is not text, or has no newline at its end, is as it was', async () => {
  await withDesk(({ p }) => {
    const binary = "printf 'X\\0\\377\\r\\n\\n'";
    for (const mode of [[], ['--line-buffer'], ['-u'], ['-k']]) {
      assert.equal(p([...mode, ':::', binary]).stdout, 'X\0\xff\r\n\n');
      assert.equal(p([...mode, ':::', 'printf end']).stdout, 'end');
    }
  });
});

test('38: --tag puts the item before each line', async () => {
  await withDesk(({ p }) => {
    assert.equal(
      p(['-k', '--tag', './args', '{}', ':::', 'a', 'b c']).stdout,
      'a\t<a>\nb c\t<b c>\n',
    );
    assert.equal(p(['-k', '--tag', 'echo', ':::', 'a', ':::', '1']).stdout, 'a 1\ta 1\n');
    assert.equal(p(['--tagstring', 'T{}-{#}', 'echo', ':::', 'a']).stdout, 'Ta-1\ta\n');
  });
});

test('39, 40: much output on both streams is whole, also for a slow reader', async () => {
  await withDesk(async ({ p, start }) => {
    const much = 'head -c 4000000 /dev/zero; head -c 4000000 /dev/zero >&2';
    const { stdout, stderr, code } = p([':::', much]);
    assert.deepEqual([stdout.length, stderr.length, code], [4_000_000, 4_000_000, 0]);
    const fill = 'head -c 5000000 /dev/zero';
    await using child = await start(['--jobs', '2', ':::', fill, fill]);
    let size = 0;
    for await (const chunk of child.stdout) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 300));
      size += (chunk as Buffer).length;
    }
    assert.equal(size, 10_000_000);
  });
});

test('41: a process that a job leaves behind with its output is not waited for', async () => {
  await withDesk(async ({ p }) => {
    const seconds = uniqueSleep();
    const { stdout, code } = p([':::', `sleep ${seconds} & echo hi`]);
    assert.deepEqual([stdout, code], ['hi\n', 0]);
    for (const pid of processesWith(seconds)) process.kill(pid, 'SIGKILL');
    await until(() => processesWith(seconds).length === 0, 'the sleep is gone');
  });
});

test('43: a full disk is told of, and no exit code 0 (GNU parallel: 0, no message)', async () => {
  await withDesk(({ p }) => {
    const { code, stderr } = p(['./args', ':::', '1', '2', '3'], { stdout: { file: '/dev/full' } });
    assert.equal(code, 255);
    assert.match(stderr, /stdout: no space left/);
  });
});

test('44, 45: --results loses no output, and leaves its directory to nobody', async () => {
  await withDesk(({ p, read, folder }) => {
    const one = p(['-k', '--results', 'r', './both', '{}', ':::', 'a', 'b c']);
    assert.equal(one.stdout, '');
    assert.deepEqual(
      [read('r/1/a/stdout'), read('r/1/a/stderr'), read('r/1/a/seq')],
      ['out a', 'err a', '1'],
    );
    assert.equal(read('r/1/b c/seq'), '2');
    p(['--results', 'two', './both', '{1}', ':::', 'a', ':::', '1']);
    assert.equal(read('two/1/a/2/1/stdout'), 'out a');
    p(['--results', 't/{#}.out', './both', '{}', ':::', 'a']);
    assert.deepEqual(readdirSync(join(folder, 't')).sort(), ['1.out', '1.out.err', '1.out.seq']);
    const before = readdirSync(folder).length;
    p(['-j1', '--results', 'odd', './both', '{}', ':::', 'a', 'a', 'x/y', 'x\\_y', '..', '']);
    assert.equal(readdirSync(folder).length, before + 1);
    assert.deepEqual(readdirSync(join(folder, 'odd')), ['1']);
    const all = readdirSync(join(folder, 'odd/1')).map((name) =>
      readFileSync(join(folder, 'odd/1', name, 'stdout'), 'utf8'),
    );
    assert.deepEqual(all.sort(), ['out ', 'out ..', 'out a', 'out a', 'out x/y', 'out x\\_y']);
  });
});

test('46, 67, 70: of a job that is run again the last try counts', async () => {
  await withDesk(({ p, log }) => {
    const flaky = p(['--retries', '5', '--joblog', 'j', ':::', 'echo try; ./flaky a 3']);
    assert.deepEqual([flaky.stdout, flaky.code, log('j')], ['try\n', 0, ['1 0 0']]);
    const late = p([
      '--retries',
      '2',
      '--timeout',
      '0.2',
      '--joblog',
      'j',
      ':::',
      'echo x >>tries; sleep 30',
    ]);
    assert.deepEqual([late.code, log('j')], [1, ['1 -1 15']]);
    const killed = p(['--retries', '2', '--joblog', 'j', ':::', './flaky b 2 || kill -9 $$']);
    assert.deepEqual([killed.code, log('j')], [0, ['1 0 0']]);
  });
});

test('53, 54, 56, 57: --resume goes by the number, --resume-failed by success', async () => {
  await withDesk(({ p, read, log }) => {
    const code = (flag: string[], ...items: string[]): number | null =>
      p(['-j1', '--joblog', 'j', ...flag, 'echo x >>ran; ./code', ':::', ...items]).code;
    assert.equal(code([], '0', '1', '0'), 1);
    const before = read('j');
    assert.equal(code(['--resume'], '0', '1', '0'), 0);
    assert.equal(read('j'), before);
    assert.equal(code(['--resume'], '0', '1', '0', '0'), 0);
    assert.deepEqual(log('j'), ['1 0 0', '2 1 0', '3 0 0', '4 0 0']);
    // Other items: the number decides.
    assert.equal(code(['--resume'], '5', '6', '7', '8', '9'), 1);
    assert.deepEqual(log('j').slice(4), ['5 9 0']);
    p(['-j1', '--joblog', 'k', ':::', 'kill -9 $$', 'true', 'exit 2']);
    p(['-j1', '--joblog', 'k', '--resume-failed', ':::', 'true', 'true', 'true']);
    assert.deepEqual(log('k'), ['1 0 9', '2 0 0', '3 2 0', '1 0 0', '3 0 0']);
  });
});

test('58: --resume needs a joblog, and a joblog without --resume is replaced', async () => {
  await withDesk(({ p, log }) => {
    assert.equal(p(['--resume', 'true', ':::', '1']).code, 255);
    assert.equal(p(['--resume', '--joblog', 'j', 'true', ':::', '1', '2']).code, 0);
    assert.equal(log('j').length, 2);
    p(['--joblog', 'j', 'true', ':::', '1']);
    assert.equal(log('j').length, 1);
  });
});

test('60: a joblog line that is cut off is of a job that has not ended', async () => {
  await withDesk(({ p, read, write, log }) => {
    p(['-j1', '--joblog', 'j', 'true', ':::', '1', '2', '3']);
    write('j', read('j').replace(/true 3\n$/, ''));
    assert.equal(p(['--resume', '--joblog', 'j', 'true', ':::', '1', '2', '3']).code, 0);
    assert.deepEqual(
      log('j').map((line) => line[0]),
      ['1', '2', '3'],
    );
    assert.match(read('j'), /\ttrue 3\n$/);
  });
});

test('61: a signal ends the run with 255, and --resume runs what it has killed', async () => {
  needsLinux('scopes that /proc shows');
  await withDesk(async ({ start, read, p, log }) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const seconds = uniqueSleep();
      const job = `: >>ran; sleep ${seconds}`;
      const child = await start(['-j2', '--joblog', signal, ':::', job, job, job, job]);
      await until(() => processesWith(seconds).length === 2, 'two jobs run');
      child.kill(signal);
      assert.equal((await child.closed).code, 255);
      assert.deepEqual(processesWith(seconds), []);
      assert.deepEqual(log(signal).sort(), [' 1 0 15', ' 2 0 15']);
      assert.match(read(signal), /^Seq\t/);
    }
    assert.equal(
      p(['--resume', '--joblog', 'SIGTERM', ':::', 'true', 'true', 'true', 'true']).code,
      0,
    );
    assert.deepEqual(
      log('SIGTERM')
        .slice(2)
        .map((line) => line[0])
        .sort(),
      ['1', '2', '3', '4'],
    );
  });
});

test('a run that is killed leaves no process, and --resume runs what had not ended', async () => {
  needsLinux('a guard');
  await withDesk(async ({ start, p, log, read }) => {
    const seconds = uniqueSleep();
    const jobs = [':::', 'true', `setsid sleep ${seconds} & sleep ${seconds}`, 'true', 'true'];
    const child = await start(['-j1', '--joblog', 'j', ...jobs]);
    await until(() => processesWith(seconds).length === 2, 'the second job runs');
    child.kill('SIGKILL');
    await child.closed;
    // The joblog is locked until what was left is ended.
    const resumed = p([
      '-j1',
      '--resume',
      '--joblog',
      'j',
      ':::',
      'true',
      'echo 2',
      'echo 3',
      'echo 4',
    ]);
    assert.deepEqual(processesWith(seconds), []);
    assert.deepEqual([resumed.code, resumed.stdout], [0, '2\n3\n4\n']);
    assert.deepEqual(log('j'), ['1 0 0', '2 0 0', '3 0 0', '4 0 0'], read('j'));
  });
});

test('71: more slots than jobs, and slots without number', async () => {
  await withDesk(({ p }) => {
    assert.equal(p(['--jobs', '8', './args', ':::', '1']).stdout, '<1>\n');
    assert.equal(p(['--jobs', '0', '-k', './args', ':::', '1', '2']).stdout, '<1>\n<2>\n');
    assert.equal(p(['--jobs', 'many', 'true', ':::', '1']).code, 255);
  });
});

test('jobs run on engines of the command line and of a file', async () => {
  await withDesk(({ p, write, read }) => {
    const engine = `command:${process.execPath} ${bin} agent*2`;
    const words = ['--engine', engine, '-k', '--joblog', 'j', './args', '{}', ':::', 'a b', 'c'];
    assert.equal(p(words).stdout, '<a b>\n<c>\n');
    write('slots', `# a comment\n\nlocal*1\n${engine}\n`);
    const both = p(['--slots', 'slots', '-k', 'echo {}', ':::', '1', '2', '3', '4']);
    assert.equal(both.stdout, '1\n2\n3\n4\n');
    assert.match(read('j'), /^1\t\/\S+\t/m);
    const bad = p(['--engine', 'nonsense', 'true', ':::', '1']);
    assert.match(bad.stderr, /--engine nonsense must be local, ssh:HOST/);
    const gone = p(['--engine', 'command:false', 'true', ':::', '1']);
    assert.equal(gone.code, 255);
    assert.match(gone.stderr, /slot false .*ended before an agent answered: exit status 1/);
  });
});

test('a progress bar is shown where it is asked for, and stderr is quiet otherwise', async () => {
  await withDesk(({ p }) => {
    assert.equal(p(['true', ':::', '1', '2']).stderr, '');
    assert.match(p(['--bar', 'true', ':::', '1', '2']).stderr, /2\/2, 0 failed \|/);
    assert.equal(p(['--bar', '--no-bar', 'true', ':::', '1']).stderr, '');
  });
});

test('a signal ends a run that waits for items', async () => {
  await withDesk(async ({ folder, read }) => {
    const child = await spawn(process.execPath, [bin, 'parallel', '--joblog', 'j', 'echo'], {
      cwd: folder,
      stdin: 'pipe',
      stdout: 'null',
      stderr: 'null',
    });
    child.stdin.write('1\n');
    const has = (text: string): boolean =>
      existsSync(join(folder, 'j')) && read('j').includes(text);
    await until(() => has('echo 1'), 'the first job has ended');
    child.kill('SIGTERM');
    assert.equal((await child.exited).code, 255);
    await child.closed;
  });
});

/** An engine that can be started once. */
const once = (jobs: number): string => {
  const agent = `'${process.execPath}' '${bin}' agent`;
  return `command:sh -c "mkdir once 2>/dev/null || exit 1; exec ${agent}"*${jobs}`;
};

test('a slot that is lost while an item is waited for runs nothing, and the run ends', async () => {
  needsLinux('a guard of an agent');
  await withDesk(async ({ folder, log }) => {
    const words = ['--engine', once(2), '--joblog', 'j'];
    const child = await spawn(process.execPath, [bin, 'parallel', ...words], {
      cwd: folder,
      env: { SHELL: '/bin/sh' },
      stdin: 'pipe',
      stdout: 'null',
      stderr: 'null',
    });
    child.stdin.write('kill -9 $PPID; sleep 60\n');
    await until(() => existsSync(join(folder, 'j')) && log('j').length === 1, 'the slot is lost');
    child.stdin.end('echo 2\n');
    assert.equal((await child.exited).code, 255);
    assert.deepEqual(log('j'), [' 1 255 0']);
    await child.closed;
  });
});

test('a job for which no slot is left has its line', async () => {
  needsLinux('a guard of an agent');
  await withDesk(({ p, log }) => {
    const job = 'kill -9 $PPID; sleep 60';
    const { code } = p(['--engine', once(1), '--retries', '9', '--joblog', 'j', ':::', job]);
    assert.equal(code, 255);
    assert.deepEqual(log('j'), [' 1 255 0']);
  });
});

test('a joblog that another run writes, and a file that is not a joblog, stay as they are', async () => {
  await withDesk(async ({ folder, start, p, log, read, write }) => {
    const child = await start(['-j1', '--joblog', 'j', ':::', 'true', './await go']);
    await until(() => existsSync(join(folder, 'j')) && log('j').length === 1, 'a line');
    const second = p(['--joblog', 'j', 'true', ':::', '1'], { timeout: 1000 });
    assert.notEqual(second.code, 0);
    assert.deepEqual(log('j'), ['1 0 0']);
    write('go', '');
    await child.closed;
    assert.deepEqual(log('j'), ['1 0 0', '2 0 0']);
    write('notes', 'mine');
    const { code, stderr } = p(['--resume', '--joblog', 'notes', 'true', ':::', '1']);
    assert.deepEqual([code, read('notes')], [255, 'mine']);
    assert.match(stderr, /not a line of a joblog: "mine"/);
  });
});

test('a job whose output cannot be kept runs again with --resume', async () => {
  await withDesk(({ p, log }) => {
    const job = 'head -c 1100000 /dev/zero';
    const env = { TMPDIR: '/no/such/folder' };
    const { code, stderr } = p(['-j1', '--joblog', 'j', ':::', job], { env });
    assert.equal(code, 255);
    assert.match(stderr, /cannot keep the output of a job/);
    assert.match(log('j').join(), /^ 1 /);
    const again = p(['-j1', '--resume', '--joblog', 'j', ':::', job]);
    assert.deepEqual([again.code, again.stdout.length], [0, 1_100_000]);
  });
});
