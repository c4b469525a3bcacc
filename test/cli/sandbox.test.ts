import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend } from '#dist/backend.js';
import { sandboxFlags } from '#dist/cli/sandbox-flags.js';
import type { SpawnOptions } from '#dist/index.js';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { checkSandbox } from '#dist/sandbox/options.js';
import { run } from '../helpers/cli.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const lack =
  backend !== 'linux'
    ? 'sandboxes are of Linux, and not of the portable backend'
    : landlockAbi() < 6 && 'this kernel has no Landlock, or not all of it';

const SYSTEM = ['/usr', '/bin', '/lib', '/lib64'].filter(existsSync);
const flags = SYSTEM.flatMap((path) => ['--sandbox-read', path]);

function optionsOf(...words: readonly (readonly [name: string, value?: string])[]): SpawnOptions {
  let options: SpawnOptions = {};
  for (const [name, value = ''] of words) {
    const flag = sandboxFlags.find((each) => each.flags.split(' ')[0] === name);
    assert.ok(flag !== undefined, name);
    options = flag.apply(options, value);
  }
  return options;
}

test('every flag of a sandbox comes to its member', () => {
  const { sandbox } = optionsOf(
    ['--sandbox'],
    ['--sandbox-read', '/usr'],
    ['--sandbox-read', '/etc'],
    ['--sandbox-write', '/tmp'],
    ['--sandbox-network', 'connect=443,80'],
    ['--sandbox-network', 'bind=0'],
    ['--sandbox-processes', '20'],
    ['--sandbox-memory', '512M'],
    ['--sandbox-cpu', '1'],
    ['--sandbox-time', '1500'],
    ['--sandbox-keep', 'PATH,HOME'],
    ['--sandbox-strength', 'kernel'],
  );
  assert.deepEqual(sandbox, {
    read: ['/usr', '/etc'],
    write: ['/tmp'],
    network: { connect: [443, 80], bind: [0] },
    processes: 20,
    memory: '512M',
    cpu: 1,
    time: 1500,
    keep: ['PATH', 'HOME'],
    strength: 'kernel',
  });
  checkSandbox(sandbox);
  for (const [text, network] of [
    ['no', false],
    ['yes', true],
    ['loopback', 'loopback'],
  ] as const) {
    assert.equal(optionsOf(['--sandbox-network', text]).sandbox?.network, network);
  }
});

test(
  'forkexec run --sandbox runs a program that may do what the flags say',
  () =>
    withFolder((folder) => {
      const words = ['--sandbox', '--sandbox-strength', 'kernel', ...flags];
      const script = `echo in; echo x >${folder}/f`;
      const denied = run(...words, '--', '/bin/sh', '-c', script);
      assert.equal(denied.stdout, 'in\n');
      assert.match(denied.stderr, /Permission denied/);
      const allowed = run(...words, '--sandbox-write', folder, '--', '/bin/sh', '-c', script);
      assert.equal(allowed.code, 0);
      assert.equal(readFileSync(join(folder, 'f'), 'utf8'), 'x\n');
    }),
  { skip: lack },
);

test(
  'forkexec run --sandbox-file reads the policy, and refuses what cannot be one',
  () =>
    withFolder((folder) => {
      const file = join(folder, 'policy.json');
      const script = `cat ${file}`;
      writeFileSync(file, JSON.stringify({ $schema: 'x', read: SYSTEM, strength: 'kernel' }));
      const denied = run('--sandbox-file', file, '--', '/bin/sh', '-c', script);
      assert.match(denied.stderr, /Permission denied/);
      writeFileSync(file, JSON.stringify({ read: [...SYSTEM, folder], strength: 'kernel' }));
      assert.match(run('--sandbox-file', file, '--', '/bin/sh', '-c', script).stdout, /"kernel"/);
      writeFileSync(file, '{ "reads": [] }');
      const unknown = run('--sandbox-file', file, '--', '/bin/true');
      assert.equal(unknown.code, 125);
      assert.match(unknown.stderr, /Unknown option 'sandbox\.reads'/);
      writeFileSync(file, '{');
      assert.match(run('--sandbox-file', file, '--', '/bin/true').stderr, /cannot be read/);
    }),
  { skip: lack },
);

test('the schema of policies has every member, and no other', () => {
  const schema = JSON.parse(readFileSync('docs/sandbox.schema.json', 'utf8'));
  const { $schema, ...members } = schema.properties as Record<string, unknown>;
  assert.ok($schema);
  let message = '';
  try {
    checkSandbox({ unknown: 1 });
  } catch (error) {
    ({ message } = error as Error);
  }
  assert.equal(message.split('sandbox takes ')[1], `${Object.keys(members).join(', ')}.`);
});
