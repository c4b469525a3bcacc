import { native } from '../native.js';
import { OWN_CALL, PROGRAM } from '../protocol.js';
import { checkBoolean, checkInteger, invalid, refused } from '../syscall/check.js';
import { CLONE, MS, O, SOCK, SYS } from '../syscall/constants.js';
import type { Attribute, Flag, Trial } from './attribute.js';
import type { ProgramBuilder } from './program.js';
import { checkKeys, getgid, getuid, toNumber } from './values.js';

/** A range of ids inside a user namespace, and the ids outside that they stand for. */
export interface IdMap {
  /** The first id inside the user namespace. */
  inside: number;
  /** The first id in the user namespace of this process. */
  outside: number;
  /** The number of ids. */
  count: number;
}

/** Namespaces to make (`true`) or to join (an open descriptor of a namespace): namespaces(7). */
export interface Namespaces {
  /** Users and capabilities: user_namespaces(7). The process has all capabilities inside. */
  user?: boolean | number;
  /** Process ids: pid_namespaces(7). All processes in a new one end with the first. */
  pid?: boolean | number;
  /** Mounts: mount_namespaces(7). Those of a new one do not propagate outside. */
  mount?: boolean | number;
  /** Network devices, addresses, ports: network_namespaces(7). A new one has only `lo`, down. */
  net?: boolean | number;
  /** Host name: uts_namespaces(7). */
  uts?: boolean | number;
  /** System V IPC and POSIX message queues: ipc_namespaces(7). */
  ipc?: boolean | number;
  /** The root of the paths in /proc/PID/cgroup: cgroup_namespaces(7). */
  cgroup?: boolean | number;
  /** CLOCK_MONOTONIC and CLOCK_BOOTTIME: time_namespaces(7), Linux 5.6. */
  time?: boolean | number;
  /** The user ids of a new user namespace. Without it, every user is the overflow user, nobody. */
  uidMap?: readonly IdMap[];
  /** The group ids of a new user namespace. */
  gidMap?: readonly IdMap[];
  /**
   * Whether setgroups(2) works in a new user namespace. Default: `'deny'` with a `gidMap`, which
   * the kernel requires of an unprivileged parent.
   */
  setgroups?: 'allow' | 'deny';
  /** Whether the loopback device of a new network namespace is up. Default: false. */
  loopback?: boolean;
}

/** Namespaces of the new process. */
export interface NamespaceOptions {
  /** New namespaces, or existing ones to join. Default: those of this process. */
  namespaces?: Namespaces | undefined;
}

type Kind = 'user' | 'pid' | 'mount' | 'net' | 'uts' | 'ipc' | 'cgroup' | 'time';

/** The user namespace first: it gives the capabilities that joining the others takes. */
const KINDS: readonly Kind[] = ['user', 'mount', 'net', 'uts', 'ipc', 'cgroup', 'time', 'pid'];

const FLAGS: Readonly<Record<Kind, number>> = {
  user: CLONE.CLONE_NEWUSER,
  pid: CLONE.CLONE_NEWPID,
  mount: CLONE.CLONE_NEWNS,
  net: CLONE.CLONE_NEWNET,
  uts: CLONE.CLONE_NEWUTS,
  ipc: CLONE.CLONE_NEWIPC,
  cgroup: CLONE.CLONE_NEWCGROUP,
  time: CLONE.CLONE_NEWTIME,
};

const STEPS = ['setns', 'unshare', 'user_namespaces', 'mount', 'socket', 'ioctl'] as const;
type Program = ProgramBuilder<(typeof STEPS)[number]>;

const OTHER_KEYS = ['uidMap', 'gidMap', 'setgroups'] as const;
const LAST_ID = 0xffff_fffe;
const MAX_FD = 0x3fff_ffff;

function checkMap(option: string, map: readonly IdMap[]): void {
  if (!Array.isArray(map) || map.length === 0 || map.length > 340) {
    throw invalid(option, map, 'an array of 1 to 340 ranges { inside, outside, count }');
  }
  for (const [index, range] of (map as readonly IdMap[]).entries()) {
    const name = `${option}[${index}]`;
    if (typeof range !== 'object' || range === null) throw invalid(name, range, 'a range');
    checkInteger(`${name}.inside`, range.inside, 0, LAST_ID);
    checkInteger(`${name}.outside`, range.outside, 0, LAST_ID);
    checkInteger(`${name}.count`, range.count, 1, LAST_ID);
  }
}

/** The lines of uid_map or gid_map. */
function linesOf(map: readonly IdMap[]): string {
  return map.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('');
}

function checkNamespaces(namespaces: Namespaces, inPlace: boolean | undefined): void {
  checkKeys('namespaces', namespaces, [...KINDS, ...OTHER_KEYS, 'loopback']);
  for (const kind of KINDS) {
    const value = namespaces[kind];
    if (typeof value === 'number') checkInteger(`namespaces.${kind}`, value, 0, MAX_FD);
    else if (value !== undefined) checkBoolean(`namespaces.${kind}`, value);
    if (value !== undefined && value !== false) checkKind(namespaces, kind, inPlace);
  }
  const { setgroups, uidMap, gidMap } = namespaces;
  if (setgroups !== undefined && setgroups !== 'allow' && setgroups !== 'deny') {
    throw invalid('namespaces.setgroups', setgroups, "'allow' or 'deny'");
  }
  for (const key of OTHER_KEYS) {
    if (namespaces[key] === undefined || namespaces.user === true) continue;
    throw refused(`namespaces.${key}`, 'cannot be used without namespaces.user: true');
  }
  const { loopback } = namespaces;
  if (loopback !== undefined && checkBoolean('namespaces.loopback', loopback)) {
    if (namespaces.net !== true) {
      throw refused('namespaces.loopback', 'cannot be used without namespaces.net: true');
    }
  }
  if (uidMap !== undefined) checkMap('namespaces.uidMap', uidMap);
  if (gidMap !== undefined) checkMap('namespaces.gidMap', gidMap);
}

/** Refuses what the kernel would not do for a namespace that is new or joined. */
function checkKind(namespaces: Namespaces, kind: Kind, inPlace: boolean | undefined): void {
  const value = namespaces[kind];
  const name = `namespaces.${kind}`;
  if (inPlace && (kind === 'user' || kind === 'pid' || (kind === 'time' && value !== true))) {
    throw refused(name, 'cannot be used with exec: no process can change it for itself');
  }
  if (namespaces.user === true && typeof value === 'number' && kind !== 'pid') {
    throw refused(name, 'cannot be joined from a new user namespace, which has no rights in it');
  }
}

/** The maps are the parent's to write, in this order, while the child waits. */
function emitMaps(program: Program, { uidMap, gidMap, setgroups }: Namespaces): void {
  const wanted = setgroups ?? (gidMap === undefined ? undefined : 'deny');
  const add = (name: string, content: string): void => {
    program.parentFile(name, content);
    // Once for each, so that an error is about one file; after the first there is no wait.
    program.waitForParent({ name: 'user_namespaces', argument: name });
  };
  if (uidMap !== undefined) add('uid_map', linesOf(uidMap));
  if (wanted !== undefined) add('setgroups', wanted);
  if (gidMap !== undefined) add('gid_map', linesOf(gidMap));
}

function emitPrivateMounts(program: Program): void {
  const step = { name: 'mount', argument: '/' } as const;
  const flags = MS.MS_REC | MS.MS_PRIVATE;
  const none = program.string('none');
  program.must(step, SYS.mount, none, program.string('/'), 0, flags, 0);
}

const SIOCSIFFLAGS = 0x8914;
const IFF_UP_AND_RUNNING = 0x41n;

/** The device that a new network namespace has, and that is down in it. */
function emitLoopback(program: Program): void {
  const argument = 'lo';
  const opened = program.slot();
  const type = SOCK.SOCK_DGRAM | O.O_CLOEXEC; // SOCK_CLOEXEC is the same number
  program.store({ name: 'socket', argument }, opened, SYS.socket, SOCK.AF_INET, type, 0);
  // struct ifreq: the name, then the flags.
  const request = program.words([0x6f6cn, 0n, IFF_UP_AND_RUNNING, 0n, 0n]);
  program.must({ name: 'ioctl', argument }, SYS.ioctl, opened, SIOCSIFFLAGS, request);
  program.ignore({ name: 'close' }, SYS.close, opened);
}

/** In a user namespace of its own every process is root. */
const OWN_USER = {
  user: true,
  uidMap: [{ inside: 0, outside: getuid(), count: 1 }],
  gidMap: [{ inside: 0, outside: getgid(), count: 1 }],
} as const;

/** The trials of options that take a privilege which a user namespace gives. */
export function privileged<O extends object>(
  options: O & NamespaceOptions,
): readonly Trial<O & NamespaceOptions>[] {
  const namespaces = { ...OWN_USER, ...options.namespaces };
  const inside = { ...options, namespaces };
  return [{ options }, { options: inside, limit: 'only together with namespaces.user' }];
}

/** Before identity and root: what those may be depends on the namespace. */
export const namespaces: Attribute<
  NamespaceOptions,
  typeof STEPS,
  { mounts?: readonly unknown[] | undefined }
> = {
  options: ['namespaces'],
  steps: STEPS,
  on: ['linux'],
  check({ namespaces }, { inPlace }) {
    if (namespaces !== undefined) checkNamespaces(namespaces, inPlace);
  },
  emit(program, { options, inPlace }) {
    // Mounts are never those of this process.
    const mount = options.mounts === undefined ? {} : { mount: true };
    const wanted = { ...options.namespaces, ...mount };
    // The root of a cgroup namespace is the group that the process is in when it gets it. One that
    // was born into the namespace but not into its `cgroup`, and has moved there, gets another.
    const isMoved = program.cgroup >= 0 && wanted.cgroup === true;
    const afterwards = isMoved && (inPlace === true || !native.hasClone3());
    if (isMoved) {
      if (!afterwards) program.skipIf(1, 1, { name: 'cgroup' }, OWN_CALL.isInCgroup);
      program.must({ name: 'unshare', argument: 'cgroup' }, SYS.unshare, FLAGS.cgroup);
    }
    for (const kind of KINDS) {
      const value = wanted[kind];
      if (value === undefined || value === false) continue;
      const flag = FLAGS[kind];
      if (kind === 'cgroup' && afterwards) continue;
      if (inPlace && value === true) {
        program.must({ name: 'unshare', argument: kind }, SYS.unshare, flag);
      } else if (value === true) {
        program.cloneFlags |= flag;
        program.bornInto.push(kind);
      } else if (kind === 'pid') {
        program.pidNamespace = value;
      } else {
        // The clock is on a page of the memory: the kernel refuses processes that share theirs.
        if (kind === 'time') program.cloneFlags |= PROGRAM.ownMemory;
        program.must({ name: 'setns', argument: `${kind} ${value}` }, SYS.setns, value, flag);
      }
    }
    emitMaps(program, wanted);
    if (wanted.mount === true) emitPrivateMounts(program);
    if (wanted.loopback) emitLoopback(program);
  },
  descriptorsIn({ namespaces = {} }) {
    const values = KINDS.map((kind) => [`namespaces.${kind}`, namespaces[kind]] as const);
    return Object.fromEntries(values);
  },
  flags: [
    {
      flags: '--namespaces <kinds>',
      description: `new namespaces: any of ${KINDS.join(',')}`,
      repeatable: true,
      apply: (options, value) => {
        const added = Object.fromEntries(value.split(',').map((kind) => [kind, true]));
        return { namespaces: { ...options.namespaces, ...added } };
      },
    },
    mapFlag('uid', 'uidMap'),
    mapFlag('gid', 'gidMap'),
    {
      flags: '--setgroups <allow|deny>',
      description: 'whether setgroups works in the new user namespace',
      apply: (options, value) => ({
        namespaces: { ...options.namespaces, setgroups: value as 'allow' | 'deny' },
      }),
    },
  ],
  trials: () => {
    const { user, uidMap, gidMap } = OWN_USER;
    const trials: Record<string, readonly Trial<NamespaceOptions>[] | string> = {};
    for (const kind of KINDS) {
      const alone = { namespaces: { [kind]: true } };
      trials[`namespaces.${kind}`] = kind === 'user' ? [{ options: alone }] : privileged(alone);
    }
    if (!native.hasClone3()) {
      trials['namespaces.time'] = 'clone3 is refused, and clone knows no time namespaces';
    }
    const allow = { user, gidMap, setgroups: 'allow' } as const;
    return {
      ...trials,
      'namespaces.loopback': privileged({ namespaces: { net: true, loopback: true } }),
      'namespaces.uidMap': [{ options: { namespaces: { user, uidMap } } }],
      'namespaces.gidMap': [{ options: { namespaces: { user, gidMap } } }],
      'namespaces.setgroups': [
        { options: { namespaces: allow } },
        { options: { namespaces: { ...allow, setgroups: 'deny' } }, limit: "only 'deny'" },
      ],
    };
  },
};

function mapFlag(what: string, key: 'uidMap' | 'gidMap'): Flag<NamespaceOptions> {
  return {
    flags: `--${what}-map <inside:outside:count>`,
    description: `map ${what}s of the new user namespace: 0:1000:1`,
    repeatable: true,
    apply: (options, value) => {
      const [inside, outside, count] = value.split(':').map(toNumber) as [number, number, number];
      const map = [...(options.namespaces?.[key] ?? []), { inside, outside, count }];
      return { namespaces: { ...options.namespaces, [key]: map } };
    },
  };
}
