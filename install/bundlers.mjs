// Each bundler makes one program of the package and of a program that uses it, whose output runs in an
// empty folder.
import { join } from 'node:path';
import {
  bun,
  deno,
  expectSaid,
  moved,
  node,
  PROGRAM,
  project,
  REQUIRING,
  run,
  tool,
} from './project.mjs';

/** A bundler that is a program for Node. */
function bundle(name, script, words, files = {}) {
  const place = project(name, { 'main.js': PROGRAM, 'main.cjs': REQUIRING, ...files });
  run(node, [tool(script), ...words], { cwd: place });
  return moved(place);
}

function works(out, file) {
  expectSaid(run(node, [join(out, file)], { cwd: out }));
}

const BANNER =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

function esbuild(format, input, output, ...more) {
  const words = [input, '--bundle', '--platform=node', `--format=${format}`];
  const out = bundle('esbuild', 'esbuild/bin/esbuild', [
    ...words,
    `--outfile=out/${output}`,
    '--loader:.node=copy',
    ...more,
  ]);
  works(out, output);
}

/** Its plugins would load the addons of all systems at once, so `require` of them is left alone. */
function rollup(format, input) {
  const file = format === 'es' ? 'main.mjs' : 'main.cjs';
  const config = `
    import commonjs from '@rollup/plugin-commonjs';
    import { nodeResolve } from '@rollup/plugin-node-resolve';
    export default {
      input: '${input}',
      output: {
        file: 'out/dist/${file}', format: '${format}',
        banner: ${JSON.stringify(format === 'es' ? BANNER : '')},
      },
      plugins: [
        nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }),
        commonjs({ ignore: (name) => name.endsWith('.node') }),
      ],
    };`;
  const place = project('rollup', {
    'main.js': PROGRAM,
    'main.cjs': REQUIRING,
    'rollup.config.js': config,
  });
  run(node, [tool('rollup/dist/bin/rollup'), '-c', '--silent'], { cwd: place });
  run('cp', ['-r', 'node_modules/@forkexec/core/prebuilds', 'out/prebuilds'], { cwd: place });
  works(join(moved(place), 'dist'), file);
}

function rolldown(format) {
  const file = format === 'es' ? 'main.mjs' : 'main.cjs';
  const config = `export default {
    input: 'main.js', platform: 'node', moduleTypes: { '.node': 'copy' },
    output: { file: 'out/${file}', format: '${format}' },
  };`;
  const out = bundle('rolldown', 'rolldown/bin/cli.mjs', ['-c', 'rolldown.config.mjs'], {
    'rolldown.config.mjs': config,
  });
  works(out, file);
}

function vite() {
  const config = `export default {
    ssr: { noExternal: true },
    build: {
      outDir: 'out', ssrEmitAssets: true,
      rolldownOptions: { moduleTypes: { '.node': 'copy' } },
    },
  };`;
  const out = bundle('vite', 'vite/bin/vite.js', ['build', '--ssr', 'main.js'], {
    'vite.config.js': config,
  });
  works(out, 'main.js');
}

/** Webpack and Rspack take the same configuration. */
function webpack(name, package_, input) {
  const build = `
    import { createRequire } from 'node:module';
    const pack = createRequire(import.meta.url)('${package_}');
    (pack.webpack ?? pack.rspack ?? pack)({
      mode: 'production', target: 'node', entry: './${input}', context: process.cwd(),
      output: { path: process.cwd() + '/out', filename: 'main.cjs' },
      module: { rules: [{ test: /\\.node$/, loader: 'node-loader' }] },
    }, (error, stats) => {
      const { errors, warnings } = stats?.toJson() ?? { errors: [], warnings: [] };
      for (const each of [error, ...errors, ...warnings]) if (each) console.error(each.message);
      process.exitCode = error || errors.length > 0 || warnings.length > 0 ? 1 : 0;
    });`;
  const place = project(name, { 'main.js': PROGRAM, 'main.cjs': REQUIRING, 'build.mjs': build });
  run(node, ['build.mjs'], { cwd: place });
  works(moved(place), 'main.cjs');
}

function ncc() {
  works(
    bundle('ncc', '@vercel/ncc/dist/ncc/cli.js', ['build', 'main.js', '-o', 'out']),
    'index.js',
  );
}

function tsdown(format) {
  const config = `export default {
    entry: 'main.js', format: '${format}', outDir: 'out', dts: false, platform: 'node',
    deps: { alwaysBundle: [/./], onlyBundle: false }, inputOptions: { moduleTypes: { '.node': 'copy' } },
  };`;
  const out = bundle('tsdown', 'tsdown/dist/run.mjs', ['-c', 'tsdown.config.mjs'], {
    'tsdown.config.mjs': config,
  });
  works(out, format === 'esm' ? 'main.mjs' : 'main.cjs');
}

function bunBuild(target, format) {
  const place = project('bun-build', { 'main.js': PROGRAM });
  const words = ['build', 'main.js', `--target=${target}`, `--format=${format}`, '--outdir=out'];
  run(bun, words, { cwd: place });
  const out = moved(place);
  expectSaid(run(target === 'bun' ? bun : node, [join(out, 'main.js')], { cwd: out }));
}

function bunCompile() {
  const place = project('bun-compile', { 'main.js': PROGRAM });
  run(bun, ['build', '--compile', 'main.js', '--outfile=out/main'], { cwd: place });
  const out = moved(place);
  expectSaid(run(join(out, 'main'), [], { cwd: out, env: { TMPDIR: out } }));
}

/** The package's addon beside the output, which deno bundle does not copy. */
function denoBundle() {
  const place = project('deno-bundle', { 'main.js': PROGRAM });
  run('mkdir', ['out'], { cwd: place });
  run(deno, ['bundle', '--node-modules-dir=manual', '-o', 'out/main.js', 'main.js'], {
    cwd: place,
  });
  const addon = `node_modules/@forkexec/core/prebuilds/linux-${process.arch}.node`;
  run('cp', [addon, 'out/forkexec.node'], { cwd: place });
  const out = moved(place);
  const env = { FORKEXEC_ADDON: join(out, 'forkexec.node') };
  expectSaid(run(deno, ['run', '-A', 'main.js'], { cwd: out, env }));
}

function singleExecutable() {
  const sea = {
    main: 'main.bundled.cjs',
    mainFormat: 'commonjs',
    output: 'out/main',
    disableExperimentalSEAWarning: true,
    assets: { 'forkexec.node': `node_modules/@forkexec/core/prebuilds/linux-${process.arch}.node` },
  };
  const place = project('sea', {
    'main.js': PROGRAM,
    'sea.json': JSON.stringify(sea),
    'out/.keep': '',
  });
  const words = ['main.js', '--bundle', '--platform=node', '--format=cjs', '--external:*.node'];
  run(tool('esbuild/bin/esbuild'), [...words, '--outfile=main.bundled.cjs'], { cwd: place });
  run(node, ['--build-sea', 'sea.json'], { cwd: place });
  const out = moved(place);
  expectSaid(run(join(out, 'main'), [], { cwd: out }));
}

const LOADER = '`--loader:.node=copy`';
const MODULE_TYPES = "`moduleTypes: { '.node': 'copy' }`";
const IGNORED =
  "`commonjs({ ignore: (name) => name.endsWith('.node') })`, and the folder `prebuilds` beside that of the output";
const NODE_LOADER = "`{ test: /\\.node$/, loader: 'node-loader' }`";

export const bundlers = [
  [
    'esbuild, esm',
    'esbuild',
    `${LOADER} and a banner that defines \`require\``,
    () => esbuild('esm', 'main.js', 'main.mjs', `--banner:js=${BANNER}`),
  ],
  ['esbuild, cjs', 'esbuild', LOADER, () => esbuild('cjs', 'main.js', 'main.cjs')],
  [
    'esbuild, cjs of a program that requires',
    'esbuild',
    LOADER,
    () => esbuild('cjs', 'main.cjs', 'main.cjs'),
  ],
  [
    'rollup, es',
    'rollup',
    `${IGNORED}, and a banner that defines \`require\``,
    () => rollup('es', 'main.js'),
  ],
  ['rollup, cjs', 'rollup', IGNORED, () => rollup('cjs', 'main.js')],
  ['rollup, cjs of a program that requires', 'rollup', IGNORED, () => rollup('cjs', 'main.cjs')],
  ['rolldown, es', 'rolldown', MODULE_TYPES, () => rolldown('es')],
  ['rolldown, cjs', 'rolldown', MODULE_TYPES, () => rolldown('cjs')],
  [
    'vite build --ssr',
    'vite',
    '`ssr.noExternal: true`, `build.ssrEmitAssets: true`, `build.rolldownOptions.moduleTypes`',
    vite,
  ],
  ['webpack', 'webpack', NODE_LOADER, () => webpack('webpack', 'webpack', 'main.js')],
  [
    'webpack of a program that requires',
    'webpack',
    NODE_LOADER,
    () => webpack('webpack', 'webpack', 'main.cjs'),
  ],
  ['rspack', '@rspack/core', NODE_LOADER, () => webpack('rspack', '@rspack/core', 'main.js')],
  ['ncc', '@vercel/ncc', 'nothing', ncc],
  ['tsdown, esm', 'tsdown', '`deps.alwaysBundle`, `inputOptions.moduleTypes`', () => tsdown('esm')],
  ['tsdown, cjs', 'tsdown', '`deps.alwaysBundle`, `inputOptions.moduleTypes`', () => tsdown('cjs')],
  ['bun build --target=node', 'bun', 'nothing', () => bunBuild('node', 'esm')],
  ['bun build --target=bun', 'bun', 'nothing', () => bunBuild('bun', 'esm')],
  ['bun build --compile', 'bun', 'nothing', bunCompile],
  [
    'deno bundle',
    'deno',
    'the addon beside the output, and `FORKEXEC_ADDON` at run time',
    denoBundle,
  ],
  [
    'Node single executable',
    'node-26',
    'esbuild with `--external:*.node`, and the asset `forkexec.node`',
    singleExecutable,
  ],
].map(([name, of, add, check]) => ({ name, of, add, check }));
