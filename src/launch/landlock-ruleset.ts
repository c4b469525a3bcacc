/**
 * Rulesets of Landlock and their rules, as steps of the child.
 *
 * @module
 */
import type { Layer, PathRule } from '../sandbox/landlock-policy.js';
import { ACCESS_FILE, landlockAbi, RULE } from '../sandbox/landlock-rights.js';
import { AT, E, F, O, SYS } from '../syscall/constants.js';
import { type Address, type ProgramBuilder, Slot } from './program.js';
import type { Part } from './program-part.js';

export const RULESET_STEPS = [
  'landlock_create_ruleset',
  'open',
  'fcntl',
  'landlock_add_rule',
] as const;

/** Paths that stand for a descriptor of the process that opens them. */
const OWN_DESCRIPTOR =
  /^\/(?:dev\/(?:std(in|out|err)|fd\/(\d+))|proc\/(?:thread-)?self\/fd\/(\d+))$/;

/** The descriptor of the child that a path stands for. */
export function ownDescriptor(path: string): number | undefined {
  const [, name, ...numbers] = OWN_DESCRIPTOR.exec(path) ?? [];
  if (name !== undefined) return ['in', 'out', 'err'].indexOf(name);
  const number = numbers.find((text) => text !== undefined);
  return number === undefined ? undefined : Number(number);
}

type RulesetProgram = ProgramBuilder<(typeof RULESET_STEPS)[number]>;
export type AnyProgram = ProgramBuilder<(typeof RULESET_STEPS)[number] | 'landlock_restrict_self'>;

const FREE = { name: 'close' };

/** Opens what a rule is about. The descriptor is the low half of the rule's second word. */
function openFor(program: AnyProgram, rule: Address, argument: string, path: string): void {
  const step = { name: 'open', argument } as const;
  const flags = O.O_PATH | O.O_CLOEXEC;
  const slot = new Slot(rule.offset + 8);
  program.store(step, slot, SYS.openat, AT.AT_FDCWD, program.string(path), flags);
}

/** One rule; of a file that is no directory it gives only what there is for those. */
export function addPathRule(
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

/** The code of layers that do not change. */
const parts = new WeakMap<object, Part>();

/** For a child that gets standard streams alone. */
const USUAL_FLOOR = 3;

/** A ruleset with its rules, but for those of descriptors, which are not yet the child's. */
function writeRuleset(
  program: RulesetProgram,
  layer: Layer,
  missing: readonly PathRule[],
  floor: number,
): Slot {
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
  return ruleset;
}

/** A ruleset with its rules, as `writeRuleset`; what is always the same is written once. */
export function rulesetOf(
  program: RulesetProgram,
  layer: Layer,
  missing: readonly PathRule[],
  floor: number,
): Slot {
  const write = (): Slot => writeRuleset(program, layer, missing, floor);
  const isSame = layer.isFixed && !layer.bestEffort && floor === USUAL_FLOOR;
  return isSame ? program.part(parts, layer, write) : write();
}
