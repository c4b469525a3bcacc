/**
 * Flags of the option `sandbox`, and policies in files.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { SpawnOptions } from '../command/options.js';
import { toList, toNumber } from '../launch/values.js';
import type { SandboxOptions } from '../sandbox/options.js';
import { Failure } from './exit.js';
import type { CommandFlag } from './flags.js';

function withPolicy(options: SpawnOptions, added: SandboxOptions): SpawnOptions {
  return { ...options, sandbox: { ...options.sandbox, ...added } };
}

/** `no`, `loopback`, `yes`, or `connect=443,80`. */
function networkOf(before: SandboxOptions['network'], text: string): SandboxOptions['network'] {
  if (text === 'no') return false;
  if (text === 'yes') return true;
  const [key = '', list] = text.split('=');
  // Refused by its name where it is none.
  if (list === undefined) return text as 'loopback';
  const ports = typeof before === 'object' ? before : {};
  return { ...ports, [key]: toList(list).map(toNumber) };
}

/** The policy in a file of JSON; docs/sandbox.schema.json describes it. */
function readPolicy(path: string): SandboxOptions {
  let policy: unknown;
  try {
    policy = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Failure(`cannot be read: ${(error as Error).message}`);
  }
  const { $schema, ...sandbox } = Object(policy) as SandboxOptions & { $schema?: unknown };
  void $schema; // for editors
  return sandbox;
}

const numberOrText = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

export const sandboxFlags: readonly CommandFlag[] = [
  {
    flags: '--sandbox',
    description: 'run the program in a sandbox: it may use only what the other flags allow',
    apply: (options) => withPolicy(options, {}),
  },
  {
    flags: '--sandbox-file <policy.json>',
    description: 'the policy of the sandbox, as JSON with the members of the option sandbox',
    apply: (options, value) => withPolicy(options, readPolicy(value)),
  },
  {
    flags: '--sandbox-read <path>',
    description: 'a file or tree that may be read and executed',
    repeatable: true,
    apply: (options, value) =>
      withPolicy(options, { read: [...(options.sandbox?.read ?? []), value] }),
  },
  {
    flags: '--sandbox-write <path>',
    description: 'a file or tree that may also be written',
    repeatable: true,
    apply: (options, value) =>
      withPolicy(options, { write: [...(options.sandbox?.write ?? []), value] }),
  },
  {
    flags: '--sandbox-network <what>',
    description: 'no, loopback, yes, connect=443,80 or bind=8080',
    repeatable: true,
    apply: (options, value) =>
      withPolicy(options, { network: networkOf(options.sandbox?.network, value) }),
  },
  {
    flags: '--sandbox-processes <n>',
    description: 'the most processes at a time',
    apply: (options, value) => withPolicy(options, { processes: toNumber(value) }),
  },
  {
    flags: '--sandbox-memory <size>',
    description: 'the most memory: bytes, or 512M',
    apply: (options, value) => withPolicy(options, { memory: numberOrText(value) }),
  },
  {
    flags: '--sandbox-cpu <n>',
    description: 'the number of processors',
    apply: (options, value) => withPolicy(options, { cpu: toNumber(value) }),
  },
  {
    flags: '--sandbox-time <time>',
    description: 'the time until the program is stopped: milliseconds, or 10s',
    apply: (options, value) => withPolicy(options, { time: numberOrText(value) }),
  },
  {
    flags: '--sandbox-keep <names>',
    description: 'the variables of the environment that the program gets: PATH,HOME',
    repeatable: true,
    apply: (options, value) =>
      withPolicy(options, { keep: [...(options.sandbox?.keep ?? []), ...toList(value)] }),
  },
  {
    flags: '--sandbox-strength <strength>',
    description: 'best, kernel or namespaces',
    apply: (options, value) => withPolicy(options, { strength: value as 'best' }),
  },
];
