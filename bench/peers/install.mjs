// Puts the rivals into a folder of their own, which git ignores.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
export const folder = fileURLToPath(new URL('../../build/peers', import.meta.url));

/** npm takes the newest of each that this Node can run: execa 9 with Node 20, 10 from 22 on. */
const PACKAGES = ['execa', 'nano-spawn', 'tinyexec', 'zx', 'bun', 'deno'];

const arch = process.arch === 'x64' ? 'x64' : 'aarch64';
/** Where the programs are that the packages' scripts, which are not run, would have put in place. */
const RUNTIMES = {
  bun: [`@oven/bun-linux-${arch}/bin/bun`, `@oven/bun-linux-${arch}-baseline/bin/bun`],
  deno: [`@deno/linux-${arch === 'x64' ? 'x64' : 'arm64'}-glibc/deno`],
};

function npm(words) {
  execFileSync('npm', [...words, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Installs what is not there yet; what can't be had is told and left out. */
export function install() {
  mkdirSync(folder, { recursive: true });
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  for (const name of PACKAGES) {
    if (existsSync(join(folder, 'node_modules', name))) continue;
    try {
      npm(['install', '--prefix', folder, '--ignore-scripts', name]);
    } catch (error) {
      console.log(
        `${name} can't be had: ${
          String(error.stderr ?? error)
            .trim()
            .split('\n')[0]
        }`,
      );
    }
  }
  // Beside the packages, so that they are found by their names.
  for (const file of ['probe.mjs', 'subjects.mjs'])
    copyFileSync(join(here, file), join(folder, file));
}

/** The installed version, if there is one. */
export function versionOf(name) {
  try {
    const manifest = join(folder, 'node_modules', name, 'package.json');
    return JSON.parse(readFileSync(manifest, 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** The program that runs a subject, and its first words; undefined where there is none. */
export function runtimeOf(name) {
  if (RUNTIMES[name] === undefined) return [process.execPath];
  const paths = RUNTIMES[name].map((path) => join(folder, 'node_modules', path));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) return undefined;
  return name === 'deno' ? [found, 'run', '--allow-all', '--quiet'] : [found];
}
