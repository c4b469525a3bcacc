import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { launchFlags } from '#dist/cli/flags.js';
import { launchOptionNames } from '#dist/launch/order.js';
import { assertFound, flagsOf, optionCases, withSamples } from '../helpers/all-cases.js';
import { needsOption } from '../helpers/backend.js';
import { bin, cli, run, stateWith } from '../helpers/cli.js';
import { optionsOf } from '../helpers/flags.js';
import { asRoot } from '../helpers/identity.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = dirname(dirname(bin));

/** What the program finds for flags in all the ways they are written. */
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
  test(`forkexec run: ${name} reaches the program`, () => withFolder(check));
}

for (const name of launchOptionNames) {
  const { how, lack = false } = optionCases[name] ?? {};
  test(
    `the flags of ${name} come to its sample, seen from inside`,
    async () => {
      needsOption(name);
      await withSamples([name], async (options) => {
        const words = flagsOf(name, options[name]);
        assert.deepEqual(optionsOf(...words), options);
        if (how !== undefined) return; // it takes a terminal, or a tracer that lets it go on
        const usual = await stateWith([]);
        const state = await stateWith(words.flatMap((word) => word.split(/ (.*)/).slice(0, 2)));
        assertFound(state, options, { ...usual, ppid: state.ppid });
      });
    },
    { skip: asRoot.skip || lack },
  );
}

test('every flag of an attribute is in --help and in docs/options.md', () => {
  const help = run('--help').stdout;
  const docs = readFileSync(join(root, 'docs', 'options.md'), 'utf8');
  for (const { flags } of launchFlags) {
    assert.ok(help.includes(`  ${flags} `), `--help has ${flags}`);
    assert.ok(docs.includes(`\`${flags}\``), `docs/options.md has ${flags}`);
  }
});

test('forkexec run without flags gives the program the standard streams and no other descriptor', async () => {
  const { fds, dispositions, status } = await stateWith([]);
  assert.deepEqual(Object.keys(fds), ['0', '1', '2']);
  assert.deepEqual(dispositions, {});
  assert.equal(BigInt(`0x${status['SigBlk']}`), 0n);
});

test('forkexec run passes the standard streams on unchanged', () => {
  const { stdout } = cli(['run', 'cat'], { input: 'through\n' });
  assert.equal(stdout, 'through\n');
});

test('forkexec run: --stdin, --stdout, --stderr and --fd reach the program', () =>
  withFolder(async (folder) => {
    const [input, log, more] = ['input', 'log', 'more'].map((name) => join(folder, name));
    for (const file of [input, log, more]) writeFileSync(file as string, 'old\n');
    const words = ['--stdin', `file:${input}`, '--stdout', `append:${log}`, '--stderr', 'stdout'];
    words.push(
      '--fd',
      '3=null',
      '--fd',
      `9=write:${more}`,
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
