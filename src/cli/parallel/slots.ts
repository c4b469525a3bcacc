/**
 * `--engine`, `--slots` and `--jobs`: where jobs run.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { container, custom, type Engine, local, slurm, ssh } from '../../batch/engines.js';
import { Failure } from '../exit.js';
import { parseWords } from './split-words.js';

/** What all engines are given. */
export interface SlotFlags {
  readonly engines: readonly string[];
  readonly files: readonly string[];
  readonly jobs: string | undefined;
  /** The words that start the agent on the other side. */
  readonly agent: readonly string[] | undefined;
  /** More words for ssh. */
  readonly sshArgs: readonly string[];
}

/** As many as possible: each needs descriptors and a process. */
const UNLIMITED = 1000;

/** Jobs at once: `8`, `0`, `50%`, `+2`, `-1`, of the processors of this machine. */
function parseJobs(text: string): number {
  const processors = availableParallelism();
  const [, sign, number, percent] = /^([-+]?)(\d+)(%?)$/.exec(text) ?? [];
  if (number === undefined) {
    throw new Failure(`--jobs ${text} must be a number, such as 8, 50%, +2 or -1; 0 is no limit`);
  }
  const part = percent === '%' ? (processors * Number(number)) / 100 : Number(number);
  if (sign === '' && Number(number) === 0) return UNLIMITED;
  const count = sign === '+' ? processors + part : sign === '-' ? processors - part : part;
  return Math.max(1, Math.floor(count));
}

/** `key=value,key=value` */
function parsePairs(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').flatMap((pair) => {
      const [name = '', ...value] = pair.split('=');
      return name === '' ? [] : [[name, value.join('=')]];
    }),
  );
}

const FORMS =
  'local, ssh:HOST, slurm:nodes=2,time=1h, podman:CONTAINER, docker:CONTAINER, kubectl:POD or ' +
  'command:WORDS, each with *N for N jobs at once';

function slurmOf(text: string, jobs: number | undefined, agent: SlotFlags['agent']): Engine[] {
  const { nodes, cpus, ...others } = parsePairs(text);
  const known = ['memory', 'time', 'partition', 'account'];
  const unknown = Object.keys(others).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Failure(`slurm has no option '${unknown}'`);
  return slurm({
    ...others,
    nodes: nodes === undefined ? undefined : Number(nodes),
    cpus: cpus === undefined ? undefined : Number(cpus),
    jobs,
    agent,
  });
}

/** One engine as it is written on the command line. */
function parseEngine(text: string, usual: number | undefined, flags: SlotFlags): Engine[] {
  const [, kind = '', target = '', count] = /^([a-z]+)(?::(.*?))?(?:\*(\d+))?$/s.exec(text) ?? [];
  const jobs = count === undefined ? usual : Number(count);
  const { agent, sshArgs: args } = flags;
  try {
    if (kind === 'local' && target === '') return [local(jobs)];
    if (kind === 'ssh' && target !== '') return [ssh(target, jobs, { agent, args })];
    if (kind === 'slurm') return slurmOf(target, jobs, agent);
    if (['podman', 'docker', 'kubectl'].includes(kind) && target !== '') {
      return [container(kind, target, jobs, { agent })];
    }
    if (kind === 'command' && target !== '') {
      return [custom(parseWords(target), { jobs: jobs ?? 1 })];
    }
  } catch (error) {
    throw new Failure(`--engine ${text}: ${(error as Error).message}`);
  }
  throw new Failure(`--engine ${text} must be ${FORMS}`);
}

/** The engines of a file: one a line; empty lines and those that begin with # are left out. */
function readSlots(file: string): string[] {
  try {
    const lines = readFileSync(file === '-' ? 0 : file, 'utf8').split('\n');
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    throw new Failure(`--slots ${file}: ${(error as Error).message}`);
  }
}

export function enginesOf(flags: SlotFlags): Engine[] {
  const jobs = flags.jobs === undefined ? undefined : parseJobs(flags.jobs);
  const texts = [...flags.engines, ...flags.files.flatMap(readSlots)];
  if (texts.length === 0) return [local(jobs ?? availableParallelism())];
  return texts.flatMap((text) => parseEngine(text, jobs, flags));
}
