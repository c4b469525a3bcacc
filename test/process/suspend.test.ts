// ^Z for a child in the foreground, under a shell with job control.

import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEYS, Screen } from '../helpers/screen.js';
import { withFolder } from '../helpers/state.js';
import { processState } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const index = new URL('../../../dist/index.js', import.meta.url).href;
const skip = existsSync('/bin/bash') ? false : '/bin/bash is not installed';

/** A program that runs an editor, as git does. */
function program(more = ''): string {
  return `import { spawn } from ${JSON.stringify(index)};
    const script = 'echo editor $$ runs; read line; echo it got $line; exit 3';
    const editor = await spawn('sh', ['-c', script], { foreground: 0 });
    ${more}
    console.log('program: ' + (await editor.exited));
  `;
}

async function withShell(
  source: string,
  use: (screen: Screen, line: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, source);
    using screen = new Screen();
    const words = ['--norc', '--noprofile', '--noediting', '-i'];
    const shell = await screen.spawn('/bin/bash', words, { env: { PS1: 'prompt> ' } });
    await screen.until(/prompt> $/);
    await use(screen, `'${process.execPath}' '${file}'\n`);
    screen.type('exit\n');
    await shell.exited;
  });
}

test(
  '^Z in an editor stops the program that runs it, and fg continues both',
  () =>
    withShell(program(), async (screen, line) => {
      screen.type(line);
      const editor = Number((await screen.until(/editor (\d+) runs/))[1]);
      for (const round of [1, 2]) {
        screen.type(KEYS.suspend);
        await screen.until(new RegExp(`(Stopped[^]*prompt> [^]*){${round}}$`));
        screen.type('echo the shell answers $((40 + 2))\n');
        // The echo of what is typed comes before the prompt if the shell has not asked yet.
        await screen.until(new RegExp(`(the shell answers 42[^]*prompt> [^]*){${round}}$`));
        screen.type('fg\n');
        await screen.until(new RegExp(`(answers 42[^]*fg\\n[^]*program\\.mjs[^]*){${round}}`));
        // What is typed before the editor has the terminal back is for the program, and the kernel drops
        // a ^Z that is pending when the editor is continued, as with every shell.
        while (screen.foreground !== editor || processState(editor) === 'T') await sleep(5);
      }
      screen.type('words\n');
      await screen.until(/it got words[\s\S]*program: exit status 3[\s\S]*prompt> $/);
    }),
  { skip },
);

test(
  'a listener for stops decides on ^Z itself',
  () =>
    withShell(
      program(
        "editor.on('stopped', (signal) => { console.log(signal); editor.kill('SIGKILL'); });",
      ),
      async (screen, line) => {
        screen.type(line);
        await screen.until(/editor \d+ runs/);
        screen.type(KEYS.suspend);
        await screen.until(/SIGTSTP[\s\S]*program: signal: killed[\s\S]*prompt> $/);
        assert.doesNotMatch(screen.text, /Stopped/);
      },
    ),
  { skip },
);

test('^Z continues an editor at once where no shell could continue the program', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'program.mjs');
    writeFileSync(file, program());
    using screen = new Screen();
    const leader = await screen.spawn(process.execPath, [file]);
    await screen.until(/editor \d+ runs/);
    screen.type(KEYS.suspend);
    await screen.until(/\^Z/);
    screen.type('words\n');
    await screen.until(/it got words[\s\S]*program: exit status 3/);
    assert.equal((await leader.exited).code, 0);
  }));
