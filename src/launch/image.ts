import { checkString } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import { encodeText } from '../syscall/text.js';
import type { Attribute } from './attribute.js';
import { type CredentialOptions, identityOf } from './credential.js';
import { emitEnvironment, environmentOf, type Placement, variableOf } from './environ.js';
import {
  checkEnvironment,
  type EnvironmentOptions,
  flags as environmentFlags,
} from './environment.js';
import { Address, type StepInfo } from './program.js';

/** The program that the new process runs. */
export interface ImageOptions extends EnvironmentOptions {
  /** The name that the program sees as its own: argv[0]. Default: `file` as given. */
  argv0?: string | undefined;
  /**
   * The directories, separated by colons, in which a `file` without a slash is searched. Empty and
   * relative entries are skipped: a program in the working directory is `./program`. Default: PATH
   * of the environment of the new process, or `/bin:/usr/bin` if it has none.
   */
  path?: string | undefined;
}

const DEFAULT_PATH = '/bin:/usr/bin';

/** The paths to try for a file, in order. */
export function candidatesOf(file: string, path: string): string[] {
  if (file.includes('/')) return [file];
  const candidates: string[] = [];
  for (const directory of path.split(':')) {
    if (directory.startsWith('/')) candidates.push(`${directory.replace(/\/+$/, '')}/${file}`);
  }
  return candidates;
}

type ExecStep = StepInfo<'execve'>;

/** What is tried, with the bytes of all paths, and where each begins. */
interface Trying {
  readonly steps: readonly ExecStep[];
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
}

/** Few programs are started again and again. */
const MOST_TRYING = 32;
const trying = new Map<string, Trying>();

function tryingOf(paths: readonly string[]): Trying {
  const key = paths.join('\0');
  const known = trying.get(key);
  if (known !== undefined) return known;
  const offsets: number[] = [];
  let size = 0;
  const pieces = paths.map((path) => {
    const piece = encodeText(`${path}\0`);
    offsets.push(size);
    size += piece.length;
    return piece;
  });
  const steps = paths.map((argument) => ({ name: 'execve', argument }) as const);
  const made = { steps, bytes: Buffer.concat(pieces), offsets };
  if (trying.size >= MOST_TRYING) trying.clear();
  trying.set(key, made);
  return made;
}

/** The search path that holds for the new process. */
export function searchPath(
  options: ImageOptions,
  environment: ReturnType<typeof environmentOf> = environmentOf({}),
): string {
  return options.path ?? variableOf(environment, 'PATH') ?? DEFAULT_PATH;
}

export const image: Attribute<ImageOptions, ['execve'], CredentialOptions & Placement> = {
  options: ['argv0', 'path', 'env', 'clearEnv'],
  steps: ['execve'],
  on: 'all',
  check(options) {
    if (options.path !== undefined) checkString('path', options.path);
    checkEnvironment(options);
  },
  emit(program, { file, argv, options, search, verbatim }) {
    const environment = environmentOf(options, identityOf(program, options).user);
    const argvAt = program.strings(argv);
    const envpAt =
      verbatim === undefined
        ? emitEnvironment(program, environment)
        : program.strings(verbatim.environment);
    const paths =
      verbatim?.paths ?? (search ? candidatesOf(file, searchPath(options, environment)) : [file]);
    const { steps, bytes, offsets } = tryingOf(paths);
    const { offset: from } = program.bytes(bytes);
    for (let index = 0; index < steps.length; index++) {
      const path = new Address(from + (offsets[index] as number));
      program.candidate(steps[index] as ExecStep, SYS.execve, path, argvAt, envpAt);
    }
  },
  flags: [
    ...environmentFlags,
    {
      flags: '--argv0 <name>',
      description: 'what the program sees as its own name',
      apply: (_, value) => ({ argv0: value }),
    },
    {
      flags: '--path <directories>',
      description: 'where to look for a program without a slash in its name',
      apply: (_, value) => ({ path: value }),
    },
  ],
  trials: () => ({
    argv0: [{ options: { argv0: 'doctor' } }],
    path: [{ options: { path: DEFAULT_PATH } }],
    env: [{ options: { env: { FORKEXEC_DOCTOR: '1' } } }],
    clearEnv: [{ options: { clearEnv: true } }],
  }),
};
