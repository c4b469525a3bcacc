/**
 * The option `sandbox`, worked into the options that enforce it.
 *
 * @module
 */
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { isAvailable } from '../launch/available.js';
import type { LandlockPolicy } from '../sandbox/landlock-policy.js';
import { absenceOf, landlockAbi } from '../sandbox/landlock-rights.js';
import type { MountEntry } from '../sandbox/mount-entries.js';
import { checkSandbox, memoryOf, type SandboxOptions, timeOf } from '../sandbox/options.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { sandboxFilter } from '../sandbox/seccomp-profiles.js';
import { checkPath, refused, unavailable } from '../syscall/check.js';
import type { SpawnOptions } from './options.js';
import { covers, isBelow, type Listed, linkAt, listed, OWN, RESOLVER } from './sandbox-paths.js';
import {
  canDropCapabilities,
  isRoot,
  namespacesOf,
  namespacesRefusal,
  ROOT_KEEPS,
  usableCpus,
} from './sandbox-surroundings.js';

/** Options in which `sandbox` has become others, and what is to be told of it. */
export interface Expanded<O extends SpawnOptions> {
  readonly options: O;
  readonly layers: readonly SandboxLayer[];
}

const NO_LAYERS: readonly SandboxLayer[] = [];

/** What a sandbox decides itself. */
const DECIDED = [
  'landlock',
  'seccomp',
  'mounts',
  'namespaces',
  'chroot',
  'capabilities',
  'cpuAffinity',
  'noNewPrivileges',
  'ptrace',
  'detached',
] as const;

/** The sandbox of one launch as it is worked out. */
class Plan {
  readonly layers: SandboxLayer[] = [];
  readonly #sandbox: SandboxOptions;
  readonly #read: readonly Listed[];
  readonly #write: readonly Listed[];
  readonly #namespaces: boolean;

  constructor(sandbox: SandboxOptions) {
    this.#sandbox = sandbox;
    const { network = false } = sandbox;
    const write = listed('write', sandbox.write);
    const read = listed('read', sandbox.read);
    if (network !== false && network !== 'loopback') {
      for (const path of RESOLVER.filter(existsSync)) {
        const real = realpathSync.native(path);
        // What may be written may be read: a rule of its own would make it read-only.
        if (!covers(write, real)) read.push({ option: 'sandbox.network', path, real });
      }
    }
    this.#read = read;
    this.#write = write;
    this.#namespaces = this.#chooseNamespaces();
  }

  /** Whether there are namespaces; refuses a policy that takes them where there are none. */
  #chooseNamespaces(): boolean {
    const { strength = 'best', network } = this.#sandbox;
    const needed = this.#needsMounts() ?? (network === 'loopback' ? 'sandbox.network' : undefined);
    if (strength === 'kernel') {
      if (needed === undefined) return false;
      const what =
        needed === 'sandbox.network'
          ? "cannot be 'loopback' with strength 'kernel': a network of its own is a namespace"
          : `cannot be read-only in a tree of sandbox.write with strength 'kernel': only mounts can`;
      throw refused(needed, what);
    }
    const why = namespacesRefusal();
    if (why === undefined) return true;
    if (strength === 'namespaces') {
      throw refused('sandbox.strength', `cannot be 'namespaces' on this system: ${why}`);
    }
    if (needed !== undefined) throw refused(needed, `takes namespaces, and ${why}`);
    this.#tell('namespaces', 'files and namespaces', false, why);
    return false;
  }

  /** A path that may only be read in a tree that may be written. */
  #needsMounts(): string | undefined {
    const isSame = (path: string): boolean => this.#write.some(({ real }) => real === path);
    return this.#read.find(({ real }) => covers(this.#write, real) && !isSame(real))?.option;
  }

  #tell(layer: SandboxLayer['layer'], restricts: string, holds: boolean, reason: string): void {
    this.layers.push({ layer, restricts, holds, reason });
  }

  /** Whether the policy lets a path be read. */
  #allows(path: string): boolean {
    return covers([...this.#read, ...this.#write], path);
  }

  expand<O extends SpawnOptions>(options: O): O {
    const { network = false, processes, memory, cpu, time, keep } = this.#sandbox;
    const added: SpawnOptions = {
      seccomp: sandboxFilter(this.#sockets(), cpu !== undefined),
      noNewPrivileges: true,
      stop: { ...options.stop, scope: options.stop?.scope ?? 'tree' },
    };
    this.#addLandlock(added);
    if (this.#namespaces) {
      const own = network === false || network === 'loopback';
      const namespaces = namespacesOf(own);
      added.namespaces = network === 'loopback' ? { ...namespaces, loopback: true } : namespaces;
      added.mounts = this.#mounts();
    }
    this.#addDirectory(options, added);
    if (isRoot()) {
      if (canDropCapabilities()) added.capabilities = { bounding: ROOT_KEEPS };
      else this.#tell('noNewPrivileges', 'capabilities', false, 'CAP_SETPCAP is missing');
    }
    const rlimits = { ...options.rlimits };
    if (memory !== undefined) {
      rlimits.data = memoryOf(memory);
      const each = 'RLIMIT_DATA counts each process on its own, and no shared memory';
      this.#tell('limits', 'memory', false, each);
    }
    if (processes !== undefined) this.#limitProcesses(rlimits, processes);
    added.rlimits = rlimits;
    if (cpu !== undefined) added.cpuAffinity = usableCpus().slice(0, cpu);
    // 0 is no limit of `timeout`.
    if (time !== undefined)
      added.timeout = Math.min(options.timeout || Number.POSITIVE_INFINITY, timeOf(time));
    if (keep !== undefined) {
      // What is inherited from Object.prototype is not a variable.
      const kept = keep.flatMap((name) =>
        Object.hasOwn(process.env, name) ? [[name, process.env[name]] as const] : [],
      );
      added.clearEnv = true;
      added.env = { ...Object.fromEntries(kept), ...options.env };
    }
    this.#remark(options);
    return { ...options, ...added };
  }

  #sockets(): Parameters<typeof sandboxFilter>[0] {
    const { network = false } = this.#sandbox;
    if (network === false) return 'none';
    if (typeof network !== 'object') return 'all';
    return network.connect?.includes(53) ? 'ports and datagrams' : 'ports';
  }

  /** Files and ports are one layer: a second one would deny moves between directories. */
  #addLandlock(added: SpawnOptions): void {
    const { network = false } = this.#sandbox;
    const abi = landlockAbi();
    const ports = typeof network === 'object' ? network : undefined;
    if (abi < 0) {
      if (!this.#namespaces || ports !== undefined) {
        throw refused('sandbox', `cannot be enforced on this system: ${absenceOf(-abi)}`);
      }
      this.#tell('landlock', 'signals and abstract sockets', false, absenceOf(-abi));
      return;
    }
    const landlock: LandlockPolicy = {};
    if (!this.#namespaces) {
      const read = this.#read.map(({ path }) => path);
      const write = this.#write.map(({ path }) => path);
      Object.assign(landlock, { read: [...read, ...write], write, execute: [...read, ...write] });
      if (abi < 9) {
        const why = `Landlock ABI ${abi} of this kernel does not restrict connecting to them`;
        this.#tell('landlock', 'unix sockets with a path', false, why);
      }
    }
    if (ports !== undefined) {
      landlock.connect = ports.connect ?? [];
      landlock.bind = ports.bind ?? [];
      if (this.#sockets() === 'ports and datagrams') {
        this.#tell('landlock', 'datagrams', false, 'port 53 is for them, and others pass too');
      }
    } else if (network === false && abi >= 4) {
      Object.assign(landlock, { connect: [], bind: [] });
    }
    if (abi >= 6) landlock.scope = ['signal', 'abstractUnixSocket'];
    else {
      const why = `Landlock ABI ${abi} of this kernel does not restrict them`;
      this.#tell('landlock', 'signals and abstract sockets', false, why);
    }
    if (Object.keys(landlock).length > 0) added.landlock = landlock;
  }

  /** Trees in the order of their depth, so that one within another is put on it. */
  #mounts(): MountEntry[] {
    const trees = [
      ...this.#read.map((each) => ({ ...each, readOnly: true })),
      ...this.#write.map((each) => ({ ...each, readOnly: false })),
    ].filter(({ path }) => !OWN.test(path));
    const byPath = new Map<string, MountEntry>();
    for (const { path, real, readOnly } of trees) {
      const devices = isBelow(real, '/dev');
      // By both names where they differ: a link that is listed, and what it leads to.
      for (const to of new Set([real, path])) {
        byPath.set(to, { bind: real, to, readOnly, devices });
      }
    }
    const depth = (path: string): number => (path === '/' ? 0 : path.split('/').length);
    const binds = [...byPath].sort(([a], [b]) => depth(a) - depth(b)).map(([, entry]) => entry);
    const links = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => {
      const to = linkAt(`/${name}`);
      if (to === undefined || byPath.has(`/${name}`) || byPath.has('/')) return [];
      return this.#allows(resolve('/', to)) ? [{ symlink: `/${name}`, to }] : [];
    });
    const own = [...this.#read, ...this.#write].filter(({ path }) => OWN.test(path));
    for (const path of new Set(own.map(({ path }) => path))) {
      // Within a /dev that is listed as a whole they are there.
      if (
        !covers(
          this.#read.concat(this.#write).filter(({ path }) => !OWN.test(path)),
          path,
        )
      ) {
        const { [path.slice(5)]: number } = { stdin: 0, stdout: 1, stderr: 2 } as Record<
          string,
          number
        >;
        const to =
          number === undefined ? path.replace('/dev', '/proc/self') : `/proc/self/fd/${number}`;
        links.push({ symlink: path, to });
      }
    }
    return [...binds, ...links, ...(binds.length === 0 ? [{ directory: '/none' }] : [])];
  }

  /** The working directory lies in the policy, or is the root. */
  #addDirectory({ cwd }: SpawnOptions, added: SpawnOptions): void {
    if (cwd !== undefined) {
      const path = resolve(checkPath('cwd', cwd));
      if (existsSync(path) && !this.#allows(realpathSync(path))) {
        throw refused('cwd', 'must lie in a tree of sandbox.read or sandbox.write');
      }
    } else if (!this.#allows(process.cwd())) added.cwd = '/';
  }

  #limitProcesses(rlimits: NonNullable<SpawnOptions['rlimits']>, processes: number): void {
    const { strength } = this.#sandbox;
    if (this.#namespaces && !isRoot()) {
      rlimits.nproc = processes;
      this.#tell('limits', 'processes', true, 'counted in a user namespace of its own');
      return;
    }
    const why = isRoot()
      ? 'the kernel does not limit the processes of root'
      : 'RLIMIT_NPROC counts all processes of the user, also those outside';
    if (strength === 'kernel' || strength === 'namespaces') {
      throw refused('sandbox.processes', `cannot be held with strength '${strength}': ${why}`);
    }
    this.#tell('limits', 'processes', false, why);
  }

  /** What people look for when a program fails inside. */
  #remark({ env }: SpawnOptions): void {
    const { TMPDIR: folder = process.env['TMPDIR'] ?? '/tmp' } = env ?? {};
    if (existsSync(folder) && !covers(this.#write, realpathSync(folder))) {
      const why = `${folder} cannot be written inside: set TMPDIR to a directory of sandbox.write`;
      this.#tell(this.#namespaces ? 'mounts' : 'landlock', 'temporary files', true, why);
    }
    if (!this.#namespaces && existsSync('/etc/ssl') && !this.#allows('/etc/ssl')) {
      const why =
        'OpenSSL, and node with it, ends where /etc/ssl is denied: list it in sandbox.read';
      this.#tell('landlock', 'settings of OpenSSL', true, why);
    }
    const how = 'found by a variable of the environment, which a program can remove';
    this.#tell('limits', 'processes that outlive the program', false, how);
  }
}

/** Works the option `sandbox` into the others. */
export function expandSandbox<O extends SpawnOptions>(options: O): Expanded<O> {
  const { sandbox } = options;
  if (sandbox === undefined) return { options, layers: NO_LAYERS };
  if (!isAvailable('landlock')) throw unavailable("The option 'sandbox'");
  checkSandbox(sandbox);
  for (const name of DECIDED) {
    if (options[name] === undefined || options[name] === false) continue;
    throw refused(name, 'cannot be combined with sandbox');
  }
  const plan = new Plan(sandbox);
  return { options: plan.expand(options), layers: plan.layers };
}
