// Makes lib/ of dist/: all entry points out of one file. Most of the time that an import takes is by
// the number of its files, and there are a hundred. One file for all also keeps a class the same
// whichever entry point it comes from.
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
// Made beside the old one, which a program may be reading.
const lib = join(root, 'lib.new');
const ENTRIES = [
  'index.js',
  'process/index.js',
  'signal/index.js',
  'syscall.js',
  'terminal/index.js',
  'node-pty/index.js',
  'batch/index.js',
];

/** When a table of constants is that of the running system, as src/syscall/constants.ts has it. */
const RUNNING = {
  'linux-x64': "process.platform !== 'linux' || process.arch !== 'arm64'",
  'linux-arm64': "process.platform === 'linux' && process.arch === 'arm64'",
  darwin: "process.platform === 'darwin'",
  freebsd: "process.platform === 'freebsd'",
};

/**
 * Tables of constants as JSON in files of their own: those are read in a fraction of the time that
 * the same takes as a program, and only where they are needed.
 */
async function writeTables() {
  for (const name of Object.keys(RUNNING)) {
    const groups = { ...(await import(pathToFileURL(join(dist, 'syscall', `${name}.js`)))) };
    writeFileSync(join(lib, `${name}.json`), JSON.stringify(groups));
  }
}

const IMPORTED_TABLE =
  /^import \* as (\w+) from '\.\/(linux-x64|linux-arm64|darwin|freebsd)\.js';$/gm;

/** Without `require`, which looks for links and packages first. */
const READ = `import { readFileSync } from 'node:fs';
const read = (name) => JSON.parse(readFileSync(new URL(\`./\${name}.json\`, import.meta.url), 'utf8'));
`;

const tables = {
  name: 'tables',
  setup(building) {
    building.onLoad({ filter: /\/syscall\/constants\.js$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replaceAll(
        IMPORTED_TABLE,
        (_, name, file) => `const ${name} = ${RUNNING[file]} ? read('${file}') : {};`,
      );
      return { contents: READ + contents };
    });
    building.onLoad({ filter: /\/syscall\/tables\.js$/ }, () => {
      const getters = ['darwin', 'freebsd'].map(
        (name) => `get ${name}() { return known.${name} ??= read('${name}'); }`,
      );
      const contents = `const known = {}; export const tables = { ${getters.join(', ')} };`;
      return { contents: READ + contents };
    });
  },
};

/** What an entry point exports, by the names that it has in the one file. */
async function namesOf(entry, index) {
  const names = Object.keys(await import(pathToFileURL(join(dist, entry))));
  return names.map((name) => [name, `$${index}_${name.replace(/^\$$/, 'dollar')}`]);
}

const exported = await Promise.all(ENTRIES.map(namesOf));

/** What bin/forkexec.js starts; each is a program of its own. */
const PROGRAMS = { 'cli.cjs': 'cli/main.js', 'register.cjs': 'signal/register.js' };

// Not minified: an uncaught error is printed with the line that it comes from, and in one line of
// everything no user would find the message. It makes no difference to the time of an import.
const COMMON = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
};

const BUILTIN = /^node:/;

/** The names that our modules import of each module of the runtime. */
const imported = new Map([['node:child_process', ['spawn']]]); // commander's, for executables
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js')) continue;
  const text = readFileSync(join(dist, file), 'utf8');
  for (const [, list, path] of text.matchAll(/^import (.*) from '(node:\w+)';$/gm)) {
    const names = imported.get(path) ?? new Set();
    imported.set(path, names);
    for (const [, name] of list.matchAll(/(?:[{,]|^) ?(\w+)/g)) names.add(name);
  }
}

/**
 * Loads a module of the runtime when a member of it is first used. An `import` would also read every
 * member: that of node:fs loads node:stream for `fs.ReadStream`, and takes longer than all of our own
 * code.
 */
const lazyModules = {
  name: 'lazy modules',
  setup(building) {
    building.onResolve({ filter: BUILTIN }, ({ path, namespace, kind }) => {
      const isOurs = kind === 'import-statement' || path === 'node:child_process';
      const isLazy = isOurs && namespace !== 'lazy' && path !== 'node:module'; // which has `require`
      return isLazy ? { path, namespace: 'lazy' } : { path, external: true };
    });
    building.onLoad({ filter: BUILTIN, namespace: 'lazy' }, async ({ path }) => {
      const names = imported.get(path);
      const real = await import(path);
      const getters = [...names].map((name) => `get ${name}() { return load().${name}; }`);
      const load = `let loaded; const load = () => loaded ??= require('${path}');`;
      // `import timers from 'node:timers'`: the whole module.
      if (![...names].every((name) => name in real))
        return { contents: `module.exports = require('${path}');` };
      return { contents: `${load} module.exports = { ${getters.join(', ')} };` };
    });
  },
};

/** The command runs on the main thread and starts no Workers. */
const withoutWorkers = {
  name: 'without workers',
  setup(building) {
    building.onResolve({ filter: /^node:worker_threads$/ }, ({ path }) => {
      return { path, namespace: 'none' };
    });
    building.onLoad({ filter: /./, namespace: 'none' }, () => ({
      contents: `export const isMainThread = true;
        export const getEnvironmentData = () => undefined;
        export const setEnvironmentData = () => {};`,
    }));
  },
};

/**
 * Gives classes their names: a class is shown by its name, and has become `_Process`. The bundler
 * would keep the names of functions too, also of each closure whenever it is made, which costs a
 * launch more than its checks.
 */
function nameClasses(file) {
  const text = readFileSync(file, 'utf8');
  const renamed = /^var (\w+) = class _\1 [\s\S]*?\n};\n/gm;
  writeFileSync(
    file,
    text.replace(renamed, '$&Object.defineProperty($1, "name", { value: "$1" });\n'),
  );
}

/**
 * Gives exported functions their names back: esbuild numbers one whose name something else in the one
 * file has too.
 */
function nameExports(file) {
  const text = readFileSync(file, 'utf8');
  const [list = ''] = /\nexport \{[^}]*\};?\s*$/.exec(text) ?? [];
  const named = [...list.matchAll(/(\w+?)(\d+) as \$\d+_(\w+)/g)].flatMap(
    ([, name, number, exported]) => (name === exported ? [`["${name}", ${name}${number}]`] : []),
  );
  const naming = `
for (const [value, each] of [${named.join(', ')}]) {
  if (typeof each === "function") Object.defineProperty(each, "name", { value });
}`;
  writeFileSync(file, text.replace(list, `${naming}${list}`));
}

/** Not as ECMAScript modules: Node takes 5 ms longer to load the first of those. */
async function writePrograms() {
  for (const [file, source] of Object.entries(PROGRAMS)) {
    await build({
      ...COMMON,
      format: 'cjs',
      define: { 'import.meta.url': 'moduleUrl' },
      banner: { js: "const moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
      entryPoints: [join(dist, source)],
      outfile: join(lib, file),
      plugins: [tables, ...(file === 'cli.cjs' ? [withoutWorkers] : []), lazyModules],
    });
    nameClasses(join(lib, file));
  }
  const license = join(root, 'node_modules', 'commander', 'LICENSE');
  copyFileSync(license, join(lib, 'cli.cjs.LICENSE')); // the command has commander in it
}

async function writeAll() {
  const lines = ENTRIES.map((entry, index) => {
    const list = exported[index].map(([name, unique]) => `${name} as ${unique}`);
    return `export { ${list.join(', ')} } from './${entry}';`;
  });
  await build({
    ...COMMON,
    format: 'esm',
    banner: {
      js: "import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
    },
    stdin: { contents: lines.join('\n'), resolveDir: dist },
    outfile: join(lib, 'all.js'),
    plugins: [tables, lazyModules],
  });
  nameClasses(join(lib, 'all.js'));
  nameExports(join(lib, 'all.js'));
}

/** Where the entry points take what they export from. */
function writeEntries(sourceOf) {
  for (const [index, entry] of ENTRIES.entries()) {
    const file = join(lib, entry);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, sourceOf(entry, index, dirname(file)));
  }
}

rmSync(lib, { recursive: true, force: true });
mkdirSync(lib);
await writeTables();
await writeAll();
await writePrograms();
writeEntries((_entry, index, folder) => {
  const list = exported[index].map(([name, unique]) => `${unique} as ${name}`);
  return `export { ${list.join(', ')} } from './${relative(folder, join(lib, 'all.js'))}';\n`;
});

rmSync(join(root, 'lib'), { recursive: true, force: true });
renameSync(lib, join(root, 'lib'));
