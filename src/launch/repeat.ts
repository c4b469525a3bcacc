/**
 * Launches that are alike: what of them is the same is checked and compiled once.
 *
 * Most launches of a program differ in arguments, environment and the numbers of descriptors. All steps before
 * the image are kept by what they depend on, with marks where the descriptors go.
 *
 * @module
 */
import type { Attribute, DescriptorSource, Draft, Launch } from './attribute.js';
import { attributes, type LaunchOptions, type StepName } from './order.js';
import { ProgramBuilder, type StepInfo } from './program.js';
import { type Opening, valuesIn } from './program-part.js';

/** A descriptor that is to be filled in, plus its index: more than a descriptor can be. */
const MARK = 0x4000_0000;

/** More kinds of launches than a program has; then all are forgotten. */
const MOST = 64;

type Each = Attribute<LaunchOptions, readonly StepName[]>;

/** What differs from launch to launch. */
export const lastAttribute: Each = attributes[attributes.length - 1] as Each;

/** By option: whether its attribute is steady. Those of the image are not in it. */
const steady = new Map<string, boolean>();
for (const attribute of attributes) {
  if (attribute === lastAttribute) continue;
  for (const option of attribute.options) steady.set(option, attribute.steady === true);
}

/** What the options say, but for those of the image; undefined where it can't be told by their values. */
function keyOf(options: LaunchOptions): string | undefined {
  let key = '';
  for (const name of Object.keys(options)) {
    const value: unknown = options[name as keyof LaunchOptions];
    const isSteady = steady.get(name);
    if (value === undefined || isSteady === undefined) continue;
    const type = typeof value;
    const isPlain = type === 'string' || type === 'number' || type === 'boolean';
    if (!isSteady || !isPlain) return undefined;
    const text = String(value);
    key += `${name} ${type} ${text.length} ${text} `;
  }
  return key;
}

const passed = new Set<string>();

/** Whether a launch with such options, but for those of the image, was found to be all right before. */
export function wasChecked({ options, inPlace, verbatim }: Draft<LaunchOptions>): boolean {
  if (inPlace || verbatim !== undefined) return false;
  const key = keyOf(options);
  return key !== undefined && passed.has(key);
}

/** A launch was found to be all right. */
export function rememberChecked({ options, inPlace, verbatim }: Draft<LaunchOptions>): void {
  const key = inPlace || verbatim !== undefined ? undefined : keyOf(options);
  if (key === undefined) return;
  if (passed.size >= MOST) passed.clear();
  passed.add(key);
}

/** The steps before the image, with marks. */
interface Template extends Opening {
  /** The words of the code with marks, and the index that each stands for. */
  readonly words: readonly (readonly [word: number, index: number])[];
}

/** Undefined for what can only be compiled anew each time. */
const templates = new Map<string, Template | undefined>();

/** The descriptors as a text with marks, and what the marks stand for; undefined if their order matters. */
function describe(
  descriptors: Launch<LaunchOptions>['descriptors'],
): readonly [text: string, numbers: readonly number[]] | undefined {
  let text = '';
  let largest = 2;
  const numbers: number[] = [];
  for (const [fd, source] of descriptors) {
    if (fd > largest) largest = fd;
    let shown: string | number = source;
    if (typeof source === 'number') {
      shown = numbers.indexOf(source);
      if (shown < 0) shown = numbers.push(source) - 1;
    }
    text += `${fd} ${shown} `;
  }
  // What lies among the numbers of the child is moved out of the way of others.
  for (const number of numbers) if (number <= largest) return undefined;
  return [text, numbers];
}

const dependent = attributes.filter((each) => each !== lastAttribute && each.depends !== undefined);

/** What of this process, besides the options, the steps depend on. */
function surroundings(launch: Launch<LaunchOptions>): string {
  let text = '';
  for (const attribute of dependent) text += `${attribute.depends?.(launch)} `;
  return text;
}

function templateOf(launch: Launch<LaunchOptions>): Template | undefined {
  const program = new ProgramBuilder<StepName>();
  const descriptors = new Map<number, DescriptorSource>();
  const numbers: number[] = [];
  for (const [fd, source] of launch.descriptors) {
    if (typeof source === 'number' && !numbers.includes(source)) numbers.push(source);
    const isNumber = typeof source === 'number';
    descriptors.set(fd, isNumber ? MARK + numbers.indexOf(source) : source);
  }
  for (const attribute of attributes) {
    if (attribute !== lastAttribute) attribute.emit(program, { ...launch, descriptors });
  }
  const opening = program.opening();
  if (opening === undefined) return undefined;
  const { code } = opening;
  const words = valuesIn(code, MARK, MARK + numbers.length - 1).map((word) => {
    return [word, (code[word] as number) - MARK] as const;
  });
  return { ...opening, words };
}

/** The steps with the numbers in place of the marks, for errors. */
export function nameSteps(
  steps: readonly StepInfo<StepName>[],
  numbers: readonly number[],
): StepInfo<StepName>[] {
  return steps.map((step) => {
    const number = numbers[Number(step.argument) - MARK];
    return number === undefined ? step : { ...step, argument: String(number) };
  });
}

/**
 * Begins a program with the steps before the image, if there was such a launch before or can be again.
 * Returns the descriptors that its steps name by marks; undefined if nothing was written.
 */
export function beginAlike(
  program: ProgramBuilder<StepName>,
  launch: Launch<LaunchOptions>,
): readonly number[] | undefined {
  const { inPlace, verbatim, joins } = launch;
  if (inPlace || verbatim !== undefined || joins !== undefined) return undefined;
  const options = keyOf(launch.options);
  const described = options === undefined ? undefined : describe(launch.descriptors);
  if (described === undefined) return undefined;
  const [text, numbers] = described;
  const key = surroundings(launch) + text + options;
  let template = templates.get(key);
  if (template === undefined) {
    if (templates.has(key)) return undefined;
    template = templateOf(launch);
    if (templates.size >= MOST) templates.clear();
    templates.set(key, template);
    if (template === undefined) return undefined;
  }
  const { code, words } = template;
  for (const [word, index] of words) code[word] = numbers[index] as number;
  program.begin(template);
  return numbers;
}
