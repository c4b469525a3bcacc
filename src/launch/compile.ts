/**
 * Options to launch program.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { START } from '../protocol.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { close } from '../syscall/call.js';
import { argumentError, checkString, invalid } from '../syscall/check.js';
import { E } from '../syscall/constants.js';
import { type Draft, type Launch, StepFailure } from './attribute.js';
import { checkAvailable } from './available.js';
import { readIdentity } from './credential.js';
import { environmentOf, workingDirectory } from './environ.js';
import { LaunchError, lateError } from './error.js';
import { candidatesOf, searchPath } from './image.js';
import { layersOf } from './landlock.js';
import { attributes, type LaunchOptions, type StepName } from './order.js';
import { checkPermission } from './permission.js';
import { ProgramBuilder, type StepInfo } from './program.js';
import type { Place } from './reason.js';
import { beginAlike, lastAttribute, nameSteps, rememberChecked, wasChecked } from './repeat.js';

/** A launch that is ready for the native side. */
export interface CompiledLaunch {
  readonly launch: Launch<LaunchOptions>;
  /** Valid until the next program is compiled. */
  readonly bytes: Uint8Array;
  readonly steps: readonly StepInfo<StepName>[];
  /** Descriptors of this process that were opened for it, to be closed after the launch. */
  readonly closeAfter: readonly number[];
  /** What the new process is born into, if that is not what this one is in. */
  readonly bornInto: readonly string[];
  /** The directory of the control group that it is to be in. */
  readonly cgroupPath: string | undefined;
  /** What restricts it. */
  readonly layers: readonly SandboxLayer[];
}

/** Not a literal with a getter, which V8 takes ten microseconds to make. */
class Compiled implements CompiledLaunch {
  readonly launch: Launch<LaunchOptions>;
  readonly bytes: Uint8Array;
  readonly closeAfter: readonly number[];
  readonly bornInto: readonly string[];
  readonly cgroupPath: string | undefined;
  readonly layers: readonly SandboxLayer[];
  readonly #steps: readonly StepInfo<StepName>[];
  readonly #numbers: readonly number[] | undefined;

  constructor(
    launch: Launch<LaunchOptions>,
    program: ProgramBuilder<StepName>,
    numbers: readonly number[] | undefined,
  ) {
    this.launch = launch;
    this.bytes = program.finish();
    this.closeAfter = program.closeAfter;
    this.bornInto = program.bornInto;
    this.cgroupPath = program.cgroupPath;
    this.layers = program.layers;
    this.#steps = program.steps as StepInfo<StepName>[];
    this.#numbers = numbers;
  }

  /** Only an error asks for them. */
  get steps(): readonly StepInfo<StepName>[] {
    return this.#numbers === undefined ? this.#steps : nameSteps(this.#steps, this.#numbers);
  }
}

function checkArguments(file: string, argv: readonly string[]): void {
  if (Object(file) === file && 'href' in Object(file)) {
    throw argumentError('file must be a path, not a URL. Use fileURLToPath(url) instead.');
  }
  checkString('file', file);
  if (file === '') throw invalid('file', file, 'a path or the name of a program');
  if (!Array.isArray(argv)) throw invalid('args', argv, 'an array of strings');
  // argv[0] is the program's name: what people count are the arguments after it.
  for (const [index, text] of argv.entries()) {
    checkString(index === 0 ? 'argv0' : `args[${index - 1}]`, text);
  }
}

/**
 * Throws TypeError or RangeError for a launch that its options do not allow, and the runtime's own error
 * for one that the runtime does not permit. Opens nothing and reads nothing of the system, so that it
 * can stand before anything is opened for the launch.
 */
export function checkLaunch(draft: Draft<LaunchOptions>): void {
  checkArguments(draft.file, draft.argv);
  if (wasChecked(draft)) {
    lastAttribute.check?.(draft.options, draft);
  } else {
    checkAvailable(draft.options);
    for (const attribute of attributes) attribute.check?.(draft.options, draft);
    rememberChecked(draft);
  }
  checkPermission(draft);
}

/**
 * The program of a launch that `checkLaunch` has passed; once for each launch.
 *
 * @throws LaunchError for what this process itself opens; TypeError for a user that does not exist.
 */
export function compile(launch: Launch<LaunchOptions>): CompiledLaunch {
  const program = new ProgramBuilder<StepName>();
  const { closeAfter } = program;
  try {
    const numbers = beginAlike(program, launch);
    if (numbers !== undefined) lastAttribute.emit(program, launch);
    else for (const attribute of attributes) attribute.emit(program, launch);
    return new Compiled(launch, program, numbers);
  } catch (error) {
    for (const fd of closeAfter) close(fd);
    if (!(error instanceof StepFailure)) throw error;
    const step = error.step as StepInfo<StepName>;
    throw new LaunchError(step, error.errno, launch.file, launch.argv.slice(1));
  }
}

/** What the native side says has failed. */
export function stepOf(
  { launch, steps, bornInto }: CompiledLaunch,
  step: number,
): StepInfo<StepName> {
  if (step === START.setns)
    return { name: 'setns', argument: `pid ${launch.options.namespaces?.pid}` };
  if (step === START.clone) {
    return { name: 'clone', argument: bornInto.length === 0 ? undefined : bornInto.join() };
  }
  // Past the end: there was no directory to look in.
  return steps[step] ?? { name: 'execve', argument: launch.file };
}

/** A step that failed and was left out, because its option allows that. */
export interface SkippedStep extends StepInfo {
  /** Positive. */
  readonly errno: number;
}

/** What the native side reported as skipped: `LAUNCHED.firstSkipped` and the columns behind it. */
export function skippedSteps(
  { steps }: CompiledLaunch,
  reported: readonly number[],
): SkippedStep[] {
  return reported.map((entry) => {
    const step = steps[Math.floor(entry / 4096)] as StepInfo;
    return { ...step, errno: entry % 4096 };
  });
}

/** Where the new process looked; in mounts that are not those of this process, only that one can tell. */
function placeOf(options: LaunchOptions): Place | undefined {
  if (typeof options.namespaces?.mount === 'number' || options.mounts) return undefined;
  const { chroot: root = '/', credential } = options;
  const identity = credential === undefined ? {} : readIdentity(credential);
  const cwd = workingDirectory({ cwd: '', ...options });
  return { root, cwd, identity, policies: layersOf(options.landlock) };
}

/** The error for what the native side reported; `isLate`: the launch was given up at that step. */
export function launchError(
  compiled: CompiledLaunch,
  step: number,
  errno: number,
  isLate = false,
): LaunchError {
  const { file, argv, options, search } = compiled.launch;
  const info = stepOf(compiled, step);
  const args = argv.slice(1);
  if (isLate) return lateError(info, errno, file, args);
  const place = info.name === 'execve' ? placeOf(options) : undefined;
  if (!search || file.includes('/') || info.name !== 'execve') {
    return new LaunchError(info, errno, file, args, undefined, place);
  }
  const searched = candidatesOf(file, searchPath(options, environmentOf(options)));
  const blame = (argument: string, code: number): LaunchError =>
    new LaunchError({ name: info.name, argument }, code, file, args, searched, place);
  const { argument: last = file } = info;
  const isThere = (path: string): boolean =>
    place !== undefined && existsSync(join(place.root, path));
  if (errno === E.ENOENT || errno === E.ENOTDIR) {
    // That the last directory does not have it says nothing: the name is what was not found. One
    // that is there is a script whose interpreter is not.
    return blame(searched.find(isThere) ?? file, E.ENOENT);
  }
  if (errno !== E.EACCES || place === undefined || isThere(last)) return blame(last, errno);
  // The kernel says the same of a directory that may not be searched as of a file that may not be
  // executed. But who mistypes a name does not mean a file in there.
  const there = searched.find(isThere);
  return there === undefined ? blame(file, E.ENOENT) : blame(there, errno);
}
