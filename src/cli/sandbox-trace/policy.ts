/**
 * From what a program used to the policy that allows it.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { isBelow, OWN, realPath } from '../../command/sandbox-paths.js';
import type { SandboxOptions, SandboxPorts } from '../../sandbox/options.js';
import { SOCK } from '../../syscall/constants.js';

/** Trees of the system: whatever is used of one, all of it may be read. */
const SYSTEM = /^\/(?:usr|bin|sbin|lib|lib32|lib64|libx32|nix\/store)(?=\/|$)/;

/** Directories of which every program sees other files: a terminal, a semaphore. */
const SHARED = /^\/dev\/pts(?=\/|$)/;

/** From so many files of a directory on, the directory is listed. */
const MANY = 12;

/** Directories that hold what has nothing to do with each other. */
function isMixed(directory: string): boolean {
  return /^\/[^/]*$|^\/home\/[^/]+$/.test(directory) || directory === homedir();
}

/** Directories in the place of many of their files. */
function fold(paths: ReadonlySet<string>): string[] {
  const below = new Map<string, Set<string>>();
  const kept = new Set(paths);
  for (const path of paths) {
    for (let at = path; at !== '/'; ) {
      at = dirname(at);
      if (!below.has(at)) below.set(at, new Set());
      below.get(at)?.add(path);
    }
  }
  // The deepest first, whose files then count as one for the directories above.
  const deepestFirst = [...below].sort(([a], [b]) => b.split('/').length - a.split('/').length);
  for (const [directory] of deepestFirst) {
    const left = [...kept].filter((path) => path !== directory && isBelow(path, directory));
    if (left.length <= MANY || isMixed(directory)) continue;
    for (const path of left) kept.delete(path);
    kept.add(directory);
  }
  return [...kept];
}

/** Without the paths that lie in another, and those that are not there any more. */
function outermost(paths: Iterable<string>, others: readonly string[] = []): string[] {
  const there = [...paths].filter((path) => OWN.test(path) || existsSync(path));
  const all = [...there, ...others];
  return there.filter((path) => {
    const real = realPath(path) ?? path;
    return !all.some((tree) => {
      if (tree === path) return others.includes(tree);
      // By its name as well, since the name is what mounts have.
      return isBelow(path, tree) && isBelow(real, realPath(tree) ?? tree);
    });
  });
}

/** Ports that the kernel chooses from: ip(7). */
function chosenPorts(): readonly [from: number, to: number] {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1');
    const [from = 32768, to = 60999] = text.trim().split(/\s+/).map(Number);
    return [from, to];
  } catch {
    return [32768, 60999];
  }
}

const sorted = (numbers: Iterable<number>): number[] => [...numbers].sort((a, b) => a - b);

/** What a program used, as it was seen. */
export class Used {
  readonly #read = new Set<string>();
  readonly #write = new Set<string>();
  readonly #connect = new Set<number>();
  readonly #bind = new Set<number>();
  /** Ports of this machine that the kernel may have chosen. */
  readonly #chosen = new Set<number>();
  #datagrams = false;
  #streams = false;
  #others = false;

  /** Files that were read or executed, and directories that were listed. */
  read(paths: readonly string[]): void {
    for (const path of paths) this.#read.add(SYSTEM.exec(path)?.[0] ?? path);
  }

  /** Files that were written in place, and directories in which something was made or removed. */
  write(paths: readonly string[]): void {
    for (const path of paths) this.#write.add(SHARED.exec(path)?.[0] ?? path);
  }

  /** A socket that was made: socket(2). */
  socket(family: number, type: number): void {
    if (family === SOCK.AF_UNIX || family === SOCK.AF_NETLINK) return;
    if (family !== SOCK.AF_INET && family !== SOCK.AF_INET6) this.#others = true;
    else if (type === SOCK.SOCK_STREAM) this.#streams = true;
    else if (type === SOCK.SOCK_DGRAM) this.#datagrams = true;
    else this.#others = true;
  }

  connect(port: number, isOwnMachine: boolean): void {
    const [from, to] = chosenPorts();
    const isChosen = isOwnMachine && this.#bind.has(0) && port >= from && port <= to;
    (isChosen ? this.#chosen : this.#connect).add(port);
  }

  bind(port: number): void {
    this.#bind.add(port);
  }

  #network(strength: SandboxOptions['strength']): SandboxOptions['network'] {
    if (this.#others) return true;
    if (this.#chosen.size > 0) {
      // A port that differs in each run can't be listed. A network of its own is a namespace.
      const isOwn = this.#connect.size === 0 && !this.#datagrams && strength !== 'kernel';
      return isOwn ? 'loopback' : true;
    }
    // What sends datagrams may send them to every port.
    const connect = sorted(this.#datagrams ? this.#connect.add(53) : this.#connect);
    const bind = sorted(this.#bind);
    if (!this.#streams && !this.#datagrams) return false;
    const ports: SandboxPorts = {
      ...(connect.length > 0 ? { connect } : {}),
      ...(bind.length > 0 ? { bind } : {}),
    };
    return ports;
  }

  /** The smallest policy that allows all of it. */
  policy(strength: SandboxOptions['strength']): SandboxOptions {
    const trees = outermost(fold(this.#write));
    const reals = trees.map((tree) => realPath(tree) ?? tree);
    // A link to what may be written: its name is needed, and nothing below a tree can be read-only.
    const links = [...this.#read].filter((path) =>
      reals.some((tree) => isBelow(realPath(path) ?? path, tree)),
    );
    const write = outermost(new Set([...trees, ...links])).sort();
    const read = outermost(fold(this.#read), write).sort();
    const network = this.#network(strength);
    return { read, write, network, ...(strength === undefined ? {} : { strength }) };
  }
}
