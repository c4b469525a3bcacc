import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentShell } from './agent-shell.mjs';

/** Calls `use` with a shell that is closed afterwards. */
async function withShell(use, options) {
  const shell = await AgentShell.start(options);
  try {
    await use(shell);
  } finally {
    await shell.close();
  }
}

test('a command ends with its exit code and its own output', () =>
  withShell(async (shell) => {
    const { exitCode, output } = await shell.run('echo one; (exit 3)');
    assert.deepEqual([exitCode, output], [3, 'one\r\n']);
    const many = await shell.run('seq 20000');
    assert.equal(many.output, Array.from({ length: 20_000 }, (_, n) => `${n + 1}\r\n`).join(''));
    assert.equal((await shell.run('true')).output, '');
  }));

test('directory, variables and several lines are those of one shell', () =>
  withShell(async (shell) => {
    await shell.run('cd /usr\nx="a b"');
    const { output } = await shell.run('for i in 1 2; do\n  echo "$x $i $PWD"\ndone');
    assert.equal(output, 'a b 1 /usr\r\na b 2 /usr\r\n');
  }));

test('a prompt is seen on the screen and answered', () =>
  withShell(async (shell) => {
    const asked = await shell.run('read -p "Sure? " answer; echo "said $answer"', { timeout: 500 });
    assert.equal(asked.isRunning, true);
    assert.match(asked.screen, /Sure\?$/);
    const { exitCode, screen } = await shell.answer('yes\n');
    assert.equal(exitCode, 0);
    assert.match(screen, /^said yes$/m);
  }));

test('a program that draws is read as a screen', () =>
  withShell(
    async (shell) => {
      const paging = await shell.run('seq 100 | less', { timeout: 500 });
      assert.match(paging.screen, /^1\n2\n3\n/);
      const next = await shell.answer(' ', { timeout: 500 });
      assert.match(next.screen, /^10\n11\n/);
      assert.equal((await shell.answer('q')).exitCode, 0);
    },
    { rows: 10 },
  ));

test('a command that runs too long is interrupted, and the shell is there for the next one', () =>
  withShell(async (shell) => {
    assert.equal((await shell.run('sleep 100', { timeout: 200 })).isRunning, true);
    assert.throws(() => shell.run('true'), /still running/);
    assert.equal((await shell.interrupt()).exitCode, 130);
    assert.equal((await shell.run('echo next')).output, 'next\r\n');
  }));

test('close ends the jobs of the shell', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-shell-'));
  try {
    const shell = await AgentShell.start({ cwd: folder });
    const { output } = await shell.run('sleep 1000 & echo job=$!');
    const job = Number(/job=(\d+)/.exec(output)?.[1]);
    await shell.close();
    for (let tries = 0; existsSync(`/proc/${job}`); tries++) {
      assert.ok(tries < 200, 'the job is still there');
      await sleep(25);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
