/**
 * What the paths of another process lead to.
 *
 * @module
 */
import { lstatSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { OWN } from '../../command/sandbox-paths.js';

/** A process whose paths are followed: a thread's number, and that of its process. */
export interface Place {
  readonly thread: number;
  readonly process: number;
}

/** What a path leads to. */
export interface Found {
  /** The path, and what each symbolic link on the way turned it into; the last has no link in it. */
  readonly names: readonly string[];
  /** Undefined where nothing is there, or what has no path: a pipe. */
  readonly stats: Stats | undefined;
  /** The directory that the last name is in. */
  readonly parent: string;
}

/** As many symbolic links as the kernel follows in a path. */
const MOST_LINKS = 40;

const PROCESS = /^\/proc\/(?:self|thread-self|\d+)(?=\/|$)/;
const MAGIC = /^\/proc\/\d+(?:\/task\/\d+)?\/(?:fd\/\d+|exe|cwd|root)$/;

export function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The number of the process that a thread belongs to; undefined if it has ended. */
export function processOf(thread: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${thread}/status`, 'latin1');
    return Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1]);
  } catch {
    return undefined;
  }
}

/** The root directory of a process, without a slash at its end. */
function rootOf({ thread }: Place): string {
  return (linkOf(`/proc/${thread}/root`) ?? '/').replace(/\/$/, '');
}

/** The directory of relative paths: of a descriptor, or the working directory for AT_FDCWD. */
function baseOf(place: Place, descriptor: number): string | undefined {
  const link = descriptor < 0 ? 'cwd' : `fd/${descriptor}`;
  const path = linkOf(`/proc/${place.thread}/${link}`);
  if (!path?.startsWith('/')) return undefined;
  const root = rootOf(place);
  return path.startsWith(`${root}/`) || path === root ? path.slice(root.length) || '/' : undefined;
}

function statsOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** What a rule can name: what /proc has for one process differs in the next run. */
function nameOf(root: string, path: string): string {
  if (OWN.test(path)) return path;
  return PROCESS.test(path) ? '/proc' : `${root}${path}` || '/';
}

/** Follows a path one name at a time, as the kernel does for a process. */
class Walk {
  readonly #root: string;
  readonly #place: Place;
  readonly #names: string[] = [];
  readonly #follow: boolean;
  #links = 0;
  #at = '/';
  #rest: string[];

  constructor(place: Place, path: string, follow: boolean) {
    this.#place = place;
    this.#root = rootOf(place);
    this.#follow = follow;
    this.#rest = path.split('/').filter((part) => part !== '' && part !== '.');
    this.#note();
  }

  #note(): void {
    // After a link, `..` leads somewhere else than the name says.
    if (this.#rest.includes('..')) return;
    const name = nameOf(this.#root, join(this.#at, ...this.#rest));
    if (!this.#names.includes(name)) this.#names.push(name);
  }

  #next(part: string): string {
    if (this.#at === '/proc') {
      if (part === 'self') return `/proc/${this.#place.process}`;
      if (part === 'thread-self') return `/proc/${this.#place.process}/task/${this.#place.thread}`;
    }
    return join(this.#at, part);
  }

  #found(stats: Stats | undefined): Found {
    const last = nameOf(this.#root, this.#at);
    const names = [...this.#names.filter((name) => name !== last), last];
    return { names, stats, parent: `${this.#root}${dirname(this.#at)}` };
  }

  /** Undefined where a directory on the way is missing. */
  run(): Found | undefined {
    for (let part = this.#rest.shift(); part !== undefined; part = this.#rest.shift()) {
      if (part === '..') {
        this.#at = dirname(this.#at);
        continue;
      }
      const path = this.#next(part);
      const stats = statsOf(`${this.#root}${path}`);
      const isLast = this.#rest.length === 0;
      if (stats === undefined && !isLast) return undefined;
      this.#at = path;
      if (!stats?.isSymbolicLink() || (isLast && !this.#follow)) continue;
      if (this.#links++ === MOST_LINKS) return undefined;
      const target = linkOf(`${this.#root}${path}`);
      if (target === undefined) return undefined;
      if (MAGIC.test(path)) this.#names.push('/proc');
      // A pipe, or a file that was removed: it needs no rule.
      if (MAGIC.test(path) && !/^\/(?!.* \(deleted\)$)/s.test(target)) {
        return {
          names: this.#names.filter((name) => OWN.test(name)),
          stats: undefined,
          parent: '',
        };
      }
      const inside = MAGIC.test(path) ? target.slice(this.#root.length) : target;
      this.#at = target.startsWith('/') ? '/' : dirname(path);
      this.#rest.unshift(...inside.split('/').filter((each) => each !== '' && each !== '.'));
      this.#note();
    }
    return this.#found(
      this.#at === '/' ? statsOf(this.#root || '/') : statsOf(`${this.#root}${this.#at}`),
    );
  }
}

/** Follows a path of a process; undefined for one that leads nowhere. */
export function follow(
  place: Place,
  path: string,
  descriptor: number,
  followLast: boolean,
): Found | undefined {
  if (path.startsWith('/')) return new Walk(place, path, followLast).run();
  const base = baseOf(place, descriptor);
  return base === undefined ? undefined : new Walk(place, `${base}/${path}`, followLast).run();
}
