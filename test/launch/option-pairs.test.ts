// Every option with every other: they work together, or are refused before anything is started.

import assert from 'node:assert/strict';
import { type RunOptions, run } from '#dist/index.js';
import { isAvailable } from '#dist/launch/available.js';
import { checkLaunch, compile } from '#dist/launch/compile.js';
import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { type LaunchError, type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { close } from '#dist/syscall/call.js';
import { optionCases, withSamples } from '../helpers/all-cases.js';
import { needsOption } from '../helpers/backend.js';
import type { OptionCase } from '../helpers/cases.js';
import { asRoot } from '../helpers/identity.js';
import { endIfUnavailable, test } from '../helpers/test.js';

type Name = keyof LaunchOptions;
type OwnName = Exclude<keyof RunOptions, Name>;

const caseOf = (name: string): OptionCase<unknown> | undefined => optionCases[name];

/** Which of two options is refused, if any. */
function refusedOf(a: string, b: string): string | undefined {
  const excluded = (one: string, two: string) => caseOf(one)?.excludes?.includes(two as Name);
  if (excluded(a, b)) return a;
  if (excluded(b, a)) return b;
  return [a, b].find((name) => ![a, b, undefined].includes(caseOf(name)?.requires));
}

/** They take a terminal, which this process may not have: they are only compiled. */
const takesTerminal = (name: string): boolean => caseOf(name)?.how === 'onTerminal';

/** What becomes of samples that a container's filter or a limit refuses. */
const refusals = new Map<string, LaunchError>();
for (const [name, { lack, withSample }] of Object.entries(optionCases)) {
  if (!lack || withSample !== undefined) continue;
  const attributes = { [name]: caseOf(name)?.sample } as ProcessAttributes;
  await assert.rejects(startProcess('/bin/true', ['true'], attributes), (error: LaunchError) => {
    refusals.set(name, error);
    return true;
  });
}

/** Which of a pair is allowed, launched, and gets no further than that. */
function deniedOf(...pair: string[]): string | undefined {
  return pair.some(takesTerminal) ? undefined : pair.find((name) => refusals.has(name));
}

/** That it is said as clearly with the other option of the pair. */
function assertDenied(error: unknown, denied: string, pair: string): void {
  const refusal = refusals.get(denied) as LaunchError;
  const { step, code, argument } = (error ?? {}) as LaunchError;
  assert.deepEqual({ step, code }, { step: refusal.step, code: refusal.code }, pair);
  assert.ok(argument?.includes(refusal.argument as string), `${pair}: ${argument}`);
}

async function launchPair(options: ProcessAttributes, names: readonly string[]): Promise<void> {
  if (names.some(takesTerminal)) {
    const descriptors = new Map([[0, 'null' as const]]);
    const file = '/bin/true';
    const draft = { file, argv: [file], descriptors, options };
    checkLaunch(draft);
    const { closeAfter } = compile({ ...draft, search: false, parentPid: process.pid });
    for (const fd of closeAfter) close(fd);
    return;
  }
  const child = await startProcess('/bin/true', ['true'], options);
  if (options.ptrace) child.signal('SIGKILL');
  const status = await child.wait();
  assert.equal(String(status), options.ptrace ? 'signal: killed' : 'exit status 0');
}

function assertRefusal(error: unknown, path: string, pair: string): void {
  endIfUnavailable(error);
  assert.ok(error instanceof TypeError, `${pair}: ${error}`);
  assert.equal((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE', pair);
  assert.ok(error.message.startsWith(`${path} `), `${pair}: ${error.message}`);
}

for (const a of launchOptionNames) {
  test(
    `${a} works with each other option or is refused`,
    async (context) => {
      needsOption(a);
      if (deniedOf(a)) context.diagnostic(`it is refused here: ${refusals.get(a)?.message}`);
      for (const b of launchOptionNames.filter(isAvailable)) {
        const lack = caseOf(b)?.withSample && caseOf(b)?.lack;
        if (lack) continue;
        const refused = refusedOf(a, b);
        const denied = deniedOf(a, b);
        await withSamples([...new Set([a, b])], async (options) => {
          try {
            await launchPair(options as ProcessAttributes, [a, b]);
          } catch (error) {
            if (refused !== undefined) assertRefusal(error, refused, `${a} with ${b}`);
            else if (denied !== undefined) assertDenied(error, denied, `${a} with ${b}`);
            else throw new Error(`${a} with ${b}`, { cause: error });
            return;
          }
          assert.ok(refused === undefined && denied === undefined, `${a} with ${b} was launched`);
        });
      }
    },
    { skip: asRoot.skip || (caseOf(a)?.withSample ? (caseOf(a)?.lack ?? false) : false) },
  );
}

/** The options that only commands have. */
const ownValues: { [N in OwnName]-?: NonNullable<RunOptions[N]> } = {
  stdin: 'null',
  stdout: 'null',
  stderr: 'null',
  fds: { 3: 'null' },
  signal: new AbortController().signal,
  timeout: 60_000,
  stop: { grace: 1000 },
  waitDelay: 1000,
  lifetime: 'parent',
  detached: true,
  verbose: () => {},
  input: 'text',
  lines: true,
  encoding: 'buffer',
  maxBuffer: 1000,
  exitCodes: [0, 1],
  ready: { fd: 3 },
  reject: true,
  stripFinalNewline: false,
  terminal: {},
  sandbox: { read: ['/'], write: ['/dev/null'], network: true, strength: 'kernel' },
};

const ownConflicts: readonly (readonly [a: OwnName, b: OwnName | Name, blamed: string])[] = [
  ['input', 'stdin', 'input'],
  ['lines', 'encoding', 'lines'],
  ['detached', 'lifetime', 'detached'],
  ['detached', 'parentDeathSignal', 'detached'],
  ['detached', 'foreground', 'foreground'], // it has a session of its own
  ['terminal', 'input', 'input'],
  ['terminal', 'session', 'session'],
  ['terminal', 'processGroup', 'processGroup'],
  ['terminal', 'controllingTerminal', 'controllingTerminal'],
  ['terminal', 'detachTerminal', 'detachTerminal'],
  ['terminal', 'foreground', 'foreground'],
  ['terminal', 'detached', 'detached'],
  ...(['landlock', 'seccomp', 'mounts', 'namespaces', 'chroot', 'capabilities'] as const).map(
    (name) => ['sandbox', name, name] as const,
  ),
  ['sandbox', 'cpuAffinity', 'cpuAffinity'],
  ['sandbox', 'noNewPrivileges', 'noNewPrivileges'],
  ['sandbox', 'detached', 'detached'],
];

function refusedOfCommand(a: string, b: string): string | undefined {
  const pair = [a, b];
  const conflict = ownConflicts.find(([one, two]) => pair.includes(one) && pair.includes(two));
  if (conflict !== undefined) return conflict[2];
  if (pair.includes('ptrace')) return 'ptrace'; // nobody could let it go on
  if (pair.includes('ready')) return 'ready'; // run waits for the end
  if (pair.includes('detached') && pair.includes('controllingTerminal')) return undefined;
  return refusedOf(a, b);
}

for (const a of Object.keys(ownValues) as OwnName[]) {
  test(
    `${a} of commands with each of the others`,
    async (context) => {
      // A detached command keeps no event loop alive.
      const awake = setInterval(() => {}, 1000);
      context.after(() => clearInterval(awake));
      for (const b of [...Object.keys(ownValues), ...launchOptionNames.filter(isAvailable)]) {
        if (caseOf(b)?.withSample && caseOf(b)?.lack) continue;
        await withSamples(b in ownValues ? [] : [b], async (sample) => {
          const options = {
            [a]: ownValues[a],
            [b]: ownValues[b as OwnName],
            ...sample,
          } as RunOptions;
          const refused = refusedOfCommand(a, b);
          const denied = deniedOf(b);
          let failure: unknown;
          await run('/bin/true', options).catch((error: unknown) => {
            failure = error;
          });
          if (refused !== undefined) {
            assertRefusal(failure, refused, `${a} with ${b}`);
          } else if (takesTerminal(b)) {
            // Taken, and then there is no terminal.
            assert.equal(
              (failure as { code?: string } | undefined)?.code,
              'ENOTTY',
              `${a} with ${b}`,
            );
          } else if (denied !== undefined) {
            assertDenied(failure, denied, `${a} with ${b}`);
          } else {
            assert.equal(failure, undefined, `${a} with ${b}`);
          }
        });
      }
    },
    asRoot,
  );
}
