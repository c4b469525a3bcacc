import { existsSync } from 'node:fs';
import {
  checkPolicy,
  isKnown,
  type LandlockPolicy,
  type Layer,
  layerOf,
  type PathRule,
  POLICY_KEYS,
} from '../sandbox/landlock-policy.js';
import {
  absenceOf,
  FILE_RIGHTS,
  landlockAbi,
  PORT_RIGHTS,
  SCOPES,
} from '../sandbox/landlock-rights.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { invalid } from '../syscall/check.js';
import { E, SYS } from '../syscall/constants.js';
import { type Attribute, StepFailure, type Trial } from './attribute.js';
import { floorOf } from './descriptors.js';
import {
  type AnyProgram,
  addPathRule,
  ownDescriptor,
  RULESET_STEPS,
  rulesetOf,
} from './landlock-ruleset.js';
import type { ProgramBuilder, Slot } from './program.js';
import { checkKeys, toList, toNumber } from './values.js';

/** What a process may do with files, TCP ports and other processes. */
export interface LandlockOptions {
  /**
   * Which files and TCP ports the process and its descendants may use, and whether they reach
   * processes outside: landlock(7), Linux 5.13. Needs no privileges. Cannot be undone. Several policies
   * are layers, of which each has to allow an access. Sets `noNewPrivileges` unless that is false.
   * Default: as for this process.
   */
  landlock?: LandlockPolicy | readonly LandlockPolicy[] | undefined;
}

const RESTRICT_STEPS = ['landlock_add_rule', 'landlock_restrict_self'] as const;

/** The kernel takes no more, those of the parent among them. */
const MOST_LAYERS = 16;

function policiesOf(value: LandlockOptions['landlock']): readonly LandlockPolicy[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as LandlockPolicy];
}

function optionOf(value: LandlockOptions['landlock'], index: number): string {
  return Array.isArray(value) ? `landlock[${index}]` : 'landlock';
}

/** The layers of a launch on this kernel. */
export function layersOf(value: LandlockOptions['landlock']): Layer[] {
  const abi = Math.max(landlockAbi(), 0);
  return policiesOf(value).map((policy, index) => layerOf(optionOf(value, index), policy, abi));
}

/** Refuses what this kernel lacks, unless the policy goes on without. */
function refuseLacking({ lacking, bestEffort }: Layer): void {
  if (bestEffort) return;
  const abi = landlockAbi();
  if (abi < 0) throw new StepFailure('landlock_create_ruleset', 'landlock', -abi);
  if (lacking.length === 0) return;
  const what = `${lacking.join(', ')} (this kernel has Landlock ABI ${abi})`;
  throw new StepFailure('landlock_create_ruleset', what, E.EOPNOTSUPP);
}

/** The rulesets that `landlockRules` makes, for `landlock` to put on. */
interface Made {
  readonly layer: Layer;
  readonly ruleset: Slot;
}
const rulesets = new WeakMap<ProgramBuilder, Made[]>();

function isMissing({ path }: PathRule): boolean {
  return ownDescriptor(path) === undefined && !existsSync(path);
}

/** What of a layer is enforced. */
function reportOf(layer: Layer, missing: readonly PathRule[]): SandboxLayer[] {
  const abi = landlockAbi();
  const absent = abi < 0 ? absenceOf(-abi) : undefined;
  const lackingOf = (table: object): string[] => layer.lacking.filter((name) => name in table);
  const entry = (restricts: string, table: object): SandboxLayer => {
    const lacking = lackingOf(table);
    const reasons = [
      ...(lacking.length === 0 ? [] : [`this kernel (ABI ${abi}) lacks ${lacking.join(', ')}`]),
      ...(table === FILE_RIGHTS
        ? missing.map(({ option, path }) => `${option} ${path} is not there`)
        : []),
    ];
    const holds = absent === undefined && lacking.length === 0;
    return { layer: 'landlock', restricts, holds, reason: absent ?? reasons.join('; ') };
  };
  const { files, ports, scopes } = layer;
  const entries: SandboxLayer[] = [];
  if (files !== 0 || lackingOf(FILE_RIGHTS).length > 0) entries.push(entry('files', FILE_RIGHTS));
  if (ports !== 0 || lackingOf(PORT_RIGHTS).length > 0)
    entries.push(entry('TCP ports', PORT_RIGHTS));
  if (scopes !== 0 || lackingOf(SCOPES).length > 0) {
    entries.push(entry('signals and abstract sockets', SCOPES));
  }
  return entries;
}

/**
 * While the paths are still those of this process: before a new root, and before the working
 * directory changes.
 */
export const landlockRules: Attribute<LandlockOptions, typeof RULESET_STEPS> = {
  options: ['landlock'],
  steps: RULESET_STEPS,
  on: ['linux'],
  check({ landlock }) {
    if (landlock === undefined) return;
    const policies = policiesOf(landlock);
    if (policies.length === 0 || policies.length > MOST_LAYERS) {
      throw invalid('landlock', landlock, `a policy or an array of 1 to ${MOST_LAYERS} policies`);
    }
    for (const [index, policy] of policies.entries()) {
      const option = optionOf(landlock, index);
      if (isKnown(option, policy)) continue;
      checkKeys(option, policy, POLICY_KEYS);
      checkPolicy(option, policy);
    }
  },
  emit(program, { options: { landlock }, descriptors }) {
    if (landlock === undefined) return;
    const floor = floorOf(descriptors);
    const made: Made[] = [];
    for (const layer of layersOf(landlock)) {
      refuseLacking(layer);
      const missing = layer.bestEffort ? layer.paths.filter(isMissing) : [];
      program.layers.push(...reportOf(layer, missing));
      if ((layer.files | layer.ports | layer.scopes) === 0) continue;
      made.push({ layer, ruleset: rulesetOf(program, layer, missing, floor) });
    }
    rulesets.set(program, made);
  },
  flags: [
    {
      flags: '--landlock <rule>',
      description:
        'what Landlock allows: read=/usr, write=DIR, execute=/usr, connect=443,80, bind=8080, scope=signal, handled=RIGHTS, log=NAMES or best-effort',
      repeatable: true,
      apply: ({ landlock }, value) => ({
        landlock: withRule(landlock as LandlockPolicy | undefined, value),
      }),
    },
  ],
  trials: () => ({
    landlock: [{ options: { landlock: { read: ['/'], execute: ['/'] } } }],
    ...rights(),
  }),
};

/** `read=/usr` worked into a policy; an unknown key is refused by its name. */
function withRule(policy: LandlockPolicy = {}, text: string): LandlockPolicy {
  if (text === 'best-effort') return { ...policy, bestEffort: true };
  const at = text.indexOf('=');
  const key = (at < 0 ? text : text.slice(0, at)) as keyof LandlockPolicy;
  const value = at < 0 ? '' : text.slice(at + 1);
  const before = (policy[key] ?? []) as readonly unknown[];
  const isPath = key === 'read' || key === 'write' || key === 'execute';
  const isPort = key === 'connect' || key === 'bind';
  const added = isPath ? [value] : isPort ? toList(value).map(toNumber) : toList(value);
  return { ...policy, [key]: [...before, ...added] };
}

/** A trial of each right: the doctor has a row for each. */
function rights(): Record<string, readonly Trial<LandlockOptions>[]> {
  const trials: Record<string, readonly Trial<LandlockOptions>[]> = {};
  for (const right of Object.keys(FILE_RIGHTS) as (keyof typeof FILE_RIGHTS)[]) {
    const rules = [{ paths: ['/'], rights: [right] }];
    trials[`landlock.${right}`] = [{ options: { landlock: { handled: [right], rules } } }];
  }
  for (const right of Object.keys(PORT_RIGHTS) as (keyof typeof PORT_RIGHTS)[]) {
    trials[`landlock.${right}`] = [{ options: { landlock: { handled: [right] } } }];
  }
  for (const scope of Object.keys(SCOPES) as (keyof typeof SCOPES)[]) {
    trials[`landlock.${scope}`] = [{ options: { landlock: { scope: [scope] } } }];
  }
  trials['landlock.log'] = [
    { options: { landlock: { scope: ['signal'], log: ['subdomainsOff'] } } },
  ];
  return trials;
}

/** After all that has to open files, change the root or mount; descriptors are the child's by now. */
export const landlock: Attribute<object, typeof RESTRICT_STEPS> = {
  options: [],
  steps: RESTRICT_STEPS,
  on: ['linux'],
  emit(program) {
    for (const { layer, ruleset } of rulesets.get(program) ?? []) {
      for (const rule of layer.paths) {
        const own = ownDescriptor(rule.path);
        if (own !== undefined) addPathRule(program as AnyProgram, ruleset, rule, own);
      }
      const step = { name: 'landlock_restrict_self' } as const;
      program.must(step, SYS.landlock_restrict_self, ruleset, layer.flags);
    }
  },
};
