// Checks addons that are to be published: what they are linked against, and that no system which the
// package promises lacks a symbol of theirs.
//
// scripts/check-addons.mjs [--in FOLDER] [TARGET…]
//   TARGET   linux-x64, darwin-arm64 and so on; without: all that are there
//   --in     another folder than prebuilds/
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { symbols } from 'node-api-headers';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options, positionals } = parseArgs({
  options: { in: { type: 'string', default: join(root, 'prebuilds') } },
  allowPositionals: true,
});
const folder = options.in;

/** What Node 20.0, Bun and Deno all have: all symbols are bound when the addon is loaded. */
const NODE_API = 'v8';
const known = new Set([
  ...symbols[NODE_API].js_native_api_symbols,
  ...symbols[NODE_API].node_api_symbols,
]);

/** The newest glibc that an addon may need: that of Node 20's own binaries. */
const GLIBC = 28;

/** What each kind of addon may be linked against. */
const LIBRARIES = {
  glibc: /^(?:libc\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-.*)$/,
  musl: /^libc\.so$/,
  freebsd: /^(?:libc\.so\.7|libthr\.so\.3)$/,
};

function read(...words) {
  const { stdout, error, status } = spawnSync('readelf', words, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`readelf ${words.join(' ')} failed`);
  return stdout;
}

const MACHINES = { x64: 62, arm64: 183 };

/** What is wrong with an addon in ELF. */
function problemsOf(target, file) {
  const [system, arch] = target.split('-');
  const kind = target.endsWith('-musl') ? 'musl' : system === 'linux' ? 'glibc' : system;
  const problems = [];
  const bytes = readFileSync(file);
  if (bytes.readUInt16LE(18) !== MACHINES[arch]) problems.push(`it is not for ${arch}`);
  const dynamic = read('-W', '-d', file);
  for (const [, library] of dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)) {
    if (!LIBRARIES[kind].test(library)) problems.push(`it is linked against ${library}`);
  }
  if (!/\(FLAGS_1\).*\bNODELETE\b/.test(dynamic)) {
    problems.push('it is unloaded with the Worker that loaded it: it lacks NODELETE');
  }
  for (const [, name, version = ''] of read('-W', '--dyn-syms', file).matchAll(
    /\bUND (\w+)(?:@+(\S+))?/g,
  )) {
    if (/^(?:napi|node_api)_/.test(name) && !known.has(name)) {
      problems.push(`${name} is newer than Node-API ${NODE_API.slice(1)}`);
    }
    const [, minor] = /^GLIBC_2\.(\d+)/.exec(version) ?? [];
    if (Number(minor) > GLIBC) problems.push(`${name} needs glibc 2.${minor}`);
    if (kind === 'musl' && version !== '') problems.push(`${name} is one of glibc: ${version}`);
  }
  return problems;
}

const MACH_O = { magic: 0xfeedfacf, x64: 0x01000007, arm64: 0x0100000c };

function machProblemsOf(target, file) {
  const bytes = readFileSync(file);
  const isFor = bytes.readUInt32LE(4) === MACH_O[target.split('-')[1]];
  return bytes.readUInt32LE(0) === MACH_O.magic && isFor ? [] : ['it is not for this system'];
}

const present = readdirSync(folder).flatMap((name) => /^(.+)\.node$/.exec(name)?.[1] ?? []);
const wanted = positionals.length > 0 ? positionals : present;
if (wanted.length === 0) throw new Error(`there is no addon in ${folder}`);
let count = 0;
for (const target of wanted) {
  const file = join(folder, `${target}.node`);
  const check = target.startsWith('darwin-') ? machProblemsOf : problemsOf;
  for (const problem of check(target, file)) {
    count++;
    console.error(`${target}.node: ${problem}`);
  }
}
process.exitCode = count === 0 ? 0 : 1;
