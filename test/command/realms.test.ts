// Objects of other classes than this realm's, as jsdom and node:vm contexts have them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { command, run, runSync, spawn } from '#dist/index.js';
import { exitError } from '../helpers/outcome.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** A polyfill in a realm of its own: its signals have no `reason` and no `throwIfAborted`. */
function foreignController(): AbortController {
  const path = createRequire(import.meta.url).resolve(
    'abort-controller/dist/abort-controller.umd.js',
  );
  const context = createContext({ console });
  runInContext(readFileSync(path, 'utf8'), context);
  return runInContext('new AbortControllerShim.AbortController()', context);
}

test('run is stopped by an AbortSignal of another realm', async () => {
  const controller = foreignController();
  assert.ok(!(controller.signal instanceof AbortSignal));
  const error = exitError(run('sleep', ['1000'], { signal: controller.signal }));
  setTimeout(() => controller.abort(), 20);
  assert.equal((await error).status.reason, 'aborted');
});

test('spawn and pipelines are stopped by an AbortSignal of another realm', async () => {
  const controller = foreignController();
  const { signal } = controller;
  const child = await spawn('sleep', ['1000'], { signal });
  const pipeline = command('sleep', ['1000'])
    .pipe(command('sleep', ['1000']))
    .run({ signal });
  const error = exitError(pipeline);
  setTimeout(() => controller.abort(), 20);
  assert.equal((await child.closed).reason, 'aborted');
  assert.equal((await error).status.reason, 'aborted');
});

test('nothing is started with an AbortSignal of another realm that is aborted already', async () => {
  const controller = foreignController();
  controller.abort();
  const { signal } = controller;
  const aborted = { name: 'AbortError' };
  await assert.rejects(run('/no/such/program', [], { signal }), aborted);
  await assert.rejects(spawn('/no/such/program', [], { signal }), aborted);
  assert.throws(() => runSync('/no/such/program', [], { signal }), aborted);
});

test('an AbortSignal of another realm has no listener of the library left after the end', async () => {
  const { signal } = foreignController();
  const listeners = new Set<unknown>();
  const { addEventListener: add, removeEventListener: remove } = signal;
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => {
      listeners.add(args[1]);
      add.apply(signal, args);
    },
    removeEventListener: (...args: Parameters<typeof remove>) => {
      listeners.delete(args[1]);
      remove.apply(signal, args);
    },
  });
  const child = await spawn('cat', [], { signal, stdin: 'pipe' });
  assert.equal(listeners.size, 1);
  child.stdin.end();
  await child.closed;
  assert.equal(listeners.size, 0);
});

test('values that are not an AbortSignal are refused as the option signal', async () => {
  const values = [null, 'abort', {}, { aborted: false }, new EventTarget(), new AbortController()];
  for (const value of values) {
    const options = { signal: value as unknown as AbortSignal };
    const refused = { code: 'ERR_INVALID_ARG_VALUE', message: /'?signal'? must be an AbortSignal/ };
    await assert.rejects(run('/no/such/program', [], options), refused);
    assert.throws(() => runSync('/no/such/program', [], options), refused);
  }
});

test('a file: URL of another class is taken as cwd and as a file', async () =>
  withFolder(async (folder) => {
    const { href } = pathToFileURL(folder);
    const foreign = (path: string) => ({ href: path, protocol: 'file:' }) as unknown as URL;
    const stdout = { file: foreign(`${href}/out`) };
    await run('pwd', [], { cwd: foreign(href), stdout });
    assert.equal(readFileSync(join(folder, 'out'), 'utf8'), `${folder}\n`);
    const http = { href: 'http://localhost/', protocol: 'http:' } as unknown as URL;
    const refused = {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^cwd must be a path or a file: URL/,
    };
    await assert.rejects(run('pwd', [], { cwd: http }), refused);
  }));
