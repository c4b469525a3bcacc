// Checks that all that the package publishes is there, before it is packed, and that nothing else is:
// npm leaves out what is missing without a word.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const missing = [];

/** A path that has to be there, from the root of the package. */
function need(path) {
  if (!existsSync(join(root, path))) missing.push(path);
}

function targetsOf(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(targetsOf);
}

for (const path of manifest.files) need(path);
for (const path of Object.values(manifest.bin)) need(path);
for (const path of targetsOf(manifest.exports)) if (!path.includes('*')) need(path);

/** What a file of lib/ loads or refers to by a literal name. */
const NAMED = /(?:\brequire\(|\bfrom |\bimport\()["'](\.\.?\/[^"']+)["']/g;

const read = new Set();
const used = new Set();

/** Follows what files name, so that what nothing loads is found too. */
function follow(path) {
  if (used.has(path)) return;
  used.add(path);
  need(path);
  if (!/\.(?:[cm]?js|d\.[cm]?ts)$/.test(path) || !existsSync(join(root, path))) return;
  read.add(path);
  const text = readFileSync(join(root, path), 'utf8');
  for (const [, name] of text.matchAll(NAMED)) {
    const named = join(dirname(path), name);
    // A declaration names the program that it declares.
    follow(/\.d\.[cm]?ts$/.test(path) ? named.replace(/\.([cm]?)js$/, '.d.$1ts') : named);
  }
}

for (const path of targetsOf(manifest.exports)) if (!path.includes('*')) follow(join(path));
for (const path of Object.values(manifest.bin)) follow(join(path));

const unused = ['lib', 'bin'].flatMap((folder) =>
  !existsSync(join(root, folder))
    ? []
    : readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .map((name) => join(folder, name))
        .filter((path) => statSync(join(root, path)).isFile() && !used.has(path))
        .filter((path) => !/(?:\/package\.json|\.LICENSE)$/.test(path)),
);

for (const path of new Set(missing)) console.error(`${path} is missing: npm run build`);
for (const path of unused) console.error(`${path} is loaded by nothing`);
process.exitCode = missing.length + unused.length === 0 ? 0 : 1;
