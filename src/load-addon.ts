/**
 * Finds the native addon and loads it: the one that FORKEXEC_ADDON names, that of this system, or the
 * asset of a single executable. No file is looked for beside this one, which a bundler may have moved.
 *
 * @module
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import requireAddon from './addon.cjs';
import { backend } from './backend.js';
import { deno } from './runtime.js';

/** The name of the asset in a single executable: https://nodejs.org/api/single-executable-applications.html */
const ASSET = 'forkexec.node';

const VARIABLE = 'FORKEXEC_ADDON';

/** Whether this program was linked against musl, whose addons are not those of glibc. */
function isMusl(): boolean {
  // The others need permissions.
  if (deno !== undefined) return deno.build.target.endsWith('-musl');
  let maps = '';
  try {
    maps = readFileSync('/proc/self/maps', 'latin1');
  } catch {
    // Without /proc the runtime is asked.
  }
  if (maps.includes('/ld-musl-')) return true;
  if (/\/libc(?:-2\.\d+\.so|\.so\.6)$/m.test(maps)) return false;
  // Node and Bun both have it where they run on glibc.
  const { header } = process.report.getReport() as unknown as { header: object };
  return !('glibcVersionRuntime' in header);
}

/** The system that an addon is for: `linux-x64-musl`. */
function targetOf(): string {
  const system = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' && isMusl() ? `${system}-musl` : system;
}

interface SingleExecutable {
  isSea(): boolean;
  getRawAsset(name: string): ArrayBuffer;
}

/** The module of a single executable, in one: not a literal `require`, which old Nodes refuse. */
function singleExecutable(): SingleExecutable | undefined {
  const sea = process.getBuiltinModule?.('node:sea') as SingleExecutable | undefined;
  return sea?.isSea() === true ? sea : undefined;
}

/** Loads an addon that is in the executable itself; undefined if it is not. */
function loadAsset({ getRawAsset }: SingleExecutable): unknown {
  let bytes: ArrayBuffer;
  try {
    bytes = getRawAsset(ASSET);
  } catch {
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-'));
  const file = join(folder, ASSET);
  try {
    const fd = openSync(file, 'wx', 0o600);
    writeSync(fd, new Uint8Array(bytes));
    closeSync(fd);
    const module = { exports: {} };
    process.dlopen(module, file);
    return module.exports;
  } finally {
    rmSync(folder, { recursive: true }); // what was loaded stays
  }
}

function failed(target: string, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = String(message).split('\n')[0];
  const error = new Error(
    `forkexec has no native addon for ${target}: ${why}. ` +
      `Is it bundled? docs/using-it.md of the package @forkexec/core says what each bundler needs, ` +
      `and ${VARIABLE} can name the file. In a clone of the repository, run \`npm run build\`.`,
    { cause },
  );
  return code === undefined ? error : Object.assign(error, { code });
}

/** Loads the addon; throws an Error that says what to do. */
export function loadAddon(): unknown {
  const named = process.env[VARIABLE];
  // Through `require`, which gives the same exports again to whoever asks again.
  if (named !== undefined && named !== '') return createRequire(named)(named);
  const target = targetOf();
  // For tests; it is not published.
  if (backend === 'posix' && process.platform === 'linux') {
    throw new Error(`FORKEXEC_BACKEND=posix needs ${VARIABLE}, the file of the portable addon.`);
  }
  try {
    return requireAddon(target);
  } catch (error) {
    const sea = singleExecutable();
    const addon = sea === undefined ? undefined : loadAsset(sea);
    if (addon !== undefined) return addon;
    throw failed(target, error);
  }
}
