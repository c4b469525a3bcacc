// Makes lib/ of dist/: the code of all entry points once, as CommonJS, in one file. Most of the time
// that an import takes is by the number of its files, and there are a hundred. One file for all keeps
// the state one and a class the same, whichever entry point it comes from and whether it is imported or
// required. Bundlers follow what is required by literal names: nothing is looked for beside a file.
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The drop-in for node:child_process: what it loads with the first launch, and what it is until then. */
const CORE = 'child_process/core.js';
const DROP_IN = 'child_process/index.js';

/** A table of constants as tsc made it, as plain data. */
async function tableOf(name) {
  return JSON.parse(
    JSON.stringify({ ...(await import(pathToFileURL(join(dist, 'syscall', `${name}.js`)))) }),
  );
}

/** JSON in a program: it is read in a fraction of the time that the same takes as an expression. */
function parsed(value) {
  const json = JSON.stringify(value).replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `JSON.parse('${json}')`;
}

/** The groups of `table`, or what of them is not in `base`: most constants are the same on Linux. */
function difference(base, table) {
  const changed = {};
  for (const [group, entries] of Object.entries(table)) {
    const own = Object.entries(entries).filter(
      ([key, value]) => JSON.stringify(base[group]?.[key]) !== JSON.stringify(value),
    );
    const gone = Object.keys(base[group] ?? {}).filter((key) => !(key in Object(entries)));
    const patch = { ...Object.fromEntries(own), ...Object.fromEntries(gone.map((k) => [k, null])) };
    const merged = mergedGroup(base[group], patch);
    // The order of the keys has to be the same too.
    const isPatch = JSON.stringify(merged) === JSON.stringify(entries);
    if (isPatch && Object.keys(patch).length > 0) changed[group] = patch;
    if (!isPatch) changed[`=${group}`] = entries;
  }
  return changed;
}

function mergedGroup(base, patch) {
  const merged = { ...base, ...patch };
  for (const key of Object.keys(merged)) if (merged[key] === null) delete merged[key];
  return merged;
}

/** What the bundle does with the difference. */
const MERGE = `${mergedGroup}
function merge(base, changed) {
  for (const [group, patch] of Object.entries(changed)) {
    if (group.startsWith('=')) base[group.slice(1)] = patch;
    else base[group] = mergedGroup(base[group], patch);
  }
  return base;
}
`;

const linux = await tableOf('linux-x64');
const arm64 = difference(linux, await tableOf('linux-arm64'));

/** The tables of constants where they are imported: only that of the running system is read. */
const TABLES = {
  'linux-x64': `process.platform !== 'linux' || process.arch !== 'arm64' ? readLinux() : {}`,
  'linux-arm64': `process.platform === 'linux' && process.arch === 'arm64' ? merge(readLinux(), ${parsed(arm64)}) : {}`,
  darwin: `process.platform === 'darwin' ? require('./darwin.cjs') : {}`,
  freebsd: `process.platform === 'freebsd' ? require('./freebsd.cjs') : {}`,
};

/** Those of other systems are in files of their own. */
const OTHERS = ['darwin', 'freebsd'];

async function writeTables() {
  for (const name of OTHERS) {
    writeFileSync(join(lib, `${name}.cjs`), `module.exports = ${parsed(await tableOf(name))};\n`);
  }
}

const IMPORTED_TABLE =
  /^import \* as (\w+) from '\.\/(linux-x64|linux-arm64|darwin|freebsd)\.js';$/gm;

const tables = {
  name: 'tables',
  setup(building) {
    building.onResolve({ filter: /^\.\/[\w-]+\.cjs$/ }, ({ path, pluginData }) => {
      return pluginData === 'tables' ? { path, external: true } : undefined;
    });
    building.onLoad({ filter: /\/syscall\/constants\.js$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replaceAll(
        IMPORTED_TABLE,
        (_, name, file) => `const ${name} = ${TABLES[file]};`,
      );
      const readLinux = `function readLinux() {\n  return ${parsed(linux)};\n}\n`;
      return { contents: `${MERGE}${readLinux}${contents}`, pluginData: 'tables' };
    });
    building.onLoad({ filter: /\/syscall\/tables\.js$/ }, () => {
      const getters = OTHERS.map((name) => `get ${name}() { return require('./${name}.cjs'); }`);
      const contents = `export const tables = { ${getters.join(', ')} };`;
      return { contents, pluginData: 'tables' };
    });
  },
};

/** The members of an attribute that only the command uses, as tsc writes them. */
const FOR_THE_COMMAND =
  /^ {4}(?:flags: \[.*\]|flags: \[\n[\s\S]*?\n {4}\]|trials: .*|trials: [^\n]*[({[]\n[\s\S]*?\n {4}[)}\]]+),\n/gm;

/** Leaves the flags of the command, their descriptions and the trials of `doctor` out of the library. */
const withoutFlags = {
  name: 'without flags',
  setup(building) {
    building.onLoad({ filter: /\/dist\/launch\/[\w-]+\.js$/ }, ({ path }) => {
      return { contents: readFileSync(path, 'utf8').replaceAll(FOR_THE_COMMAND, '') };
    });
  },
};

/** The name of an entry point in the one file: `process`. */
const nameOf = (entry) => entry.replace(/(?:\/index)?\.js$/, '');

/** The same as a variable. */
const variableOf = (entry) => nameOf(entry).replaceAll('-', '_');

const exported = await Promise.all(
  ENTRIES.map(async (entry) => Object.keys(await import(pathToFileURL(join(dist, entry))))),
);

/** What bin/forkexec.js starts; each is a program of its own. */
const PROGRAMS = { 'cli.cjs': 'cli/main.js', 'register.cjs': 'signal/register.js' };

// Not minified: an uncaught error is printed with the line that it comes from, and in one line of
// everything no user would find the message. It makes no difference to the time of an import.
const COMMON = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  external: ['*.node'],
  target: 'node20',
  logLevel: 'warning',
};

/** What src/cli imports, and what that imports in turn. */
const BUNDLED = [
  'commander',
  'cli-progress',
  'string-width',
  'strip-ansi',
  'ansi-regex',
  'emoji-regex',
  'is-fullwidth-code-point',
];

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
  const found = [...text.matchAll(/^ {2}(\w+): \(\) => (\w+?)(\d+),?$/gm)];
  const named = found.flatMap(([, exported, name, number]) => {
    return name === exported ? [`["${name}", ${name}${number}]`] : [];
  });
  const naming = `
for (const [value, each] of [${[...new Set(named)].join(', ')}]) {
  if (typeof each === "function") Object.defineProperty(each, "name", { value });
}
`;
  writeFileSync(file, text + naming);
}

async function writePrograms() {
  for (const [file, source] of Object.entries(PROGRAMS)) {
    await build({
      ...COMMON,
      entryPoints: [join(dist, source)],
      outfile: join(lib, file),
      plugins: [tables, ...(file === 'cli.cjs' ? [withoutWorkers] : []), lazyModules],
    });
    nameClasses(join(lib, file));
  }
  // The command has these packages in it.
  const licenses = BUNDLED.map((name) => {
    const folder = join(root, 'node_modules', name);
    const [file] = readdirSync(folder).filter((each) => /^licen[cs]e/i.test(each));
    return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  writeFileSync(join(lib, 'cli.cjs.LICENSE'), licenses.join('\n'));
}

async function writeAll() {
  const lines = ENTRIES.map((entry) => `export * as ${variableOf(entry)} from './${entry}';`);
  lines.push(`export * as drop_in from './${CORE}';`);
  await build({
    ...COMMON,
    stdin: { contents: lines.join('\n'), resolveDir: dist },
    outfile: join(lib, 'all.cjs'),
    plugins: [tables, withoutFlags, lazyModules],
  });
  nameClasses(join(lib, 'all.cjs'));
  nameExports(join(lib, 'all.cjs'));
}

/**
 * An entry point for `require` and one for `import`. The exports are a plain object, so that test
 * frameworks can replace members of it.
 */
function writeEntry(entry, names) {
  const name = nameOf(entry);
  const variable = variableOf(entry);
  const file = join(lib, name);
  writeFileSync(
    `${file}.cjs`,
    `const { ${variable} } = require('./all.cjs');\nmodule.exports = { ...${variable} };\n`,
  );
  writeFileSync(
    `${file}.js`,
    `import exported from './${name}.cjs';\nexport const { ${names.join(', ')} } = exported;\n`,
  );
  const types = `export * from './types/${entry}';\n`;
  writeFileSync(`${file}.d.ts`, types);
  writeFileSync(`${file}.d.cts`, types);
}

const FROM_CORE = "createRequire(import.meta.url)('./core.js')";

/** The half of the drop-in that is loaded at once is small, and apart from the one file. */
const light = {
  name: 'light',
  setup(building) {
    building.onLoad({ filter: /\/child_process\/load\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes(FROM_CORE)) throw new Error(`${path} does not have ${FROM_CORE}`);
      return { contents: text.replace(FROM_CORE, "require('./all.cjs').drop_in") };
    });
  },
};

async function writeLight(file, contents) {
  await build({
    ...COMMON,
    external: [...COMMON.external, './all.cjs'],
    define: { 'import.meta.url': '__filename' },
    stdin: { contents, resolveDir: dist },
    outfile: join(lib, file),
    plugins: [light],
  });
}

/** For `require` the module is the object itself, as that of Node. */
async function writeDropIn() {
  const object = "require('./child_process/module.js').childProcess";
  await writeLight('child_process.cjs', `module.exports = ${object};`);
  await writeLight('drop-in.cjs', "import './child_process/register.js';");
  const { default: _, ...names } = await import(pathToFileURL(join(dist, DROP_IN)));
  const list = Object.keys(names).join(', ');
  const file = join(lib, 'child_process');
  // For an `import` of the file: Node finds the names of a CommonJS module by how they are written.
  appendFileSync(`${file}.cjs`, `0 && (module.exports = { ${list} });\n`);
  writeFileSync(
    `${file}.js`,
    `import exported from './child_process.cjs';\nexport const { ${list} } = exported;\nexport default exported;\n`,
  );
  const types = `export * from './types/${DROP_IN}';\n`;
  writeFileSync(
    `${file}.d.ts`,
    `${types}import childProcess from './types/${DROP_IN}';\nexport default childProcess;\n`,
  );
  writeFileSync(`${file}.d.cts`, types);
  writeFileSync(join(lib, 'drop-in.d.cts'), 'export {};\n');
}

/** The declarations that entry points refer to, once for both kinds of modules. */
function writeTypes() {
  const known = new Set();
  const copy = (path) => {
    if (known.has(path)) return;
    known.add(path);
    const text = readFileSync(join(dist, path), 'utf8');
    mkdirSync(dirname(join(lib, 'types', path)), { recursive: true });
    writeFileSync(join(lib, 'types', path), text);
    for (const [, name] of text.matchAll(/(?:from|import\() ?'(\.[^']+)\.js'/g)) {
      copy(join(dirname(path), `${name}.d.ts`));
    }
  };
  for (const entry of [...ENTRIES, DROP_IN]) copy(entry.replace(/\.js$/, '.d.ts'));
  writeFileSync(join(lib, 'types', 'package.json'), '{ "type": "commonjs" }\n');
}

rmSync(lib, { recursive: true, force: true });
mkdirSync(lib);
await writeTables();
await writeAll();
await writePrograms();
for (const [index, entry] of ENTRIES.entries()) writeEntry(entry, exported[index]);
await writeDropIn();
writeTypes();

rmSync(join(root, 'lib'), { recursive: true, force: true });
renameSync(lib, join(root, 'lib'));
