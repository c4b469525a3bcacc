import assert from 'node:assert/strict';
import { spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { type JobChange, jobChanges } from '#dist/process/stops.js';
import { until } from '../helpers/signals.js';
import { test } from '../helpers/test.js';

test('every watcher of a process gets each of its stops', async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '60'], { processGroup: 0 });
  const told: JobChange[][] = [[], [], []];
  const readings = told.map(async (changes) => {
    for await (const change of jobChanges(child)) changes.push(change);
  });
  const wanted: JobChange[] = [];
  const tellAll = async (change: JobChange): Promise<void> => {
    wanted.push(change);
    await until(() => told.every(({ length }) => length === wanted.length));
  };
  for (let round = 0; round < 20; round++) {
    child.signal('SIGTSTP');
    await tellAll({ kind: 'stopped', signal: 'SIGTSTP' });
    child.signal('SIGCONT');
    await tellAll({ kind: 'continued' });
  }
  child.signal('SIGKILL');
  await child.wait();
  await Promise.all(readings);
  for (const changes of told) assert.deepEqual(changes, wanted);
  for await (const _ of jobChanges(child)) assert.fail('it has ended');
});

test('resume() continues all of the group that a child leads, and a child that leads none alone', async () => {
  for (const processGroup of [0, undefined]) {
    const scope = processGroup === 0 ? 'group' : 'process';
    const script = 'sh -c "echo ready; read line; echo inner"; echo outer';
    const child = await spawn('sh', ['-c', script], {
      stdin: 'pipe',
      stdout: 'pipe',
      processGroup,
    });
    // A shell that is in vfork(2) can't stop while what it starts is stopped before execve(2).
    const lines = child.lines()[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'ready');
    let stopped = 0;
    child.on('stopped', () => {
      stopped++;
    });
    child.kill('SIGSTOP', { scope });
    await until(() => stopped === 1);
    assert.equal(child.resume(), true);
    child.stdin.end('line\n');
    for (const word of ['inner', 'outer', undefined]) {
      assert.equal((await lines.next()).value, word);
    }
    await child.exited;
    assert.equal(child.resume(), false);
  }
});
