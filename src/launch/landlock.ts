import { existsSync } from 'node:fs';
import {
  checkPolicy,
  type LandlockPolicy,
  type Layer,
  layerOf,
  type PathRule,
  POLICY_KEYS,
} from '../sandbox/landlock-policy.js';
import {
  ACCESS_FILE,
  absenceOf,
  FILE_RIGHTS,
  landlockAbi,
  PORT_RIGHTS,
  RULE,
  SCOPES,
} from '../sandbox/landlock-rights.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { invalid } from '../syscall/check.js';
import { AT, E, F, O, SYS } from '../syscall/constants.js';
import { type Attribute, StepFailure, type Trial } from './attribute.js';
import { floorOf } from './descriptors.js';
import { type Address, type ProgramBuilder, Slot } from './program.js';
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

const RULESET_STEPS = ['landlock_create_ruleset', 'open', 'fcntl', 'landlock_add_rule'] as const;
const RESTRICT_STEPS = ['landlock_add_rule', 'landlock_restrict_self'] as const;

/** The kernel takes no more, those of the parent among them. */
const MOST_LAYERS = 16;

/** Paths that stand for a descriptor of the process that opens them. */
const OWN_DESCRIPTOR =
  /^\/(?:dev\/(?:std(in|out|err)|fd\/(\d+))|proc\/(?:thread-)?self\/fd\/(\d+))$/;

function policiesOf(value: LandlockOptions['landlock']): readonly LandlockPolicy[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as LandlockPolicy];
}

function optionOf(value: LandlockOptions['landlock'], index: number): string {
  return Array.isArray(value) ? `landlock[${index}]` : 'landlock';
}

/** The descriptor of the child that a path stands for. */
function ownDescriptor(path: string): number | undefined {
  const [, name, ...numbers] = OWN_DESCRIPTOR.exec(path) ?? [];
  if (name !== undefined) return ['in', 'out', 'err'].indexOf(name);
  const number = numbers.find((text) => text !== undefined);
  return number === undefined ? undefined : Number(number);
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

type RulesetProgram = ProgramBuilder<(typeof RULESET_STEPS)[number]>;
type AnyProgram = ProgramBuilder<(typeof RULESET_STEPS)[number] | 'landlock_restrict_self'>;

/** The rulesets that `landlockRules` makes, for `landlock` to put on. */
interface Made {
  readonly layer: Layer;
  readonly ruleset: Slot;
}
const rulesets = new WeakMap<ProgramBuilder, Made[]>();

const FREE = { name: 'close' };

/** Opens what a rule is about. The descriptor is the low half of the rule's second word. */
function openFor(program: AnyProgram, rule: Address, argument: string, path: string): void {
  const step = { name: 'open', argument } as const;
  const flags = O.O_PATH | O.O_CLOEXEC;
  const slot = new Slot(rule.offset + 8);
  program.store(step, slot, SYS.openat, AT.AT_FDCWD, program.string(path), flags);
}

/** One rule; of a file that is no directory it gives only what there is for those. */
function addPathRule(
  program: AnyProgram,
  ruleset: Slot,
  { option, path, access }: PathRule,
  own?: number,
): void {
  const step = { name: 'landlock_add_rule', argument: `${option} ${path}` } as const;
  const onFile = access & ACCESS_FILE;
  const attribute = program.words([BigInt(access), BigInt(own ?? 0)]);
  const fileAttribute =
    onFile === access || onFile === 0
      ? attribute
      : program.words([BigInt(onFile), BigInt(own ?? 0)]);
  if (own === undefined) {
    const add = (of: Address): void => {
      program.must(step, SYS.landlock_add_rule, ruleset, RULE.path, of, 0);
    };
    openFor(program, attribute, step.argument, path);
    if (onFile === 0) {
      // To a file that is not a directory such a rule gives nothing.
      program.skipIf(0, 2, step, SYS.landlock_add_rule, ruleset, RULE.path, attribute, 0);
      program.skipIf(-E.EINVAL, 1, step, SYS.landlock_add_rule, ruleset, RULE.path, attribute, 0);
      add(attribute);
    } else if (fileAttribute === attribute) {
      add(attribute);
    } else {
      program.skipIf(0, 3, step, SYS.landlock_add_rule, ruleset, RULE.path, attribute, 0);
      openFor(program, fileAttribute, step.argument, path);
      add(fileAttribute);
      program.ignore(FREE, SYS.close, new Slot(fileAttribute.offset + 8));
    }
    program.ignore(FREE, SYS.close, new Slot(attribute.offset + 8));
    return;
  }
  // A pipe or a socket takes no rule, and needs none to be opened again.
  program.skipIf(0, 2, step, SYS.landlock_add_rule, ruleset, RULE.path, attribute, 0);
  program.skipIf(-E.EBADFD, 1, step, SYS.landlock_add_rule, ruleset, RULE.path, fileAttribute, 0);
  program.must(step, SYS.landlock_add_rule, ruleset, RULE.path, fileAttribute, 0);
}

function createRuleset(program: RulesetProgram, layer: Layer, floor: number): Slot {
  const words = [BigInt(layer.files), BigInt(layer.ports), BigInt(layer.scopes)];
  const abi = landlockAbi();
  const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const opened = program.slot();
  const step = { name: 'landlock_create_ruleset' } as const;
  program.store(step, opened, SYS.landlock_create_ruleset, program.words(words), size, 0);
  // Above the numbers that the child is to have, so that they do not overwrite it.
  const ruleset = program.slot();
  const move = { name: 'fcntl', argument: 'the ruleset of landlock' } as const;
  program.store(move, ruleset, SYS.fcntl, opened, F.F_DUPFD_CLOEXEC, floor);
  program.ignore(FREE, SYS.close, opened);
  return ruleset;
}

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
      const ruleset = createRuleset(program, layer, floor);
      for (const rule of layer.paths) {
        if (missing.includes(rule) || ownDescriptor(rule.path) !== undefined) continue;
        addPathRule(program, ruleset, rule);
      }
      for (const [port, access] of layer.portRules) {
        const attribute = program.words([BigInt(access), BigInt(port)]);
        const step = { name: 'landlock_add_rule', argument: `port ${port}` } as const;
        program.must(step, SYS.landlock_add_rule, ruleset, RULE.port, attribute, 0);
      }
      made.push({ layer, ruleset });
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
