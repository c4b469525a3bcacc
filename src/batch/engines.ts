/**
 * Engines: from a slot to the argv of a command whose stdin and stdout reach an agent.
 *
 * @module
 */
import { quoteCommand } from '../command/quote.js';
import { takeOptions } from '../launch/values.js';
import { checkInteger, checkString, invalid } from '../syscall/check.js';

/** A way to a machine: how to start an agent there. */
export interface Engine {
  /** For messages and the joblog: `'ssh:host'`. */
  readonly name: string;
  /** The command that starts the agent; undefined for this process itself. */
  readonly argv: readonly string[] | undefined;
  /** How many jobs run there at once; undefined for as many as the machine has processors. */
  readonly jobs: number | undefined;
  /** Milliseconds until the agent has to answer; Infinity for a queue. */
  readonly connectTimeout: number;
}

/** What all engines but `local` and `custom` take. */
export interface AgentOptions {
  /** The words that start the agent on the other side. Default: `['forkexec', 'agent']`. */
  agent?: readonly string[] | undefined;
  /** Milliseconds until the agent has to answer. Default: 30000; for slurm no limit. */
  connectTimeout?: number | undefined;
}

/** Options of `ssh`. */
export interface SshOptions extends AgentOptions {
  /** Words for ssh(1) before the host: `['-p', '2222', '-i', 'key']`. Default: none. */
  args?: readonly string[] | undefined;
  /** The program. Default: `'ssh'`. */
  ssh?: string | undefined;
}

/** Options of `slurm`: those of srun(1), for each node. */
export interface SlurmOptions extends AgentOptions {
  /** How many agents, each on a node of its own step. Default: 1. */
  nodes?: number | undefined;
  /** Jobs at once on each. Default: `cpus`, or else the processors that the agent may use. */
  jobs?: number | undefined;
  /** Processors for each agent: `--cpus-per-task`. */
  cpus?: number | undefined;
  /** Memory for each node: `--mem`, as `'4G'`. */
  memory?: string | undefined;
  /** `--time`, as Slurm writes it, or with a unit: `'1h'`, `'30m'`. */
  time?: string | undefined;
  /** `--partition`. */
  partition?: string | undefined;
  /** `--account`. */
  account?: string | undefined;
  /** More words for srun. Default: none. */
  args?: readonly string[] | undefined;
  /** The program. Default: `'srun'`. */
  srun?: string | undefined;
}

/** Options of `container`. */
export interface ContainerOptions extends AgentOptions {
  /** More words before the container: `['--user', 'me']`. Default: none. */
  args?: readonly string[] | undefined;
}

/** Options of `custom`. */
export interface CustomOptions {
  /** Jobs at once. Default: 1. */
  jobs?: number | undefined;
  /** For messages and the joblog. Default: the program. */
  name?: string | undefined;
  /** Milliseconds until the agent has to answer. Default: 30000. */
  connectTimeout?: number | undefined;
}

const AGENT = ['forkexec', 'agent'] as const;
const CONNECT_TIMEOUT = 30_000;

/** As much as a coordinator can have in flight. */
const MOST_JOBS = 1_000_000;

function checkJobs(jobs: number | undefined, option = 'jobs'): number | undefined {
  return jobs === undefined ? undefined : checkInteger(option, jobs, 1, MOST_JOBS);
}

function checkWords(option: string, words: readonly string[]): readonly string[] {
  if (!Array.isArray(words)) throw invalid(option, words, 'an array of strings');
  for (const [index, word] of words.entries()) checkString(`${option}[${index}]`, word);
  return words;
}

function checkTimeout(value: number | undefined, usual = CONNECT_TIMEOUT): number {
  if (value === undefined) return usual;
  if (typeof value === 'number' && value > 0) return value;
  throw invalid('connectTimeout', value, 'a number of milliseconds above 0');
}

/** What an option says, which must not be taken for an option of the program. */
function checkTarget(option: string, value: string): string {
  checkString(option, value);
  if (value === '' || value.startsWith('-')) {
    throw invalid(option, value, 'a name that does not begin with -');
  }
  return value;
}

/** This machine, with no other process between. */
export function local(jobs?: number): Engine {
  return { name: 'local', argv: undefined, jobs: checkJobs(jobs), connectTimeout: CONNECT_TIMEOUT };
}

/**
 * A host that ssh(1) reaches without a password: `ssh -T -o BatchMode=yes HOST forkexec agent`. One
 * connection carries all jobs.
 *
 * @param jobs At once. Default: the processors of the host.
 */
export function ssh(host: string, jobs?: number, given: SshOptions = {}): Engine {
  const options = takeOptions('options', given, ['args', 'ssh', 'agent', 'connectTimeout']);
  const agent = checkWords('agent', options.agent ?? AGENT);
  const [file = '', ...words] = agent;
  const target = checkTarget('host', host);
  const argv = [
    options.ssh ?? 'ssh',
    '-T',
    ...['-o', 'BatchMode=yes', '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=2'],
    ...checkWords('args', options.args ?? []),
    '--',
    target,
    // The shell of the host reads this, and no job's words.
    quoteCommand(file, words),
  ];
  const connectTimeout = checkTimeout(options.connectTimeout);
  return { name: `ssh:${target}`, argv, jobs: checkJobs(jobs), connectTimeout };
}

const HOURS_AND_SO_ON = { s: 1 / 60, m: 1, h: 60, d: 1440 } as const;

/** As srun takes it: minutes, where a unit is given. */
function slurmTime(time: string): string {
  const [, number, unit] = /^(\d+)([smhd])$/.exec(time) ?? [];
  if (number === undefined) return time;
  const minutes = Number(number) * HOURS_AND_SO_ON[unit as keyof typeof HOURS_AND_SO_ON];
  return String(Math.max(1, Math.ceil(minutes)));
}

/**
 * Slurm keeps an allocation whose srun(1) was killed, and the processors with it: the agent ends it. Inside an
 * allocation there is only a step, which ends with its agent.
 */
const RELEASE = ['--when-lost', 'scancel "$SLURM_JOB_ID"'];

/** Nodes of a Slurm cluster, each with an agent in a step of its own that srun(1) starts. */
export function slurm(given: SlurmOptions = {}): Engine[] {
  const names = ['nodes', 'jobs', 'cpus', 'memory', 'time', 'partition', 'account', 'args'];
  const options = takeOptions('options', given, [...names, 'srun', 'agent', 'connectTimeout']);
  const { nodes = 1, jobs, cpus, memory, time, partition, account, args = [] } = options;
  checkInteger('nodes', nodes, 1, 10_000);
  if (cpus !== undefined) checkInteger('cpus', cpus, 1, 100_000);
  for (const [name, value] of Object.entries({ memory, time, partition, account })) {
    if (value !== undefined) checkString(name, value);
  }
  const argv = [
    options.srun ?? 'srun',
    ...['--quiet', '--unbuffered', '--nodes=1', '--ntasks=1'],
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    ...(memory === undefined ? [] : [`--mem=${memory}`]),
    ...(time === undefined ? [] : [`--time=${slurmTime(time)}`]),
    ...(partition === undefined ? [] : [`--partition=${partition}`]),
    ...(account === undefined ? [] : [`--account=${account}`]),
    ...checkWords('args', args),
    ...checkWords('agent', options.agent ?? AGENT),
    ...(process.env['SLURM_JOB_ID'] === undefined ? RELEASE : []),
  ];
  const engine = {
    argv,
    jobs: checkJobs(jobs) ?? cpus,
    connectTimeout: checkTimeout(options.connectTimeout, Number.POSITIVE_INFINITY),
  };
  return Array.from({ length: nodes }, (_, index) => ({ ...engine, name: `slurm:${index + 1}` }));
}

/** A container to run for the agent: an image, which has forkexec in it. */
export interface Image {
  /** The name of the image. */
  image: string;
}

let pods = 0;

function kubernetes(tool: string, target: string | Image, args: readonly string[]): string[] {
  if (typeof target === 'string') {
    return [tool, 'exec', '-i', ...args, checkTarget('target', target), '--'];
  }
  pods += 1;
  const name = `forkexec-${process.pid}-${pods}`;
  const image = checkTarget('target.image', target.image);
  const words = ['--rm', '--quiet', '--restart=Never', `--image=${image}`];
  return [tool, 'run', name, '-i', ...words, ...args, '--command', '--'];
}

/**
 * A container: one that runs, or with `{ image }` one that is run for the agent and removed. `tool` is
 * podman, docker or a program with their words, or kubectl.
 *
 * @param jobs At once. Default: the processors that the container may use.
 */
export function container(
  tool: string,
  target: string | Image,
  jobs?: number,
  given: ContainerOptions = {},
): Engine {
  checkTarget('tool', tool);
  const options = takeOptions('options', given, ['args', 'agent', 'connectTimeout']);
  const isImage = typeof target === 'object' && target !== null;
  if (!isImage) checkTarget('target', target);
  const args = checkWords('args', options.args ?? []);
  const agent = checkWords('agent', options.agent ?? AGENT);
  let argv: string[];
  if (/(^|\/)kubectl$/.test(tool)) argv = kubernetes(tool, target, args);
  else if (isImage) {
    argv = [tool, 'run', '-i', '--rm', ...args, checkTarget('target.image', target.image)];
  } else argv = [tool, 'exec', '-i', ...args, target];
  return {
    name: `${tool}:${isImage ? target.image : target}`,
    argv: [...argv, ...agent],
    jobs: checkJobs(jobs),
    connectTimeout: checkTimeout(options.connectTimeout),
  };
}

/**
 * Any command that starts `forkexec agent` with its stdin and stdout connected:
 * `custom(['sudo', '-u', 'me', 'forkexec', 'agent'])`.
 */
export function custom(argv: readonly string[], given: CustomOptions = {}): Engine {
  const options = takeOptions('options', given, ['jobs', 'name', 'connectTimeout']);
  const words = checkWords('argv', argv);
  const [file] = words;
  if (file === undefined) throw invalid('argv', argv, 'a command');
  return {
    name: options.name ?? file,
    argv: [...words],
    jobs: checkJobs(options.jobs) ?? 1,
    connectTimeout: checkTimeout(options.connectTimeout),
  };
}
