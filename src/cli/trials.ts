/**
 * What `forkexec doctor` tries of each option: the best that it can do first, and then what is left of
 * it for those who may not.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { backend } from '../backend.js';
import type { LaunchOptions } from '../launch/order.js';
import { native } from '../native.js';
import type { ProcessAttributes } from '../process/start.js';
import { attempt } from '../syscall/call.js';
import { PRIO, RLIMIT } from '../syscall/constants.js';

/** A harmless use of an option, and what it is limited to if nothing before it worked. */
export interface Trial {
  readonly attributes: ProcessAttributes;
  readonly limit?: string;
  /** A terminal of its own is to be stdin, of a session that has it. */
  readonly onTerminal?: true;
}

/** Why there is nothing to try. */
export interface Lack {
  readonly lack: string;
}

export type NamespaceKey = keyof NonNullable<LaunchOptions['namespaces']>;

/** Every option, and every kind of namespace. */
export type TrialName = Exclude<keyof LaunchOptions, 'namespaces'> | `namespaces.${NamespaceKey}`;

const uid = process.getuid?.() ?? 0;
const gid = process.getgid?.() ?? 0;
const NOBODY = 65534;

/** In a user namespace of their own all are root. */
const user = {
  user: true,
  uidMap: [{ inside: 0, outside: uid, count: 1 }],
  gidMap: [{ inside: 0, outside: gid, count: 1 }],
} as const;
const INSIDE = 'only together with namespaces.user';

/** What a file says; `otherwise` where there is none. */
function numberIn(path: string, otherwise: number): number {
  try {
    return Number(readFileSync(path, 'latin1'));
  } catch {
    return otherwise;
  }
}

function tries(attributes: ProcessAttributes, ...others: Trial[]): readonly Trial[] {
  return [{ attributes }, ...others];
}

/** What needs a privilege that a user namespace gives. */
function privileged(attributes: ProcessAttributes): readonly Trial[] {
  const namespaces = { ...user, ...attributes.namespaces };
  return tries(attributes, { attributes: { ...attributes, namespaces }, limit: INSIDE });
}

/** The control group of this process, where the unified hierarchy is mounted. */
function ownCgroup(): string | undefined {
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  const mounts = readFileSync('/proc/self/mounts', 'utf8');
  const mount = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (path === undefined || mount === undefined || !isAbsolute(path)) return undefined;
  return join(mount, path);
}

function cgroupTrials(): readonly Trial[] | Lack {
  if (backend !== 'linux') return { lack: 'of Linux alone' };
  const cgroup = ownCgroup();
  if (cgroup === undefined) return { lack: 'no control groups of version 2 are mounted' };
  if (native.hasClone3()) return tries({ cgroup });
  return [{ attributes: { cgroup }, limit: 'entered after the birth, since clone3 is refused' }];
}

/** One above the present hard limit, where there is one. */
function limitTrials(): readonly Trial[] {
  const lower: Trial = { attributes: { rlimits: { core: 0 } }, limit: 'only to lower them' };
  const limit = new BigUint64Array(2);
  if (attempt('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, null, limit) < 0) return [lower];
  const hard = Number(limit[1]);
  const most = numberIn('/proc/sys/fs/nr_open', hard);
  const higher = hard < most ? hard + 1 : hard;
  return tries({ rlimits: { nofile: [Number(limit[0]), higher] } }, lower);
}

function niceTrials(): readonly Trial[] {
  // The system call gives 20 minus the value.
  const now = 20 - attempt('getpriority', PRIO.PRIO_PROCESS, 0);
  return tries(
    { nice: Math.max(now - 1, -20) },
    { attributes: { nice: 19 }, limit: 'only upwards, for less processor time' },
  );
}

function scoreTrials(): readonly Trial[] {
  const now = numberIn('/proc/self/oom_score_adj', 0);
  return tries(
    { oomScoreAdj: Math.max(now - 1, -1000) },
    { attributes: { oomScoreAdj: 1000 }, limit: 'only upwards, to be killed sooner' },
  );
}

function ownIds(limit: string): Trial {
  return { attributes: { credential: { uid, gid, keepGroups: true } }, limit };
}

/** A setting of each option. */
export function trials(): Record<TrialName, readonly Trial[] | Lack> {
  const allCpus = Array.from({ length: 1024 }, (_, cpu) => cpu);
  return {
    cwd: tries({ cwd: '/' }),
    env: tries({ env: { FORKEXEC_DOCTOR: '1' } }),
    clearEnv: tries({ clearEnv: true }),
    argv0: tries({ argv0: 'doctor' }),
    path: tries({ path: '/bin:/usr/bin' }),
    session: tries({ session: true }),
    processGroup: tries({ processGroup: 0 }),
    controllingTerminal: [
      { attributes: { session: true, controllingTerminal: 0 }, onTerminal: true },
    ],
    detachTerminal: tries({ detachTerminal: true }),
    foreground: [{ attributes: { foreground: 0 }, onTerminal: true }],
    parentDeathSignal: tries({ parentDeathSignal: 'SIGKILL' }),
    credential: tries(
      { credential: { uid: NOBODY, gid: NOBODY } },
      ownIds('only the own ids, with keepGroups'),
    ),
    chroot: privileged({ chroot: '/' }),
    umask: tries({ umask: 0o77 }),
    ptrace: tries({ ptrace: true }),
    signals: tries({ signals: { ignore: ['SIGUSR1'], mask: ['SIGUSR2'] } }),
    rlimits: limitTrials(),
    nice: niceTrials(),
    oomScoreAdj: scoreTrials(),
    cpuAffinity: tries({ cpuAffinity: allCpus }),
    scheduler: tries(
      { scheduler: { policy: 'fifo', priority: 1 } },
      { attributes: { scheduler: { policy: 'batch' } }, limit: 'no real-time policies' },
    ),
    ioPriority: tries(
      { ioPriority: { class: 'realtime' } },
      { attributes: { ioPriority: { class: 'idle' } }, limit: "not the class 'realtime'" },
    ),
    noNewPrivileges: tries({ noNewPrivileges: true }),
    capabilities: privileged({ capabilities: { bounding: [] } }),
    securebits: privileged({ securebits: ['SECBIT_NOROOT'] }),
    cgroup: cgroupTrials(),
    'namespaces.user': tries({ namespaces: { user: true } }),
    'namespaces.pid': privileged({ namespaces: { pid: true } }),
    'namespaces.mount': privileged({ namespaces: { mount: true } }),
    'namespaces.net': privileged({ namespaces: { net: true } }),
    'namespaces.uts': privileged({ namespaces: { uts: true } }),
    'namespaces.ipc': privileged({ namespaces: { ipc: true } }),
    'namespaces.cgroup': privileged({ namespaces: { cgroup: true } }),
    'namespaces.time': native.hasClone3()
      ? privileged({ namespaces: { time: true } })
      : { lack: 'clone3 is refused, and clone knows no time namespaces' },
    'namespaces.uidMap': tries({ namespaces: { user: true, uidMap: user.uidMap } }),
    'namespaces.gidMap': tries({ namespaces: { user: true, gidMap: user.gidMap } }),
    'namespaces.setgroups': tries(
      { namespaces: { user: true, gidMap: user.gidMap, setgroups: 'allow' } },
      {
        attributes: { namespaces: { user: true, gidMap: user.gidMap, setgroups: 'deny' } },
        limit: "only 'deny'",
      },
    ),
  };
}
