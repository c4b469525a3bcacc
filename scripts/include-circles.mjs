// Prints the include circles of native/ and fails if there are any.
//
// A module is a header and the sources that implement it: events.h with events_epoll.c and
// events_posix.c. It depends on the modules whose headers it includes, from its header or from a
// source; a header without a source is not a module, and what it includes counts for the includer.
// The compiler, which sees include guards, takes modules that depend on each other, but nobody can
// read one of them without the others.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const files = readdirSync(folder).filter((file) => /\.[ch]$/.test(file));
/** What a file is for, at the end of its name: CONTRIBUTING.md. */
const SUFFIX = /_(linux|posix|epoll|kqueue|poll)$/;

/** By file: the headers that it includes. */
const includes = new Map(
  files.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const found = text.matchAll(/^\s*#\s*include\s+"([^"]+)"/gm);
    return [file, [...found].map(([, included]) => included)];
  }),
);

/** The name of a file without the system, unless a header has that in its name as well. */
function stemOf(file) {
  const stem = file.slice(0, -2);
  return files.includes(`${stem}.h`) ? stem : stem.replace(SUFFIX, '');
}

const implemented = new Set(files.filter((file) => file.endsWith('.c')).map(stemOf));

/** The headers of modules that a file includes, also through headers that are not of a module. */
function reach(file) {
  return includes.get(file).flatMap((header) => {
    return implemented.has(stemOf(header)) ? [header] : reach(header);
  });
}

/** By module: the modules that it depends on, and through which include. */
const needs = new Map([...implemented].map((module) => [module, new Map()]));
for (const file of files) {
  const own = stemOf(file);
  for (const header of reach(file)) {
    const other = stemOf(header);
    if (other !== own) needs.get(own)?.set(other, `${file} includes ${header}`);
  }
}

/** The shortest way from a module back to itself, as the includes along it. */
function circleOf(start) {
  const seen = new Set();
  for (let ways = [{ at: start, steps: [] }]; ways.length > 0; ) {
    const longer = [];
    for (const { at, steps } of ways) {
      for (const [next, step] of needs.get(at) ?? []) {
        if (next === start) return [...steps, step];
        if (seen.has(next)) continue;
        seen.add(next);
        longer.push({ at: next, steps: [...steps, step] });
      }
    }
    ways = longer;
  }
  return undefined;
}

const printed = new Set();
for (const start of [...needs.keys()].sort()) {
  const circle = circleOf(start);
  const key = circle === undefined ? '' : [...circle].sort().join();
  if (circle === undefined || printed.has(key)) continue;
  printed.add(key);
  console.log(`circle of ${circle.length} modules:\n  ${circle.join('\n  ')}`);
}
console.log(`${needs.size} modules in native/, ${printed.size} include circles`);
process.exitCode = printed.size === 0 ? 0 : 1;
