// The example in a headless Chromium: CHROMIUM=/usr/bin/chromium npm test
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import WebSocket from 'ws';
import { serve } from './server.mjs';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`;
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser;
before(async () => {
  if (!skip) browser = await chromium.launch({ executablePath, args });
});
after(() => browser?.close());

const bash = { file: 'bash', args: ['--norc', '-i'] };

/** The lines of the screen, as a person sees them. */
const screen = (page) =>
  page.evaluate(() => {
    const { active } = window.terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, n) => active.getLine(n));
    return lines
      .map((line) => line.translateToString(true))
      .join('\n')
      .trimEnd();
  });

async function until(page, pattern) {
  for (let tries = 0; tries < 400; tries++) {
    const text = await screen(page);
    const match = pattern.exec(text);
    if (match !== null) return match;
    await sleep(25);
  }
  return assert.fail(`${pattern} never came: ${await screen(page)}`);
}

async function type(page, line) {
  await page.keyboard.type(`${line}\n`);
}

async function withServer(use) {
  const served = await serve(bash);
  const context = await browser.newContext({ viewport: { width: 800, height: 600 } });
  try {
    await use(served, context);
  } finally {
    await context.close();
    await served.close();
  }
}

async function visit(context, url) {
  const page = await context.newPage();
  await page.goto(url);
  await until(page, /[#$] ?$/);
  return page;
}

test('type, see, resize, reload', { skip }, () =>
  withServer(async ({ url }, context) => {
    const page = await visit(context, url);
    await type(page, 'echo $((40 + 2))');
    await until(page, /^42$/m);
    await type(page, 'echo wide=$(stty size)');
    const [, rows, columns] = await until(page, /^wide=(\d+) (\d+)$/m);
    await page.setViewportSize({ width: 500, height: 400 });
    await page.waitForFunction((before) => window.terminal.rows < before, Number(rows));
    await sleep(100); // it is told over the socket
    await type(page, 'clear; echo narrow=$(stty size)');
    const [, fewer, narrower] = await until(page, /^narrow=(\d+) (\d+)$/m);
    assert.ok(Number(fewer) < Number(rows) && Number(narrower) < Number(columns));
    await type(page, 'x=kept; echo pid=$$');
    const [, pid] = await until(page, /pid=(\d+)/);
    await page.reload();
    await until(page, new RegExp(`pid=${pid}`)); // what was on the screen
    await type(page, 'echo still=$x,$$');
    await until(page, new RegExp(`still=kept,${pid}`));
  }),
);

test('two tabs have one shell, at the size of the smaller', { skip }, () =>
  withServer(async ({ url }, context) => {
    const one = await visit(context, url);
    const two = await visit(context, new URL('/', url).href);
    const before = await two.evaluate(() => window.terminal.rows);
    await two.setViewportSize({ width: 400, height: 300 });
    await two.waitForFunction((rows) => window.terminal.rows < rows, before);
    await one.bringToFront();
    await type(one, 'echo both');
    await until(two, /^both$/m);
    await type(one, 'clear; echo rows=$(stty size)');
    const [, rows] = await until(one, /^rows=(\d+) \d+$/m);
    assert.equal(Number(rows), await two.evaluate(() => window.terminal.rows));
  }),
);

test('the shell and its children are gone after the last tab', { skip }, () =>
  withServer(async ({ url, shell }, context) => {
    const page = await visit(context, url);
    await type(page, 'sleep 1000 & echo job=$!');
    const [, job] = await until(page, /job=(\d+)/);
    const { exited } = await shell();
    await page.close();
    await exited;
    for (let tries = 0; existsSync(`/proc/${job}`); tries++) {
      assert.ok(tries < 200, 'the job is still there');
      await sleep(25);
    }
  }),
);

test(
  'without the session, with the token a second time, or from another origin there is nothing',
  {
    skip,
  },
  () =>
    withServer(async ({ url }, context) => {
      const page = await visit(context, url);
      assert.equal((await fetch(url)).status, 403, 'the token was used');
      assert.equal((await fetch(new URL('/', url))).status, 403);
      const [{ value }] = await page.context().cookies();
      const refusedFor = (options) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url.replace('http', 'ws'), options);
          socket.once('error', () => resolve(true)).once('open', () => resolve(false));
        });
      const cookie = `session=${value}`;
      const { origin } = new URL(url);
      assert.equal(await refusedFor({ headers: { cookie }, origin: 'http://127.0.0.1:1' }), true);
      assert.equal(await refusedFor({ headers: { cookie } }), true);
      assert.equal(await refusedFor({ origin }), true);
    }),
);
