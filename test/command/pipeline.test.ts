import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { command, LaunchError, type PipelineResult } from '#dist/index.js';
import { exitError } from '../helpers/outcome.js';
import { withFolder } from '../helpers/state.js';
import { openDescriptors, test } from '../helpers/test.js';

const sh = (script: string) => command('sh', ['-c', script]);
const cat = command('cat');

/** How each stage ended, as a shell's PIPESTATUS. */
function codes({ stages }: PipelineResult): (number | string | null)[] {
  return stages.map(({ status }) => status.code ?? status.signal);
}

test('each stage of a pipeline reads the output of the one before', async () => {
  const two = sh('printf "b\\na\\nb\\n"').pipe(command('sort'));
  assert.equal((await two.run()).stdout, 'a\nb\nb');
  const three = two.pipe(command('uniq', ['-c']));
  assert.equal((await three.run()).stdout.replaceAll(' ', ''), '1a\n2b');
  let many = cat.pipe(cat);
  for (let stages = 2; stages < 20; stages++) many = many.pipe(cat);
  const result = await many.run({ input: 'through twenty' });
  assert.equal(result.stdout, 'through twenty');
  assert.equal(result.stages.length, 20);
});

test('a pipeline is immutable and can be run again', async () => {
  const base = command('echo', ['x']).pipe(cat);
  const longer = base.pipe(command('tr', ['x', 'y']));
  const results = await Promise.all([base.run(), longer.run(), base.run(), longer.run()]);
  assert.deepEqual(
    results.map(({ stdout }) => stdout),
    ['x', 'y', 'x', 'y'],
  );
  assert.equal(base.commands.length, 2);
  assert.throws(() => (base.commands as unknown[]).push(cat), TypeError);
});

test('every stage of a pipeline has its status, its stderr and its command', async () => {
  const pipeline = sh('echo one >&2; exit 3').pipe(sh('cat; echo two >&2')).pipe(sh('exit 5'));
  const result = await pipeline.run({ reject: false });
  assert.deepEqual(codes(result), [3, 0, 5]);
  assert.deepEqual(
    result.stages.map(({ stderr }) => stderr),
    ['one', 'two', ''],
  );
  assert.deepEqual(
    result.stages.map(({ command }) => command),
    pipeline.commands.map(String),
  );
  assert.equal(result.status.code, 5);
  assert.equal(result.command, String(pipeline));
  assert.equal((await sh(result.command).run({ reject: false })).status.code, 5, 'sh agrees');
});

test('the error of a pipeline is that of the stage that failed first, and has all stages', async () => {
  const table: [codes: number[], blamed: number | undefined][] = [
    [[0, 0, 0], undefined],
    [[3, 0, 0], 3],
    [[0, 4, 0], 4],
    [[3, 4, 0], 3],
    [[3, 4, 5], 3],
  ];
  for (const [each, blamed] of table) {
    const [first, second, third] = each.map((code) => sh(`cat; echo e${code} >&2; exit ${code}`));
    assert.ok(first && second && third);
    const pipeline = first.pipe(second).pipe(third);
    if (blamed === undefined) {
      assert.deepEqual(codes(await pipeline.run()), each);
      continue;
    }
    const error = await exitError(pipeline.run());
    assert.equal(error.status.code, blamed);
    assert.equal(error.stderr, `e${blamed}`);
    assert.ok(error.command.includes(`exit ${blamed}`), error.command);
    assert.deepEqual(
      error.stages?.map(({ status }) => status.code),
      each,
    );
    assert.equal(error.stages?.[2]?.stderr, `e${each[2]}`);
  }
});

test('a stage that failed for want of a reader is not blamed, and its stderr is in stages', async () => {
  // It gets EPIPE instead of the signal, says so and fails after the one that caused it. The kernel closes
  // the pipe of an ending process before it tells its end, so a writer that fails at once can be told first.
  const writer = sh(
    "trap '' PIPE; while echo x; do :; done; sleep 0.3; echo no reader >&2; exit 5",
  );
  const reader = sh('read x; echo cause >&2; exit 6');
  const error = await exitError(writer.pipe(reader).run());
  assert.deepEqual([error.status.code, error.stderr], [6, 'cause']);
  assert.match(String(error.stages?.[0]?.stderr), /no reader/);
});

test('reject and exitCodes of a stage are for that stage', async () => {
  const tolerant = sh('cat; exit 3');
  const { stages } = await tolerant.with({ reject: false }).pipe(cat).run({ input: 'x' });
  assert.deepEqual(
    stages.map(({ status }) => status.code),
    [3, 0],
  );
  const grep = command('grep', ['x'], { exitCodes: [0, 1] });
  assert.equal((await command('echo', ['y']).pipe(grep).run()).stdout, '');
  assert.equal((await exitError(tolerant.pipe(grep).run())).status.code, 3);
  const noFile = command('grep', ['x', '/no/such'], { exitCodes: [0, 1] });
  assert.equal((await exitError(noFile.pipe(cat).run())).status.code, 2);
  assert.equal(
    (
      await command('false')
        .with({ exitCodes: [1] })
        .run()
    ).status.code,
    1,
  );
  await exitError(
    command('true')
      .with({ exitCodes: [1] })
      .run(),
  );
});

test('a stage that SIGPIPE killed because the next stage ended has not failed', async () => {
  const result = await command('yes')
    .pipe(command('head', ['-n', '2']))
    .run();
  assert.equal(result.stdout, 'y\ny');
  assert.deepEqual(codes(result), ['SIGPIPE', 0]);
  const error = await exitError(command('yes').pipe(sh('head -n 1; exit 9')).run());
  assert.equal(error.status.code, 9);
});

test('SIGPIPE in the last stage and other signals in early stages are failures', async () => {
  const last = await exitError(cat.pipe(sh('kill -s PIPE $$')).run());
  assert.equal(last.status.signal, 'SIGPIPE');
  const early = await exitError(sh('kill -s TERM $$').pipe(cat).run());
  assert.equal(early.status.signal, 'SIGTERM');
});

test('100 MB pass through three stages without passing through this process', async () => {
  const size = 100_000_000;
  const counted = sh('wc -c >&2');
  const before = process.cpuUsage();
  const result = await command('head', ['-c', `${size}`, '/dev/zero'])
    .pipe(cat)
    .pipe(counted)
    .run();
  const { user, system } = process.cpuUsage(before);
  assert.equal(result.stages.at(-1)?.stderr, `${size}`);
  // Reading and writing 100 MB here would take more than this.
  assert.ok(user + system < 100_000, `${user + system} µs of this process`);
});

test('20 MB from a source pass through three stages and back unchanged', async () => {
  const chunk = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  const source = Readable.from(Array.from({ length: 200 }, () => chunk));
  const { stdout } = await cat.pipe(cat).pipe(cat).run({ input: source, encoding: 'buffer' });
  const expected = createHash('sha256');
  for (let count = 0; count < 200; count++) expected.update(chunk);
  const got = createHash('sha256').update(stdout as unknown as Uint8Array);
  assert.equal(got.digest('hex'), expected.digest('hex'));
});

test('options of a pipeline are added to those of each stage', async () => {
  const show = 'echo "$A $B $(pwd)"';
  const first = sh(show).with({ env: { A: 'a' }, cwd: '/' });
  const second = sh(`cat; ${show}`).with({ env: { B: 'b' }, cwd: '/usr' });
  const { stdout } = await first.pipe(second).run({ env: { A: 'x', B: '' } });
  assert.equal(stdout, 'x  /\nx  /usr');
});

test('output of the last stage and stderr of a stage can go to a file', async () => {
  const sink = new PassThrough();
  const errors = new PassThrough();
  const noisy = sh('echo noise >&2; echo out').with({ stderr: errors });
  const { stdout, stages } = await noisy.pipe(cat).run({ stdout: sink });
  assert.equal(stdout, '');
  assert.equal(stages[0]?.stderr, '');
  assert.equal(String(sink.read()), 'out\n');
  assert.equal(String(errors.read()), 'noise\n');
});

test('a stage that cannot be started stops the others', async () => {
  const pipelines = [
    cat.pipe(command('/no/such')),
    command('/no/such').pipe(cat),
    command('sleep', ['1000'])
      .pipe(command('/no/such'))
      .pipe(command('sleep', ['1000'])),
    sh('trap "" PIPE; exec sleep 1000').pipe(cat.with({ cwd: '/no/such/folder' })),
  ];
  for (const pipeline of pipelines) {
    const before = openDescriptors();
    await assert.rejects(pipeline.run(), (error) => error instanceof LaunchError);
    await assert.rejects(pipeline.spawn(), (error) => error instanceof LaunchError);
    assert.deepEqual(openDescriptors(), before);
  }
});

test('an invalid option of a stage starts nothing', () =>
  withFolder(async (folder) => {
    const touch = command('touch', ['touched'], { cwd: folder });
    const bad = cat.with({ umask: 0o7777 });
    await assert.rejects(touch.pipe(bad).run(), { code: 'ERR_INVALID_ARG_VALUE' });
    await assert.rejects(touch.pipe(bad).spawn(), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.equal(existsSync(join(folder, 'touched')), false);
  }));

test('input of a pipeline goes to the first stage', async () => {
  const result = await sh('cat; echo first').pipe(sh('cat; echo second')).run({ input: 'in\n' });
  assert.equal(result.stdout, 'in\nfirst\nsecond');
});

test('timeout and abort stop all stages of a pipeline', async () => {
  const wait = command('sleep', ['1000']);
  const timed = await exitError(wait.pipe(wait).pipe(wait).run({ timeout: 30 }));
  assert.equal(timed.status.reason, 'timeout');
  assert.equal(timed.status.signal, 'SIGTERM');
  const reason = new Error('not needed any more');
  const controller = new AbortController();
  const running = exitError(wait.pipe(wait).run({ signal: controller.signal }));
  setTimeout(() => controller.abort(reason), 30);
  const aborted = await running;
  assert.equal(aborted.status.reason, 'aborted');
  assert.equal(aborted.cause, reason);
  const done = AbortSignal.abort(reason);
  await assert.rejects(wait.pipe(wait).run({ signal: done }), reason);
});

test('a spawned pipeline has streams at both ends', async () => {
  const children = await cat
    .with({ stdin: 'pipe' })
    .pipe(command('tr', ['a-z', 'A-Z'], { stdout: 'pipe' }))
    .spawn();
  const [first, last] = children;
  assert.ok(first && last);
  assert.equal(children.length, 2);
  assert.equal(first.stdout, null);
  assert.equal(last.stdin, null);
  (first.stdin as unknown as PassThrough).end('loud');
  const output = last.stdout as unknown as Readable;
  assert.equal(String((await output.toArray())[0]), 'LOUD');
  for (const { closed } of children) assert.equal((await closed).ok, true);
});

test('a pipeline can return lines and bytes', async () => {
  const pipeline = command('printf', ['b\\na\\n']).pipe(command('sort'));
  assert.deepEqual((await pipeline.run({ lines: true })).stdout, ['a', 'b']);
  const bytes = await pipeline.run({ encoding: 'buffer' });
  assert.deepEqual([...(bytes.stdout as unknown as Uint8Array)], [...Buffer.from('a\nb\n')]);
});
