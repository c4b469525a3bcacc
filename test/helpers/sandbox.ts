// What tests of sandboxes share: what of them this system has, trees that programs need, and shells inside.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { backend } from '#dist/backend.js';
import { lookPath, type RunOptions, run, type SandboxOptions } from '#dist/index.js';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { lackOf } from './namespaces.js';
import { SYSTEM } from './system.js';
import { test as anyTest } from './test.js';

/** Why a test is skipped that needs an ABI of Landlock; false where this kernel has it. */
export function lackOfLandlock(first: number): string | false {
  if (backend !== 'linux') return 'Landlock is of Linux, and not of the portable backend';
  const abi = landlockAbi();
  return abi < first && `Landlock ABI ${abi} of this kernel is older than ${first}`;
}

/** The library, as the text of an import in a program that a test writes. */
export const API: string = JSON.stringify(new URL('../../../dist/index.js', import.meta.url).href);

/** Ports came with ABI 4, scopes with ABI 6. */
export const noSandbox: string | false = lackOfLandlock(6);
export const noMounts: string | false = await lackOf({ mounts: [{ bind: '/' }] });

export function lackOfProgram(name: string): string | false {
  try {
    lookPath(name);
    return false;
  } catch {
    return `there is no ${name} on this system`;
  }
}

/** As `lackOfProgram`, also where the program lies outside of the trees of the system. */
export function lackInSystem(name: string): string | false {
  const lack = lackOfProgram(name);
  if (lack !== false) return lack;
  const real = realpathSync(lookPath(name));
  return !real.startsWith('/usr/') && `${name} is ${real}, and not below /usr`;
}

export { SYSTEM };

/** The programs of the system, and their settings. */
export const PROGRAMS: readonly string[] = [...SYSTEM, '/etc'];

/**
 * What the runtime that runs the tests needs besides. Bun and Deno end by a signal or a panic where they cannot read
 * /proc. Deno is started by a script that takes Node's words, and lies in the folder of that script with all that it reads.
 */
export const RUNTIME: readonly string[] = runtimeTrees();

function runtimeTrees(): string[] {
  const binary = realpathSync(process.execPath);
  if (process.versions['deno'] !== undefined) return [dirname(binary), '/proc'];
  return process.versions['bun'] === undefined ? [binary] : [binary, '/proc'];
}

export type Strength = 'kernel' | 'namespaces';

/** As the kernel names it. */
export const here: string = realpathSync(tmpdir());

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(here, 'forkexec-sandbox-'));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A test in both strengths, and in a folder of its own. */
export function test(
  title: string,
  body: (strength: Strength, folder: string) => Promise<void>,
  skip: string | false = false,
): void {
  for (const strength of ['kernel', 'namespaces'] as const) {
    const lack = noSandbox || skip || (strength === 'namespaces' && noMounts);
    const run = (): Promise<void> => inFolder((folder) => body(strength, folder));
    anyTest(`${title}, strength ${strength}`, run, { skip: lack, timeout: 120_000 });
  }
}

/** A test in a folder of its own. */
export function once(
  title: string,
  body: (folder: string) => Promise<void>,
  skip: string | false = false,
): void {
  anyTest(title, () => inFolder(body), { skip: noSandbox || skip, timeout: 120_000 });
}

/** What a shell script prints, and then its errors. */
export async function shell(script: string, options: RunOptions): Promise<string> {
  const all = { ...options, env: { LC_ALL: 'C', ...options.env }, reject: false };
  const { stdout, stderr } = await run('/bin/sh', ['-c', script], all as { encoding: 'utf8' });
  return [stdout, stderr].filter((text) => text !== '').join('\n');
}

/** As `shell`, in a sandbox. */
export function inSandbox(
  script: string,
  sandbox: SandboxOptions,
  options: RunOptions = {},
): Promise<string> {
  return shell(script, { ...options, sandbox });
}

/** The loader and the libraries of a program, and that is what ldd(1) finds too. */
export function linkedWith(program: string): { loader: string; libraries: string[] } {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n');
  const paths = lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const isLoader = (path: string): boolean => /\/ld-[^/]*$/.test(path);
  const loader = paths.find(isLoader) as string;
  return { loader, libraries: paths.filter((path) => !isLoader(path)) };
}
