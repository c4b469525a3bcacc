/**
 * Policies of Landlock as options, and as the kernel takes them.
 *
 * @module
 */
import { checkBoolean, checkInteger, checkString, invalid, refused } from '../syscall/check.js';
import {
  bitsOf,
  FILE_RIGHTS,
  FULL_ABI,
  fileRights,
  type LandlockFileRight,
  type LandlockLog,
  type LandlockPortRight,
  type LandlockRight,
  type LandlockScope,
  LOGS,
  lackingIn,
  PORT_RIGHTS,
  SCOPES,
} from './landlock-rights.js';

/** Rights to files and trees, one by one. */
export interface LandlockRule {
  /** Files, and directories with all that is below them. */
  paths: readonly string[];
  /** The rights to files that these paths give. */
  rights: readonly LandlockFileRight[];
}

/**
 * What a process may do with files, TCP ports and processes outside: landlock(7), Linux 5.13. A kind
 * of access that no member names stays unrestricted. Paths are those of this process, before a new
 * root; with `mounts`, those of the new root.
 */
export interface LandlockPolicy {
  /** Files and trees that may be read and listed. */
  read?: readonly string[] | undefined;
  /**
   * Files and trees that may be written, truncated, created, renamed, linked and removed, but for
   * device files, which only `rules` can allow to be created. Does not include reading.
   */
  write?: readonly string[] | undefined;
  /**
   * Programs, scripts, interpreters, loaders and libraries: files and trees that may be executed, and
   * read, which execve(2) also requires.
   */
  execute?: readonly string[] | undefined;
  /** Other combinations of rights. */
  rules?: readonly LandlockRule[] | undefined;
  /** TCP ports that may be connected to, Linux 6.7. `[]` allows none. */
  connect?: readonly number[] | undefined;
  /** TCP ports that may be bound, Linux 6.7. 0 is any port that the kernel chooses. */
  bind?: readonly number[] | undefined;
  /**
   * Which processes outside cannot be reached: by connecting to their abstract unix sockets, or by
   * signals, Linux 6.12.
   */
  scope?: readonly LandlockScope[] | undefined;
  /**
   * The rights that are restricted. Default: all rights to files that this kernel has, if `read`,
   * `write`, `execute` or `rules` is given; `connectTcp` with `connect`, and `bindTcp` with `bind`.
   */
  handled?: readonly LandlockRight[] | undefined;
  /**
   * What the kernel writes to the audit log, Linux 6.15: `'sameExecOff'`, no denials of this program;
   * `'newExecOn'`, those of the programs that it executes; `'subdomainsOff'`, none of sandboxes inside.
   */
  log?: readonly LandlockLog[] | undefined;
  /**
   * Whether the launch goes on where this kernel lacks a right or Landlock as a whole, or a path does
   * not exist. `sandbox` of the Child then says what is not enforced. Default: false.
   */
  bestEffort?: boolean | undefined;
}

const PATH_LISTS = ['read', 'write', 'execute'] as const;
export const POLICY_KEYS: readonly (keyof LandlockPolicy)[] = [
  ...PATH_LISTS,
  ...(['rules', 'connect', 'bind', 'scope', 'handled', 'log', 'bestEffort'] as const),
];

const READ = ['readFile', 'readDir'] as const;
const EXECUTE = ['execute', 'readFile'] as const;
const WRITE = fileRights.filter(
  (right) => !['execute', 'readFile', 'readDir', 'makeChar', 'makeBlock'].includes(right),
);

const RIGHTS = { read: READ, write: WRITE, execute: EXECUTE } as const;

function checkList(option: string, value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(option, value, `an array of ${what}`);
  return value;
}

function checkPaths(option: string, value: unknown): void {
  for (const [index, path] of checkList(option, value, 'paths').entries()) {
    checkString(`${option}[${index}]`, path);
    if (path === '') throw invalid(`${option}[${index}]`, path, 'a path');
  }
}

function checkNames(option: string, value: unknown, names: readonly string[]): void {
  for (const [index, name] of checkList(option, value, 'names').entries()) {
    if (typeof name === 'string' && names.includes(name)) continue;
    throw invalid(`${option}[${index}]`, name, `one of ${names.join(', ')}`);
  }
}

function checkPorts(option: string, value: unknown): void {
  for (const [index, port] of checkList(option, value, 'TCP ports').entries()) {
    checkInteger(`${option}[${index}]`, port, 0, 65535);
  }
}

/** Refuses a policy that can't be one; `checkKeys` has passed it. */
export function checkPolicy(option: string, policy: LandlockPolicy): void {
  for (const key of PATH_LISTS) {
    if (policy[key] !== undefined) checkPaths(`${option}.${key}`, policy[key]);
  }
  if (policy.rules !== undefined) checkRules(`${option}.rules`, policy.rules);
  for (const key of ['connect', 'bind'] as const) {
    if (policy[key] !== undefined) checkPorts(`${option}.${key}`, policy[key]);
  }
  const lists = [
    ['scope', Object.keys(SCOPES)],
    ['log', Object.keys(LOGS)],
    ['handled', [...fileRights, ...Object.keys(PORT_RIGHTS)]],
  ] as const;
  for (const [key, names] of lists) {
    if (policy[key] !== undefined) checkNames(`${option}.${key}`, policy[key], names);
  }
  if (policy.bestEffort !== undefined) checkBoolean(`${option}.bestEffort`, policy.bestEffort);
  const wanted = wantedOf(policy);
  if (wanted.files.length + wanted.ports.length + wanted.scopes.length > 0) return;
  throw refused(option, 'must restrict something: files, ports or a scope');
}

function checkRules(option: string, rules: unknown): void {
  for (const [index, rule] of checkList(option, rules, 'rules').entries()) {
    const name = `${option}[${index}]`;
    if (typeof rule !== 'object' || rule === null) throw invalid(name, rule, '{ paths, rights }');
    const { paths, rights, ...others } = rule as Record<string, unknown>;
    const [other] = Object.keys(others);
    if (other !== undefined) throw refused(`${name}.${other}`, 'is not paths or rights');
    checkPaths(`${name}.paths`, paths);
    checkNames(`${name}.rights`, rights, fileRights);
  }
}

interface Wanted {
  readonly files: readonly LandlockFileRight[];
  readonly ports: readonly LandlockPortRight[];
  readonly scopes: readonly LandlockScope[];
}

/** What is to be restricted, and for lack of `handled` what every kernel with Landlock should have. */
function wantedOf({ handled, ...policy }: LandlockPolicy): Wanted {
  const scopes = policy.scope ?? [];
  if (handled !== undefined) {
    const isFile = (right: LandlockRight): right is LandlockFileRight => right in FILE_RIGHTS;
    const isPort = (right: LandlockRight): right is LandlockPortRight => right in PORT_RIGHTS;
    return { files: handled.filter(isFile), ports: handled.filter(isPort), scopes };
  }
  const { read, write, execute, rules } = policy;
  const onFiles = (read ?? write ?? execute ?? rules) !== undefined;
  const ports: LandlockPortRight[] = [];
  if (policy.bind !== undefined) ports.push('bindTcp');
  if (policy.connect !== undefined) ports.push('connectTcp');
  return { files: onFiles ? fileRights : [], ports, scopes };
}

/** A path and the rights that it gives. */
export interface PathRule {
  /** Where it is in the options, first: `'landlock.read[1]'`. */
  readonly option: string;
  readonly path: string;
  readonly access: number;
}

/** One layer of Landlock as the kernel takes it. */
export interface Layer {
  readonly files: number;
  readonly ports: number;
  readonly scopes: number;
  readonly flags: number;
  readonly paths: readonly PathRule[];
  readonly portRules: readonly (readonly [port: number, access: number])[];
  readonly bestEffort: boolean;
  /** Whether its policy cannot change any more: then each launch with it has this very object. */
  readonly isFixed: boolean;
  /** What was asked for and this kernel lacks: `'truncate'`. */
  readonly lacking: readonly string[];
}

/** Layers of policies that cannot change any more, each on a kernel with one ABI. */
const known = new WeakMap<LandlockPolicy, { readonly abi: number; readonly layer: Layer }>();

/** Whether a policy stays what it is: with all its lists, and without rules, which have lists of their own. */
function isFixed(policy: LandlockPolicy): boolean {
  if (!Object.isFrozen(policy) || policy.rules !== undefined) return false;
  return Object.values(policy).every((value) => Object.isFrozen(value));
}

/** Whether a policy was checked before, and has not changed since. */
export function isKnown(option: string, policy: LandlockPolicy): boolean {
  return option === 'landlock' && known.has(policy);
}

/** The layer of a policy that was checked, on a kernel with this ABI. */
export function layerOf(option: string, policy: LandlockPolicy, abi: number): Layer {
  const before = isKnown(option, policy) ? known.get(policy) : undefined;
  if (before?.abi === abi) return before.layer;
  const isKept = option === 'landlock' && isFixed(policy);
  const layer = newLayer(option, policy, abi, isKept);
  if (isKept) known.set(policy, { abi, layer });
  return layer;
}

function newLayer(option: string, policy: LandlockPolicy, abi: number, isFixed: boolean): Layer {
  const { handled, log = [], bestEffort = false } = policy;
  const wanted = wantedOf(policy);
  const missing = lackingIn(FILE_RIGHTS, wanted.files, abi).filter(
    (right) => handled !== undefined || FILE_RIGHTS[right].abi <= FULL_ABI,
  );
  const lacking = [
    ...missing,
    ...lackingIn(PORT_RIGHTS, wanted.ports, abi),
    ...lackingIn(SCOPES, wanted.scopes, abi),
    ...lackingIn(LOGS, log, abi),
  ];
  const has = ({ abi: first }: { abi: number }): boolean => first <= abi;
  const files = bitsOf(
    FILE_RIGHTS,
    wanted.files.filter((right) => has(FILE_RIGHTS[right])),
  );
  const ports = bitsOf(
    PORT_RIGHTS,
    wanted.ports.filter((right) => has(PORT_RIGHTS[right])),
  );
  const scopes = bitsOf(
    SCOPES,
    wanted.scopes.filter((scope) => has(SCOPES[scope])),
  );
  const flags = bitsOf(
    LOGS,
    log.filter((name) => has(LOGS[name])),
  );
  const portRules = [
    ...(policy.bind ?? []).map((port) => [port, PORT_RIGHTS.bindTcp.bit & ports] as const),
    ...(policy.connect ?? []).map((port) => [port, PORT_RIGHTS.connectTcp.bit & ports] as const),
  ].filter(([, access]) => access !== 0);
  const paths = pathRules(option, policy, files);
  return { files, ports, scopes, flags, paths, portRules, bestEffort, isFixed, lacking };
}

/**
 * The rules for paths; one that gives nothing that is handled would be refused as empty. A path that is
 * listed several times is one rule, so that it is opened once, and all its rights go to one file.
 */
function pathRules(option: string, policy: LandlockPolicy, handled: number): PathRule[] {
  const all = new Map<string, PathRule>();
  const add = (rule: PathRule): void => {
    const known = all.get(rule.path) ?? rule;
    if (rule.access !== 0) all.set(rule.path, { ...known, access: known.access | rule.access });
  };
  for (const key of PATH_LISTS) {
    const access = bitsOf(FILE_RIGHTS, RIGHTS[key]) & handled;
    for (const [index, path] of (policy[key] ?? []).entries()) {
      add({ option: `${option}.${key}[${index}]`, path, access });
    }
  }
  for (const [index, { paths, rights }] of (policy.rules ?? []).entries()) {
    const access = bitsOf(FILE_RIGHTS, rights) & handled;
    for (const [at, path] of paths.entries()) {
      add({ option: `${option}.rules[${index}].paths[${at}]`, path, access });
    }
  }
  return [...all.values()];
}
