// Makes lib/ of dist/: all entry points out of one file. Most of the time that an import takes is by
// the number of its files, and there are a hundred. One file for all also keeps a class the same
// whichever entry point it comes from.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
// Made beside the old one, which a program may be reading.
const lib = join(root, 'lib.new');
const ENTRIES = ['index.js', 'process/index.js', 'signal/index.js', 'syscall.js'];

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
const PROGRAMS = { 'cli.js': 'cli/main.js', 'register.js': 'signal/register.js' };

// Not minified: an error that nobody catches is printed with the line that it comes from, and in a
// line of all there is nobody would find the message. It makes no difference to the time of an import.
const COMMON = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  keepNames: true, // a class is shown by its name, and it would become `_Process`
  logLevel: 'warning',
};

async function writePrograms(build) {
  for (const [file, source] of Object.entries(PROGRAMS)) {
    const outfile = join(lib, file);
    const options = { ...COMMON, external: ['commander'] };
    await build({ ...options, entryPoints: [join(dist, source)], outfile, plugins: [tables] });
  }
}

async function writeAll(build) {
  const lines = ENTRIES.map((entry, index) => {
    const list = exported[index].map(([name, unique]) => `${name} as ${unique}`);
    return `export { ${list.join(', ')} } from './${entry}';`;
  });
  await build({
    ...COMMON,
    stdin: { contents: lines.join('\n'), resolveDir: dist },
    outfile: join(lib, 'all.js'),
    plugins: [tables],
  });
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
let esbuild;
try {
  esbuild = await import('esbuild');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('esbuild is not installed: lib/ is only as fast as dist/');
}
if (esbuild === undefined) {
  writeEntries((entry, _index, folder) => {
    return `export * from './${relative(folder, join(dist, entry))}';\n`;
  });
  for (const [file, source] of Object.entries(PROGRAMS)) {
    writeFileSync(join(lib, file), `import '../dist/${source}';\n`);
  }
} else {
  await writeTables();
  await writeAll(esbuild.build);
  await writePrograms(esbuild.build);
  writeEntries((_entry, index, folder) => {
    const list = exported[index].map(([name, unique]) => `${unique} as ${name}`);
    return `export { ${list.join(', ')} } from './${relative(folder, join(lib, 'all.js'))}';\n`;
  });
}

rmSync(join(root, 'lib'), { recursive: true, force: true });
renameSync(lib, join(root, 'lib'));
