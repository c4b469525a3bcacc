import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Result, run } from '#dist/index.js';
import { needsTestRunner } from '../helpers/runtime.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** What has a process use the portable backend on Linux. */
const PORTABLE = {
  FORKEXEC_BACKEND: 'posix',
  FORKEXEC_ADDON: join(root, 'build', 'native', 'forkexec-posix.node'),
};

const dist = (name: string): string => JSON.stringify(join(root, 'dist', name));

/** Runs a program in a Node whose backend is that of macOS and the BSDs. */
function portable(program: string, words: readonly string[] = []): Promise<Result> {
  const args = [...words, '--input-type=module', '-e', program];
  return run(process.execPath, args, { env: PORTABLE, reject: false });
}

test('an unknown FORKEXEC_BACKEND is refused by name', async () => {
  const program = `await import(${dist('index.js')})`;
  const { stderr, status } = await run(process.execPath, ['--input-type=module', '-e', program], {
    env: { FORKEXEC_BACKEND: 'windows' },
    reject: false,
  });
  assert.equal(status.code, 1);
  assert.match(stderr, /FORKEXEC_BACKEND must be 'linux' or 'posix', not 'windows'\./);
});

test('the portable backend refuses by name options that POSIX does not have', async () => {
  const { stdout, stderr } = await portable(`
    import { spawn } from ${dist('index.js')};
    import { rawSyscall, syscall, SYS, pidfdOpen, prctl } from ${dist('syscall.js')};
    const options = {
      parentDeathSignal: 'SIGKILL', oomScoreAdj: 0, cpuAffinity: [0], scheduler: { policy: 'batch' },
      ioPriority: { class: 'idle' }, noNewPrivileges: true, capabilities: { bounding: [] },
      securebits: [], namespaces: { user: true }, cgroup: '/', lifetime: 'parent',
    };
    const said = [];
    const tell = ({ name, code, message }) => said.push([name, code, message]);
    for (const [name, value] of Object.entries(options)) {
      await spawn('/no/such/program', [], { [name]: value }).catch(tell);
    }
    for (const call of [() => rawSyscall(SYS.getpid), () => pidfdOpen(1), () => prctl(3)]) {
      try { call(); } catch (error) { tell(error); }
    }
    await syscall(SYS.getpid).catch(tell);
    // What is not asked for is not refused.
    const unasked = { namespaces: undefined, noNewPrivileges: false };
    await spawn('/no/such/program', [], unasked).catch(tell);
    console.log(JSON.stringify(said));
  `);
  assert.equal(stderr, '');
  const said = JSON.parse(stdout) as [name: string, code: string, message: string][];
  const missing = said.slice(0, -1);
  const names = missing.map(([name, code, message]) => {
    assert.deepEqual([name, code], ['TypeError', 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM']);
    assert.match(message, / is not available on this system with the portable backend\.$/);
    return /'(.*)'/.exec(message)?.[1];
  });
  assert.deepEqual(names, [
    'parentDeathSignal',
    'oomScoreAdj',
    'cpuAffinity',
    'scheduler',
    'ioPriority',
    'noNewPrivileges',
    'capabilities',
    'securebits',
    'namespaces',
    'cgroup',
    'lifetime',
    'rawSyscall',
    'pidfd_open',
    'prctl',
    'syscall',
  ]);
  assert.deepEqual(said.at(-1)?.slice(0, 2), ['LaunchError', 'ENOENT']);
});

test('the library loads with the constants of macOS and FreeBSD, and names what they lack', () =>
  withFolder(async (folder) => {
    for (const [system, last, limit] of [
      ['darwin', 'SIGUSR2', 'as'],
      ['freebsd', 'SIGLIBRT', 'as'],
    ] as const) {
      // The addon is that of Linux all the same: nothing is launched with it.
      const pretend = join(folder, 'pretend.mjs');
      writeFileSync(pretend, `Object.defineProperty(process, 'platform', { value: '${system}' });`);
      const program = `
        for (const name of ['index', 'process/index', 'syscall', 'cli/run', 'cli/exec', 'cli/doctor'])
          await import(${dist('')} + '/' + name + '.js');
        const { table } = await import(${dist('signal/index.js')});
        const { checkLaunch, compile } = await import(${dist('launch/compile.js')});
        const { SYS, AT, O, TIOC } = await import(${dist('syscall/constants.js')});
        const { POSIX_CALL: calls } = await import(${dist('protocol.js')});
        const launch = (options) => {
          const descriptors = new Map([[0, 'null'], [1, 'inherit'], [3, 1]]);
          const draft = { file: 'ls', argv: ['ls'], descriptors, options };
          checkLaunch(draft);
          const compiled = compile({ ...draft, search: true, parentPid: 1 });
          return compiled.steps.map(({ name }) => name);
        };
        const said = [];
        for (const options of [{ cgroup: '/' }, { rlimits: { rtprio: 1 } }, { rlimits: { locks: 1 } }]) {
          try { launch(options); } catch ({ message }) { said.push(message); }
        }
        const { openTerminal } = await import(${dist('terminal/index.js')});
        try { openTerminal(); } catch ({ message }) { said.push(message); }
        const steps = launch({
          session: true, umask: 0o77, chroot: '/', cwd: '/', nice: 5, ptrace: true, controllingTerminal: 0,
          credential: { uid: 1, gid: 1 }, rlimits: { ${limit}: 1 }, signals: { ignore: ['SIGHUP'], mask: [] },
        });
        console.log(JSON.stringify({
          last: table.at(-1).name, said, steps: [...new Set(steps)],
          same: SYS === calls, known: [AT.AT_FDCWD, O.O_CLOEXEC, TIOC.TIOCSCTTY].every(Number.isInteger),
        }));
      `;
      const { stdout, stderr } = await portable(program, [
        '--import',
        String(pathToFileURL(pretend)),
      ]);
      assert.equal(stderr, '', system);
      const { steps, ...rest } = JSON.parse(stdout) as { steps: string[] };
      assert.deepEqual(rest, {
        last,
        said: [
          "The option 'cgroup' is not available on this system.",
          "The option 'rlimits.rtprio' is not available on this system.",
          "The option 'rlimits.locks' is not available on this system.",
          "The function 'openTerminal' is not available on this system.",
        ],
        same: true,
        known: true,
      });
      for (const step of ['setsid', 'TIOCSCTTY', 'setuid', 'chroot', 'dup3', 'ptrace', 'execve']) {
        assert.ok(steps.includes(step), `${system} has no ${step} in ${steps}`);
      }
      assert.ok(steps.includes('close_range'), 'what was not asked for is closed');
    }
  }));

/** The files of the shared suite that say the most about it in the shortest time. */
const SHORT = [
  'launch/failures',
  'launch/credential',
  'launch/descriptors.test',
  'syscall/exec.test',
];

test(
  'the portable backend passes the short part of the suite; npm run test:posix runs all of it',
  async (context) => {
    if (process.env['FORKEXEC_BACKEND'] === 'posix') {
      context.skip('this is that suite');
      return;
    }
    needsTestRunner();
    const words = [join(root, 'scripts/test.mjs'), ...SHORT];
    // node:test tells a test in a test by this variable, and would report to the outer one.
    const env = { ...PORTABLE, NODE_TEST_CONTEXT: undefined };
    const { stdout, status } = await run(process.execPath, words, { env, reject: false });
    const count = (what: string): number =>
      Number(new RegExp(`ℹ ${what} (\\d+)`).exec(stdout)?.[1]);
    context.diagnostic(`${count('pass')} passed, ${count('skipped')} skipped`);
    assert.ok(status.ok, stdout.slice(-4000));
    assert.ok(count('pass') > 60 && count('fail') === 0);
  },
  { timeout: 120_000 },
);
