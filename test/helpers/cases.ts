// What the tests know of an attribute: test/launch/cases has a file for each in src/launch.

import type fc from 'fast-check';
import type { Attribute } from '#dist/launch/attribute.js';
import type { LaunchOptions } from '#dist/launch/order.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { PR, type SyscallName } from '#dist/syscall/constants.js';
import type { Denial, Order } from './fail-step.js';
import type { State } from './state.js';

/** How a step is made to fail. */
export interface StepCase extends Order {
  /** Default: EDOM, with which denied calls fail. */
  code?: string;
  argument?: string;
  /** It takes a terminal to give up. */
  onTerminal?: true;
  /** What the launch has to get before it comes to the step. */
  needs?: ProcessAttributes;
}

export interface OptionCase<V> {
  /** A value that a child of root can have. */
  readonly sample: V;
  /** Calls `use` with a sample that has to be made first, and takes it away. */
  withSample?(use: (sample: V) => Promise<void>): Promise<void>;
  /** Flags of the command that come to the sample: `'--umask 077'`. */
  readonly flags: readonly string[] | ((sample: V) => readonly string[]);
  /** What it can't be, and the path that is blamed: by default the option. */
  readonly refused: readonly (readonly [value: unknown, path?: string])[];
  /** Options that it is refused with, and the one that it is refused without. */
  readonly excludes?: readonly (keyof LaunchOptions)[];
  readonly requires?: keyof LaunchOptions;
  /**
   * A terminal, which this process may not have, is taken; the child stops for its tracer; or it runs
   * a program that does not tell its state.
   */
  readonly how?: 'onTerminal' | 'traced' | 'otherProgram';
  /** Why there is no such child here, where a filter or a limit refuses it. */
  readonly lack?: string | false;
  /** Other values that a child of root can have together with any of other options. */
  readonly any?: fc.Arbitrary<V>;
}

export interface Cases<O extends object = LaunchOptions, Step extends string = string> {
  readonly options: { readonly [N in keyof O]-?: OptionCase<NonNullable<O[N]>> };
  readonly steps: Readonly<Record<Step, StepCase>>;
  /** That a child with all of these options has what they say, and is `usual` without them. */
  found?(state: State, wanted: ProcessAttributes, usual: State): void;
  /** That it has what the state does not tell, by launches of its own. */
  seen?(): Promise<void>;
  /** What this process may ask for: root of a container often lacks some capabilities. */
  allowed?(wanted: ProcessAttributes, usual: State): ProcessAttributes;
}

/** The cases of an attribute: whole, or it does not compile. */
export type CasesOf<A> =
  A extends Attribute<infer O, infer Steps, infer _Seen> ? Cases<O, Steps[number]> : never;

/** A denied call, whatever its arguments or with these. */
export function denied(call: SyscallName, ...args: [index: number, value: number][]): Denial[] {
  return [args.length === 0 ? { call } : { call, arguments: args }];
}

export function deniedPrctl(option: number, ...args: [index: number, value: number][]): Denial[] {
  return denied('prctl', [0, option], ...args);
}

export const deniedAmbient = (operation: number): Denial[] =>
  deniedPrctl(PR.PR_CAP_AMBIENT, [1, operation]);
