/**
 * Users of this system, as passwd(5) and group(5) have them.
 *
 * Read directly and not by getpwnam(3): that may ask a server by way of a library loaded into this
 * process. Users that only such a server knows are not found.
 *
 * @module
 */
import { readFileSync } from 'node:fs';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** The group of the user and all that have it as a member: initgroups(3). */
  readonly groups: readonly number[];
}

const ID = /^\d+$/;

/** The fields of each line; a file that is not there has none. */
function readTable(path: string): string[][] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    // Any other error must not pass for "in no group".
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').map((line) => line.split(':'));
}

function groupsOf(name: string, gid: number): number[] {
  const groups = new Set([gid]);
  for (const [, , id = '', members = ''] of readTable('/etc/group')) {
    if (ID.test(id) && members.split(',').includes(name)) groups.add(Number(id));
  }
  return [...groups];
}

/** The user of this name. */
export function findUser(name: string): User | undefined {
  for (const [login, , uid = '', gid = '', , home = ''] of readTable('/etc/passwd')) {
    if (login !== name || !ID.test(uid) || !ID.test(gid)) continue;
    const id = Number(gid);
    return { name, uid: Number(uid), gid: id, home: home || '/', groups: groupsOf(name, id) };
  }
  return undefined;
}
