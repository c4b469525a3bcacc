import { inherited } from '../signal/inherited.js';
import { attempt, call } from '../syscall/call.js';
import { checkInteger, invalid, outOfRange, unavailable } from '../syscall/check.js';
import { RLIMIT, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { checkKeys, numberIn, toNumber } from './values.js';

/**
 * The resources that can be limited: getrlimit(2).
 *
 * - In bytes: address space (`as`), core files (`core`), data segment (`data`), file size
 *   (`fsize`), locked memory (`memlock`), message queues (`msgqueue`), resident memory (`rss`,
 *   without effect since Linux 2.4.30), main stack (`stack`).
 * - In seconds: processor time (`cpu`). In microseconds: processor time of a real-time process
 *   without a wait (`rttime`).
 * - As counts: file locks (`locks`, without effect since Linux 2.4.25), processes of the user
 *   (`nproc`), queued signals of the user (`sigpending`).
 * - `nofile` is the highest descriptor plus one, `nice` is 20 minus the lowest nice value, `rtprio`
 *   the highest real-time priority.
 */
export type ResourceName =
  | 'as'
  | 'core'
  | 'cpu'
  | 'data'
  | 'fsize'
  | 'locks'
  | 'memlock'
  | 'msgqueue'
  | 'nice'
  | 'nofile'
  | 'nproc'
  | 'rss'
  | 'rtprio'
  | 'rttime'
  | 'sigpending'
  | 'stack';

/** Infinity is the same as `'unlimited'`. */
export type LimitValue = number | 'unlimited';

/** Resource limits. */
export interface LimitOptions {
  /**
   * Resource limits of the process and its children: prlimit(2). A value is `[soft, hard]`; a
   * single value is both, so that the program cannot raise it again. A higher hard limit needs
   * CAP_SYS_RESOURCE, otherwise EPERM at `prlimit64`; no process can raise `nofile` above
   * /proc/sys/fs/nr_open.
   *
   * The limits are in effect before the program runs. With a small `nofile`, descriptors with
   * higher numbers cannot be put in place (EBADF at `dup3`). With a small `stack`, fewer arguments
   * fit (E2BIG at `execve`). If `nproc` is used up, an unprivileged `credential` gets EAGAIN at
   * `execve`.
   *
   * Default: those of this process. Node raises the soft `nofile` to the hard limit when it starts.
   * If the command `forkexec` started this process, children get the original soft limit, which the
   * command reads before Node starts. Otherwise the original limit is not known: for a program that
   * uses select(2), or that closes all possible descriptors one by one, give `nofile: [1024,
   * hard]`.
   */
  rlimits?:
    | Partial<Record<ResourceName, LimitValue | readonly [soft: LimitValue, hard: LimitValue]>>
    | undefined;
}

/** Undefined where the system has no such limit. */
const RESOURCES: Readonly<Record<ResourceName, number | undefined>> = {
  as: RLIMIT.RLIMIT_AS,
  core: RLIMIT.RLIMIT_CORE,
  cpu: RLIMIT.RLIMIT_CPU,
  data: RLIMIT.RLIMIT_DATA,
  fsize: RLIMIT.RLIMIT_FSIZE,
  locks: RLIMIT.RLIMIT_LOCKS,
  memlock: RLIMIT.RLIMIT_MEMLOCK,
  msgqueue: RLIMIT.RLIMIT_MSGQUEUE,
  nice: RLIMIT.RLIMIT_NICE,
  nofile: RLIMIT.RLIMIT_NOFILE,
  nproc: RLIMIT.RLIMIT_NPROC,
  rss: RLIMIT.RLIMIT_RSS,
  rtprio: RLIMIT.RLIMIT_RTPRIO,
  rttime: RLIMIT.RLIMIT_RTTIME,
  sigpending: RLIMIT.RLIMIT_SIGPENDING,
  stack: RLIMIT.RLIMIT_STACK,
};

const NAMES = Object.keys(RESOURCES) as ResourceName[];

function checkLimit(option: string, value: unknown): number {
  if (isUnlimited(value)) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'number') throw invalid(option, value, "a number or 'unlimited'");
  return checkInteger(option, value, 0, Number.MAX_SAFE_INTEGER);
}

function checkPair(name: ResourceName, value: unknown): void {
  const option = `rlimits.${name}`;
  if (!Array.isArray(value)) {
    checkLimit(option, value);
    return;
  }
  if (value.length !== 2) throw invalid(option, value, 'a limit, or [soft, hard]');
  const soft = checkLimit(`${option}[0]`, value[0]);
  const hard = checkLimit(`${option}[1]`, value[1]);
  if (soft > hard)
    throw outOfRange(option, value, '[soft, hard] with a soft limit up to the hard limit');
}

/** RLIM_INFINITY has all bits set. */
function toWord(limit: LimitValue): bigint {
  return isUnlimited(limit) ? -1n : BigInt(limit);
}

function isUnlimited(limit: unknown): limit is 'unlimited' {
  return limit === 'unlimited' || limit === Number.POSITIVE_INFINITY;
}

/**
 * The limits of open files that this process was started with, if the launcher of `forkexec`
 * recorded them and only Node has changed the soft one since: Node raises it to the hard one.
 */
function inheritedNofile(): readonly [soft: number, hard: number] | undefined {
  if (inherited.nofile === undefined) return undefined;
  const now = new BigUint64Array(2);
  call('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, null, now);
  const [soft, hard] = now as unknown as [bigint, bigint];
  return soft === hard ? [inherited.nofile[0], Number(hard)] : undefined;
}

/** What the limits are to be; those not named stay. */
function limitsOf({ rlimits }: LimitOptions): LimitOptions['rlimits'] & object {
  const inherited = inheritedNofile();
  const limits = inherited === undefined ? {} : { nofile: inherited };
  return { ...limits, ...rlimits };
}

/** While there is the privilege to raise them. */
export const limits: Attribute<LimitOptions, ['prlimit64']> = {
  options: ['rlimits'],
  steps: ['prlimit64'],
  on: 'all',
  check({ rlimits }) {
    if (rlimits === undefined) return;
    checkKeys('rlimits', rlimits, NAMES);
    for (const name of NAMES) {
      if (rlimits[name] === undefined) continue;
      checkPair(name, rlimits[name]);
      if (RESOURCES[name] === undefined) throw unavailable(`The option 'rlimits.${name}'`);
    }
  },
  depends: () => inheritedNofile()?.join(',') ?? '',
  emit(program, { options }) {
    const wanted = limitsOf(options);
    for (const name of NAMES) {
      const limits = wanted[name];
      if (limits === undefined) continue;
      const [soft, hard] = typeof limits === 'object' ? limits : [limits, limits];
      const argument = `${name}=${[soft, hard].map((n) => (isUnlimited(n) ? 'unlimited' : n)).join(':')}`;
      const step = { name: 'prlimit64', argument } as const;
      const limit = program.words([toWord(soft), toWord(hard)]);
      program.must(step, SYS.prlimit64, 0, RESOURCES[name] as number, limit, 0);
    }
  },
  flags: [
    {
      flags: '--rlimit <name=soft:hard>',
      description: 'a resource limit: nofile=1024:4096, core=0, stack=unlimited',
      repeatable: true,
      apply: (options, value) => {
        const [name = '', text = ''] = value.split('=');
        const [soft = Number.NaN, ...hard] = text.split(':').map(toLimit);
        const limit = hard.length === 0 ? soft : ([soft, ...hard] as unknown as [number, number]);
        return { rlimits: { ...options.rlimits, [name]: limit } };
      },
    },
  ],
  trials: () => {
    const lower = { options: { rlimits: { core: 0 } }, limit: 'only to lower them' };
    const limit = new BigUint64Array(2);
    if (attempt('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, null, limit) < 0) return { rlimits: [lower] };
    const [soft, hard] = [...limit].map(Number) as [number, number];
    const higher = hard < numberIn('/proc/sys/fs/nr_open', hard) ? hard + 1 : hard;
    return { rlimits: [{ options: { rlimits: { nofile: [soft, higher] } } }, lower] };
  },
};

function toLimit(text: string): LimitValue {
  return text === 'unlimited' || text === 'infinity' ? 'unlimited' : toNumber(text);
}
