/**
 * The option `sandbox`, worked into the options that enforce it.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isAvailable } from '../launch/available.js';
import { checkSandbox, memoryOf, type SandboxOptions, timeOf } from '../sandbox/options.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { sandboxFilter } from '../sandbox/seccomp-profiles.js';
import { checkPath, refused, unavailable } from '../syscall/check.js';
import type { SpawnOptions } from './options.js';
import { type GroupLimits, groupPlace } from './sandbox-group.js';
import { type Enforced, enforce, type Policy, policyOf } from './sandbox-layers.js';
import { libraryDenied } from './sandbox-libraries.js';
import { covers, isBelow, realPath } from './sandbox-paths.js';
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
  readonly group: GroupLimits | undefined;
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
  #group: { -readonly [Key in keyof GroupLimits]: GroupLimits[Key] } | undefined;
  readonly layers: SandboxLayer[] = [];
  readonly #sandbox: SandboxOptions;
  readonly #policy: Policy;
  readonly #enforced: Enforced;
  readonly #namespaces: boolean;

  constructor(sandbox: SandboxOptions) {
    this.#sandbox = sandbox;
    this.#policy = policyOf(sandbox);
    this.#namespaces = this.#chooseNamespaces();
    this.#enforced = enforce(this.#policy, this.#namespaces);
    const { needsMounts } = this.#enforced;
    if (needsMounts !== undefined && !this.#namespaces) throw this.#lacksMounts(needsMounts);
  }

  /** What a control group of each launch counts. */
  get group(): GroupLimits | undefined {
    return this.#group;
  }

  /** Whether there are namespaces; refuses a policy that takes them where there are none. */
  #chooseNamespaces(): boolean {
    const { strength = 'best', network } = this.#sandbox;
    if (strength === 'kernel') {
      if (network !== 'loopback') return false;
      const what =
        "cannot be 'loopback' with strength 'kernel': a network of its own is a namespace";
      throw refused('sandbox.network', what);
    }
    const why = namespacesRefusal();
    if (why === undefined) return true;
    if (strength === 'namespaces') {
      throw refused('sandbox.strength', `cannot be 'namespaces' on this system: ${why}`);
    }
    if (network === 'loopback') throw refused('sandbox.network', `takes namespaces, and ${why}`);
    this.#tell('namespaces', 'files and namespaces', false, why);
    return false;
  }

  #lacksMounts(option: string): Error {
    if (this.#sandbox.strength !== 'kernel') {
      return refused(option, `takes namespaces, and ${namespacesRefusal()}`);
    }
    const what = "cannot be read-only in a tree of sandbox.write with strength 'kernel'";
    return refused(option, `${what}: only mounts can`);
  }

  #tell(layer: SandboxLayer['layer'], restricts: string, holds: boolean, reason: string): void {
    this.layers.push({ layer, restricts, holds, reason });
  }

  /** Whether the policy lets a path be read. */
  #allows(path: string): boolean {
    return covers(this.#policy.read, path) || covers(this.#policy.write, path);
  }

  expand<O extends SpawnOptions>(options: O, file: string): O {
    const { network = false, processes, memory, cpu, time, keep } = this.#sandbox;
    const { landlock, mounts, layers } = this.#enforced;
    const added: SpawnOptions = {
      seccomp: sandboxFilter(this.#policy.sockets, cpu !== undefined),
      noNewPrivileges: true,
    };
    this.layers.push(...layers);
    if (landlock !== undefined) added.landlock = landlock;
    if (mounts !== undefined) {
      const own = network === false || network === 'loopback';
      const namespaces = namespacesOf(own);
      added.namespaces = network === 'loopback' ? { ...namespaces, loopback: true } : namespaces;
      added.mounts = mounts;
    }
    this.#addDirectory(options, added);
    if (isRoot()) {
      if (canDropCapabilities()) added.capabilities = { bounding: ROOT_KEEPS };
      else this.#tell('noNewPrivileges', 'capabilities', false, 'CAP_SETPCAP is missing');
    }
    const rlimits = { ...options.rlimits };
    if (memory !== undefined) this.#limitMemory(options, rlimits, memoryOf(memory));
    if (processes !== undefined) this.#limitProcesses(options, rlimits, processes);
    added.rlimits = rlimits;
    const scope = this.#group === undefined ? 'tree' : 'cgroup';
    added.stop = { ...options.stop, scope: options.stop?.scope ?? scope };
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
    const expanded = { ...options, ...added };
    this.#checkLibraries(expanded, file);
    return expanded;
  }

  /** Refuses a policy in which the program could not begin. */
  #checkLibraries(options: SpawnOptions, file: string): void {
    const allows = (path: string): boolean => {
      const real = realPath(path);
      return real !== undefined && this.#allows(real);
    };
    const library = libraryDenied(file, options, this.#enforced, allows);
    if (library === undefined) return;
    const what = `must list ${JSON.stringify(library)}, a library of ${JSON.stringify(file)}`;
    throw refused('sandbox.read', what);
  }

  /** Whether a directory is there inside: one that may be read, or in which something may be. */
  #hasDirectory(path: string): boolean {
    const { read, write } = this.#policy;
    return this.#allows(path) || [...read, ...write].some(({ real }) => isBelow(real, path));
  }

  /** The working directory is one that is there inside, or the root. */
  #addDirectory({ cwd }: SpawnOptions, added: SpawnOptions): void {
    if (cwd !== undefined) {
      const path = realPath(resolve(checkPath('cwd', cwd)));
      if (path !== undefined && !this.#hasDirectory(path)) {
        throw refused('cwd', 'must lie in a tree of sandbox.read or sandbox.write, or hold one');
      }
    } else if (!this.#hasDirectory(process.cwd())) added.cwd = '/';
  }

  /** Whether a control group counts something for this launch; why not, if none does. */
  #counts(
    { cgroup }: SpawnOptions,
    name: keyof GroupLimits,
    limit: number,
  ): { readonly holds: boolean; readonly reason: string } {
    if (cgroup !== undefined) return { holds: false, reason: 'the option cgroup is given' };
    const place = groupPlace(name === 'memory' ? 'memory' : 'pids');
    if (typeof place === 'string') return { holds: false, reason: place };
    this.#group = { ...this.#group, [name]: limit };
    return { holds: true, reason: 'counted in a control group' };
  }

  #limitMemory(
    options: SpawnOptions,
    rlimits: NonNullable<SpawnOptions['rlimits']>,
    memory: number,
  ): void {
    rlimits.data = memory;
    const { holds, reason } = this.#counts(options, 'memory', memory);
    const each = holds
      ? `${reason}, and with RLIMIT_DATA for each process`
      : `RLIMIT_DATA counts each process on its own, and no shared memory; ${reason}`;
    this.#tell('limits', 'memory', holds, each);
  }

  #limitProcesses(
    options: SpawnOptions,
    rlimits: NonNullable<SpawnOptions['rlimits']>,
    processes: number,
  ): void {
    const { strength } = this.#sandbox;
    const { holds, reason } = this.#counts(options, 'processes', processes);
    if (holds) {
      this.#tell('limits', 'processes', true, reason);
      return;
    }
    if (this.#namespaces && !isRoot()) {
      rlimits.nproc = processes;
      this.#tell('limits', 'processes', true, 'counted in a user namespace of its own');
      return;
    }
    const own = isRoot()
      ? 'the kernel does not limit the processes of root'
      : 'RLIMIT_NPROC counts all processes of the user, also those outside';
    const why = `${own}, and ${reason}`;
    if (strength === 'kernel' || strength === 'namespaces') {
      throw refused('sandbox.processes', `cannot be held with strength '${strength}': ${why}`);
    }
    this.#tell('limits', 'processes', false, why);
  }

  /** What people look for when a program fails inside. */
  #remark({ env }: SpawnOptions): void {
    const { TMPDIR: folder = process.env['TMPDIR'] ?? '/tmp' } = env ?? {};
    const path = realPath(folder);
    if (path !== undefined && !covers(this.#policy.write, path)) {
      const why = `${folder} cannot be written inside: set TMPDIR to a directory of sandbox.write`;
      this.#tell(this.#namespaces ? 'mounts' : 'landlock', 'temporary files', true, why);
    }
    if (!this.#namespaces && !this.#allows('/etc/ssl') && existsSync('/etc/ssl')) {
      const why =
        'OpenSSL, and node with it, ends where /etc/ssl is denied: list it in sandbox.read';
      this.#tell('landlock', 'settings of OpenSSL', true, why);
    }
    const holds = this.#group !== undefined;
    const how = holds
      ? 'found in a control group'
      : 'found by a variable of the environment, which a program can remove';
    this.#tell('limits', 'processes that outlive the program', holds, how);
  }
}

/** Works the option `sandbox` into the others. */
export function expandSandbox<O extends SpawnOptions>(options: O, file: string): Expanded<O> {
  const { sandbox } = options;
  if (sandbox === undefined) return { options, layers: NO_LAYERS, group: undefined };
  if (!isAvailable('landlock')) throw unavailable("The option 'sandbox'");
  checkSandbox(sandbox);
  for (const name of DECIDED) {
    if (options[name] === undefined || options[name] === false) continue;
    throw refused(name, 'cannot be combined with sandbox');
  }
  const plan = new Plan(sandbox);
  return { options: plan.expand(options, file), layers: plan.layers, group: plan.group };
}
