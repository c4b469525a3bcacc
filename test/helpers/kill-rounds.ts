// Runs `forkexec parallel` again and again, kills one of the processes that take part at a random moment, and
// looks at what is left: `kill-rounds COUNT SEED`, in a pid namespace of its own. One line for each round.

import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, type ExitStatus, runSync, spawn } from '#dist/index.js';
import { until } from './batch.js';
import { bin } from './cli.js';
import { lackOf, withSlurm, withSshd } from './engines.js';
import { withFolder } from './state.js';

/** A job holds a lock with all that it starts, some of it in a session of its own. */
const JOB = `exec 9>>"lock.$1"
flock -n 9 || echo "$1" >>twice
echo "$1" >>starts
setsid sleep 300 &
sleep "0.$((RANDOM % 3 + 1))"
kill $!
wait $! 2>/dev/null
echo "$1" >>ends
`;

const JOBS = 16;
const HEARTBEAT = 2000;
/** What is killed comes to its end within that, and some time for a busy machine. */
const GONE = HEARTBEAT * 1.5 + 60_000;
/** The victim is killed this long after it was there, at most. */
const LONGEST = 1500;

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** All processes that have not ended. */
function processes(): Row[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      const argv = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
      return [{ pid: Number(name), parent: Number(parent), argv }];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Whether it is this runtime, and runs the agent: Deno has words of its own before those of a program. */
function isAgent({ pid, argv }: Row): boolean {
  const at = argv.findIndex((word) => word.endsWith('agent.js'));
  if (at < 1 || argv[at + 1] !== 'agent') return false;
  try {
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe');
  } catch {
    return false; // it has ended meanwhile
  }
}

/** A sequence that depends on nothing but its seed: xorshift. */
function sequence(seed: number): () => number {
  // Seeds that are next to each other begin with numbers that are not.
  let state = Math.imul(seed + 1, 0x9e37_79b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

type Victim = 'coordinator' | 'agent' | 'ssh' | 'sshd' | 'srun';

interface Kind {
  readonly victim: Victim;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

class Round {
  readonly #folder: string;
  readonly #kind: Kind;
  readonly #link: string;

  constructor(folder: string, kind: Kind) {
    this.#folder = folder;
    this.#kind = kind;
    this.#link = join(folder, 'agent.js');
    symlinkSync(bin, this.#link);
    writeFileSync(join(folder, 'job'), `#!/bin/bash\ncd ${folder}\n${JOB}`);
    chmodSync(join(folder, 'job'), 0o755);
  }

  start(...more: readonly string[]): Promise<Child> {
    const agent = `--agent=${process.execPath} ${this.#link} agent`;
    const flags = ['--heartbeat', `${HEARTBEAT}ms`, '--retries', '20', '--joblog', 'joblog'];
    const items = Array.from({ length: JOBS }, (_, n) => String(n + 1));
    const words = [...flags, agent, ...this.#kind.flags, ...more, join(this.#folder, 'job'), '{}'];
    return spawn(process.execPath, [bin, 'parallel', ...words, ':::', ...items], {
      cwd: this.#folder,
      env: { ...this.#kind.env, SHELL: '/bin/bash' },
      stdin: 'null',
      stdout: 'null',
      stderr: { file: join(this.#folder, 'stderr'), append: true },
    });
  }

  /** The process to kill, while there is one. */
  victim({ pid }: Child): number | undefined {
    const all = processes();
    const agent = all.find(isAgent);
    const child = (name: string) =>
      all.find(({ parent, argv }) => parent === pid && argv[0]?.endsWith(name))?.pid;
    if (this.#kind.victim === 'coordinator') return pid;
    if (this.#kind.victim === 'agent') return agent?.pid;
    if (this.#kind.victim !== 'sshd') return child(this.#kind.victim);
    let row = agent;
    while (row !== undefined && !row.argv[0]?.startsWith('sshd:')) {
      const above = row.parent;
      row = all.find((each) => each.pid === above);
    }
    return row?.pid;
  }

  read(name: string): string[] {
    const file = join(this.#folder, name);
    return existsSync(file) ? readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
  }

  /** Jobs that have ended by themselves, as the joblog has it; one that was killed begins with a blank. */
  logged(): Map<number, string> {
    const lines = this.read('joblog').slice(1);
    const ended = lines.filter((line) => /^\d/.test(line)).map((line) => line.split('\t'));
    return new Map(
      ended.map((fields) => [Number(fields[0]), `${fields[6]} ${fields[7]}`] as const),
    );
  }

  /** How often each job was started. */
  starts(): number[] {
    const lines = this.read('starts');
    return Array.from(
      { length: JOBS + 1 },
      (_, seq) => lines.filter((line) => line === String(seq)).length,
    );
  }
}

/** Waits until the only processes are those that were there before; the milliseconds that took. */
async function gone(before: ReadonlySet<number>, since: number): Promise<number> {
  const left = () => processes().filter(({ pid }) => !before.has(pid));
  try {
    await until(() => left().length === 0, 'nothing is left', GONE);
  } catch {
    const lines = left().map(({ pid, argv }) => `${pid} ${argv.join(' ').slice(0, 200)}`);
    assert.fail(`still there:\n${lines.join('\n')}`);
  }
  return Math.round(performance.now() - since);
}

/** One run with one kill; undefined where the victim had gone before its moment. */
async function play(
  folder: string,
  kind: Kind,
  moment: number,
): Promise<{ again: number; ms: number } | undefined> {
  const round = new Round(folder, kind);
  const before = new Set(processes().map(({ pid }) => pid));
  await using child = await round.start();
  let status: ExitStatus | undefined;
  void child.exited.then((ended) => {
    status = ended;
  });
  const isThere = (): boolean => status !== undefined || round.victim(child) !== undefined;
  await until(isThere, `${kind.victim} is there`, 60_000);
  await sleep(moment);
  const pid = round.victim(child);
  if (status !== undefined || pid === undefined) {
    await child.exited;
    await gone(before, 0);
    return undefined;
  }
  process.kill(pid, 'SIGKILL');
  const since = performance.now();
  const isOwn = kind.victim === 'coordinator';
  let ms = 0;
  const { code, signal } = await child.exited;
  if (isOwn) {
    assert.equal(signal, 'SIGKILL');
    ms = await gone(before, since);
    const [logged, starts] = [round.logged(), round.starts()];
    await using rest = await round.start('--resume');
    assert.equal((await rest.exited).code, 0, round.read('stderr').join('\n'));
    const after = round.starts();
    for (const seq of logged.keys()) assert.equal(after[seq], starts[seq], `${seq} ran again`);
  } else {
    assert.equal(code, 0, `${code} ${signal} ${round.read('stderr').join('\n')}`);
  }
  await gone(before, performance.now());
  assert.deepEqual(round.read('twice'), [], 'ran twice at once');
  const ends = [...round.logged()].sort(([a], [b]) => a - b);
  assert.deepEqual(
    ends,
    Array.from({ length: JOBS }, (_, n) => [n + 1, '0 0'] as const),
  );
  const ended = new Set(round.read('ends'));
  assert.equal(ended.size, JOBS, 'each job has ended by itself');
  const again = round.starts().reduce((sum, count) => sum + Math.max(0, count - 1), 0);
  return { again, ms };
}

/**
 * Waits until Slurm has no job of ours, and takes out what an srun that was killed had left there before there
 * was an agent: how many. No process belongs to them.
 */
async function emptyQueue(env: Readonly<Record<string, string>>): Promise<number> {
  const jobs = (): string[] => {
    const { stdout } = runSync('squeue', ['-h', '-o', '%i'], { env });
    return stdout.split('\n').filter(Boolean);
  };
  const deadline = performance.now() + 10_000;
  while (jobs().length > 0 && performance.now() < deadline) await sleep(200);
  const left = jobs();
  for (const id of left) runSync('scancel', [id], { env, reject: false });
  await until(() => jobs().length === 0, 'the queue of Slurm is empty', GONE);
  return left.length;
}

async function rounds(kinds: readonly Kind[], count: number, seed: number): Promise<void> {
  const random = sequence(seed);
  await withFolder(async (folder) => {
    let killed = 0;
    for (let n = 0; killed < count; n++) {
      const kind = kinds[(killed + seed) % kinds.length] as Kind;
      const moment = Math.floor(random() * LONGEST);
      const own = join(folder, String(n));
      mkdirSync(own);
      const result = await play(own, kind, moment);
      const waiting = 'SLURM_CONF' in kind.env ? await emptyQueue(kind.env) : 0;
      const what = `${kind.victim} of ${kind.flags[1]} ${moment} ms after its start`;
      if (result === undefined) {
        console.log(`${what}: had ended before`);
        continue;
      }
      killed += 1;
      const late = result.ms === 0 ? '' : `, gone after ${result.ms} ms`;
      const left = waiting === 0 ? '' : `, ${waiting} left in the queue`;
      console.log(`${killed} ${what}: ${result.again} again${late}${left}`);
    }
  });
}

const [count = '', seed = ''] = process.argv.slice(2);
const kinds: Kind[] = [];
const add = (flags: readonly string[], victims: readonly Victim[], env = {}): void => {
  const local = ['--engine', 'local*1'];
  kinds.push(...victims.map((victim) => ({ victim, flags: [...flags, ...local], env })));
};
const here = `command:${process.execPath} agent.js agent*2`;

async function withAll(use: () => Promise<void>): Promise<void> {
  add(['--engine', here], ['coordinator', 'agent']);
  const slurmToo = async (): Promise<void> => {
    if (lackOf('slurm') !== undefined) return use();
    return withSlurm(async (_, env) => {
      add(['--engine', 'slurm:cpus=1*2'], ['srun', 'coordinator', 'agent'], env);
      await use();
    });
  };
  if (lackOf('sshd') !== undefined) return slurmToo();
  return withSshd(async (_, words) => {
    const flags = words.flatMap((word) => ['--ssh-arg', word]);
    add(['--engine', 'ssh:127.0.0.1*2', ...flags], ['ssh', 'sshd', 'coordinator', 'agent']);
    await slurmToo();
  });
}

await withAll(() => rounds(kinds, Number(count), Number(seed)));
