// The same commands on every engine that this machine has: results, statuses and errors are the same, byte for
// byte. FORKEXEC_COMMANDS says how many; `npm run test:engines` takes 1,000.

import assert from 'node:assert/strict';
import { custom, type Engine, local, openPool, type Pool } from '#dist/batch/index.js';
import { ExitError, LaunchError, type RunOptions } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { agentArgv } from '../helpers/batch.js';
import { lackOf, withSlurm, withSshd } from '../helpers/engines.js';
import { lackOfPodman, withPodman } from '../helpers/podman.js';
import { test } from '../helpers/test.js';

const lackOfContainer = await lackOfPodman();

const COUNT = Number(process.env['FORKEXEC_COMMANDS'] ?? 60);

type Job = readonly [file: string, args: readonly string[], options: RunOptions];

/** Of every kind that can differ, with the number in it. */
function jobOf(n: number): Job {
  const bytes = Buffer.from(`in ${n}\0\xff\r\n`, 'latin1');
  const kinds: Job[] = [
    ['sh', ['-c', `exit ${n % 256}`], {}],
    ['sh', ['-c', `echo ${n}; kill -${(n % 2) + 14} $$`], {}],
    ['sh', ['-c', `printf '${n}\\0\\377\\r\\n'; printf 'e${n}' >&2`], {}],
    ['cat', [], { input: bytes }],
    ['pwd', [], { cwd: n % 2 === 0 ? '/' : '/usr/lib' }],
    ['sh', ['-c', 'printf "%s" "$ODD"'], { env: { ODD: `a ${n}\n'$\udc80\udcff\u00e9` } }],
    ['/no/such/program', [String(n)], {}],
    ['no-such-program-at-all', [], { path: '/usr/bin:/bin' }],
    ['/etc/passwd', [], {}],
    ['true', [], { cwd: `/no/dir/${n}` }],
    ['sleep', ['60'], { timeout: 30 }],
    [
      'sh',
      ['-c', `ulimit -n; umask; nice; echo "$0 $1"`, 'zero', `a  ${n}`],
      { rlimits: { nofile: 100 + n }, umask: 0o27, nice: 3 },
    ],
    ['head', ['-c', String(n % 10 === 2 ? 10_000_000 : 70_000 + n), '/dev/zero'], {}],
    ['printf', ['<%s>', 'a  b', "it's", '', '*', '\udc80'], {}],
    ['yes', [String(n)], { maxBuffer: 1000 }],
  ];
  return kinds[n % kinds.length] as Job;
}

/** What came of a job, as text; of a stream that was cut off its length is by chance. */
async function outcomeOf(pool: Pool, [file, args, options]: Job): Promise<string> {
  try {
    const result = await pool.run(file, args, { ...options, encoding: 'buffer' });
    return [result.status.code, hash(result.stdout), hash(result.stderr), result.command].join(' ');
  } catch (error) {
    if (error instanceof LaunchError) {
      const { step, code, errno, argument, message, searched } = error;
      return JSON.stringify([step, code, errno, argument, message, searched]);
    }
    assert.ok(error instanceof ExitError, String(error));
    const { code, signal, reason, coreDumped } = error.status;
    const whole = reason === 'maxBuffer' ? '' : hash(error.stdout);
    return JSON.stringify([code, signal, reason, coreDumped, whole, hash(error.stderr)]);
  }
}

function hash(output: unknown): string {
  const bytes = output as Uint8Array;
  let sum = 0;
  for (const byte of bytes) sum = (sum * 31 + byte) | 0;
  return `${bytes.length}:${sum}`;
}

async function outcomes(engines: readonly Engine[]): Promise<string[]> {
  await using pool = await openPool({ slots: engines });
  return await Promise.all(Array.from({ length: COUNT }, (_, n) => outcomeOf(pool, jobOf(n))));
}

/** Asserts that both have the same results; the first that differ are in the message. */
function compare(actual: readonly string[], wanted: readonly string[]): void {
  const differences = wanted.flatMap((want, n) =>
    actual[n] === want ? [] : [{ n, want, actual: actual[n] }],
  );
  assert.deepEqual([differences.length, ...differences.slice(0, 5)], [0]);
}

let expected: Promise<string[]> | undefined;
const ofThisMachine = (): Promise<string[]> => (expected ??= outcomes([local(4)]));

const timeout = 120_000 + COUNT * 500;

test(
  `the same ${COUNT} commands end the same in this process and through an agent`,
  async () => {
    compare(await outcomes([custom(agentArgv, { jobs: 4 })]), await ofThisMachine());
  },
  { timeout },
);

test(
  `the same ${COUNT} commands end the same in namespaces of unshare(1)`,
  async () => {
    needsLinux('namespaces');
    const words = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...agentArgv];
    const engine = custom(['unshare', ...words], { jobs: 4, name: 'unshare' });
    compare(await outcomes([engine]), await ofThisMachine());
  },
  { timeout, skip: process.getuid?.() === 0 ? false : 'unshare needs root' },
);

test(
  `the same ${COUNT} commands end the same in a container of podman`,
  async () => {
    await withPodman(async (engine) => {
      compare(await outcomes([engine(4)]), await ofThisMachine());
    });
  },
  { timeout, skip: lackOfContainer ?? false },
);

test(
  `the same ${COUNT} commands end the same through ssh`,
  async () => {
    await withSshd(async (engine) => {
      compare(await outcomes([engine(4)]), await ofThisMachine());
    });
  },
  { timeout, skip: lackOf('sshd') ?? false },
);

test(
  `the same ${COUNT} commands end the same on Slurm`,
  async () => {
    await withSlurm(async (engine, env) => {
      Object.assign(process.env, env);
      try {
        compare(await outcomes(engine(4)), await ofThisMachine());
      } finally {
        delete process.env['SLURM_CONF'];
      }
    });
  },
  { timeout, skip: lackOf('slurm') ?? false },
);
