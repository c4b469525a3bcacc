import {
  checkBoolean,
  checkInteger,
  checkString,
  invalid,
  outOfRange,
  refused,
} from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute, Flag } from './attribute.js';
import type { NamespaceOptions } from './namespaces.js';
import type { ProgramBuilder } from './program.js';
import { findUser, type User } from './users.js';
import { checkKeys, getgid, getuid, toList, toNumber, toWords } from './values.js';

/** User and groups by number. */
export interface IdCredential {
  /** The real, effective and saved user id, 0 to 2³²-2: setuid(2). Default: unchanged. */
  uid?: number;
  /** The real, effective and saved group id, 0 to 2³²-2: setgid(2). Default: unchanged. */
  gid?: number;
  /** The supplementary groups, at most 65536 of them: setgroups(2). Default: none. */
  groups?: readonly number[];
  /**
   * Keeps the supplementary groups of this process. A process without privileges may not call
   * setgroups(2), so it can give only its own ids, with this option. Cannot be combined with
   * `groups`. Default: false.
   */
  keepGroups?: boolean;
}

/** A user by name. */
export interface UserCredential {
  /**
   * A user in /etc/passwd: its user id, its group, and all groups that list the user in /etc/group,
   * like initgroups(3). Both files are those of this process, not those of a `chroot`.
   */
  user: string;
}

/** The user and groups of the process. */
export interface CredentialOptions {
  /**
   * The user and groups of the process: credentials(7). Without `keepGroups`, the supplementary
   * groups of this process are dropped, even if no other field is given. A change that is not
   * permitted fails the launch with EPERM at `setgroups`, `setgid` or `setuid`: the process never
   * runs with more rights than requested. A `uid` without a `gid` does not change the group id.
   *
   * `{ user }` also sets HOME, USER and LOGNAME, unless `env` names them. Default: those of this
   * process.
   */
  credential?: IdCredential | UserCredential | undefined;
}

/** What `credential` comes to. */
export interface Identity {
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Undefined to keep those there are. */
  readonly groups?: readonly number[] | undefined;
  readonly user?: User;
}

const STEPS = ['setgroups', 'setgid', 'setuid'] as const;

const KEYS = ['uid', 'gid', 'groups', 'keepGroups', 'user'] as const;
/** (uid_t)-1 stands for "no id" in the kernel. */
const LAST_ID = 0xffff_fffe;
const NGROUPS_MAX = 65536;
/** The user without any rights: nobody. */
const NOBODY = 65534;

/** Without a prototype: what is set on Object.prototype is not what the process is to be. */
const SAME: Identity = Object.create(null);

/** By program, so that the users are read once for each launch. */
const identities = new WeakMap<ProgramBuilder, Identity>();

function checkId(option: string, id: number | undefined): void {
  if (id !== undefined) checkInteger(option, id, 0, LAST_ID);
}

function checkGroups(groups: readonly number[]): void {
  if (!Array.isArray(groups)) throw invalid('credential.groups', groups, 'an array of group ids');
  if (groups.length > NGROUPS_MAX) {
    throw outOfRange('credential.groups', groups, `at most ${NGROUPS_MAX} group ids`);
  }
  for (const [index, id] of groups.entries()) checkId(`credential.groups[${index}]`, id);
}

function checkUser(credential: Readonly<Record<string, unknown>>): void {
  for (const key of KEYS) {
    if (key === 'user' || credential[key] === undefined) continue;
    throw refused(`credential.${key}`, 'cannot be combined with credential.user');
  }
  checkString('credential.user', credential['user']);
}

function checkIds({ uid, gid, groups, keepGroups }: IdCredential): void {
  const keep = keepGroups !== undefined && checkBoolean('credential.keepGroups', keepGroups);
  if (keep && groups !== undefined) {
    throw refused('credential.groups', 'cannot be combined with credential.keepGroups');
  }
  checkId('credential.uid', uid);
  checkId('credential.gid', gid);
  if (groups !== undefined) checkGroups(groups);
}

/** Looks for a user by name; that there is none is an error in the options. */
export function readIdentity(credential: IdCredential | UserCredential): Identity {
  if (!('user' in credential) || credential.user === undefined) {
    const { uid, gid, groups = [], keepGroups } = credential as IdCredential;
    return { uid, gid, groups: keepGroups ? undefined : groups };
  }
  const user = findUser(credential.user);
  if (user === undefined) {
    throw invalid('credential.user', credential.user, 'a user in /etc/passwd');
  }
  return { uid: user.uid, gid: user.gid, groups: user.groups, user };
}

/** Who the process of this program is to be; nothing for who this one is. */
export function identityOf(program: ProgramBuilder, { credential }: CredentialOptions): Identity {
  if (credential === undefined) return SAME;
  let identity = identities.get(program);
  if (identity === undefined) {
    identity = readIdentity(credential);
    identities.set(program, identity);
  }
  return identity;
}

/** Whether the new user namespace has setgroups(2) turned off, as it is without privileges. */
function deniesSetgroups({ namespaces }: NamespaceOptions): boolean {
  if (namespaces?.user !== true) return false;
  return (namespaces.setgroups ?? (namespaces.gidMap && 'deny')) === 'deny';
}

/**
 * Raw system calls: those of libc would change every thread of this process. The groups first,
 * while there is the privilege to drop them.
 */
export const credential: Attribute<CredentialOptions, typeof STEPS, NamespaceOptions> = {
  options: ['credential'],
  steps: STEPS,
  on: 'all',
  check({ credential }) {
    if (credential === undefined) return;
    checkKeys('credential', credential, KEYS);
    if ('user' in credential && credential.user !== undefined) checkUser({ ...credential });
    else checkIds(credential as IdCredential);
  },
  emit(program, { options }) {
    const { uid, gid, groups } = identityOf(program, options);
    if (groups !== undefined && (groups.length > 0 || !deniesSetgroups(options))) {
      const list = program.words(toWords(new Uint8Array(Uint32Array.from(groups).buffer)));
      const step = { name: 'setgroups', argument: groups.join() } as const;
      program.must(step, SYS.setgroups, groups.length, list);
    }
    if (gid !== undefined) {
      program.must({ name: 'setgid', argument: String(gid) }, SYS.setgid, gid);
    }
    if (uid !== undefined) {
      program.must({ name: 'setuid', argument: String(uid) }, SYS.setuid, uid);
    }
  },
  flags: [
    flag('--uid <id>', 'run as the user with this id', (value) => ({ uid: toNumber(value) })),
    flag('--gid <id>', 'run in the group with this id', (value) => ({ gid: toNumber(value) })),
    flag('--groups <ids>', 'the supplementary groups, by id: 4,27; without it none', (value) => ({
      groups: toList(value).map(toNumber),
    })),
    flag('--keep-groups', 'keep the supplementary groups that forkexec has', () => ({
      keepGroups: true,
    })),
    flag('--user <name>', 'run as this user: its id, groups, HOME, USER and LOGNAME', (user) => ({
      user,
    })),
  ],
  trials: () => ({
    credential: [
      { options: { credential: { uid: NOBODY, gid: NOBODY } } },
      {
        options: { credential: { uid: getuid(), gid: getgid(), keepGroups: true } },
        limit: 'only the own ids, with keepGroups',
      },
    ],
  }),
};

/** Adds to `credential`. */
function flag(
  flags: string,
  description: string,
  toCredential: (value: string) => IdCredential | UserCredential,
): Flag<CredentialOptions> {
  return {
    flags,
    description,
    apply: (options, value) => ({
      credential: { ...options.credential, ...toCredential(value) },
    }),
  };
}
