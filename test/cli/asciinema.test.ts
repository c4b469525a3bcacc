// Recordings beside asciinema 3, which is installed with `cargo install --locked asciinema`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCast } from '#dist/cli/asciicast.js';
import { cli, run } from '../helpers/cli.js';
import { Desk } from '../helpers/desk.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Why asciinema cannot be compared with, or false. */
function lack(): string | false {
  try {
    const version = execFileSync('asciinema', ['--version'], { encoding: 'utf8' }).trim();
    return / 3\./.test(version) ? false : `${version} is installed, not asciinema 3`;
  } catch {
    return 'asciinema 3 is not installed';
  }
}
const skip = lack();

/** A place of its own for what asciinema stores. */
const environment = (folder: string): Record<string, string> => ({
  HOME: folder,
  ASCIINEMA_CONFIG_HOME: folder,
  XDG_CONFIG_HOME: folder,
  XDG_STATE_HOME: folder,
});

/** A program that prints characters of several bytes, colours, and moves the cursor. */
const PROGRAM = `printf 'one \\033[31mröd\\033[0m ≤😀\\n'; printf 'wrong\\rright\\n'; exit 3`;

function record(file: string): void {
  const { code } = run('--terminal', '--record', file, '--', 'sh', '-c', PROGRAM);
  assert.equal(code, 3);
}

test(
  'asciinema plays a recording of forkexec, and the screen is as it was',
  () =>
    withFolder(async (folder) => {
      const file = join(folder, 'cast');
      record(file);
      await using desk = new Desk({ name: 'xterm-256color' });
      const env = environment(folder);
      const child = await desk.spawn('asciinema', ['play', '--quiet', file], { env });
      assert.equal((await child.exited).code, 0);
      assert.match(await desk.screen(), /^one röd ≤😀\nright$/);
    }),
  { skip },
);

test(
  'asciinema converts a recording of forkexec to the text that was printed, and to asciicast v2',
  () =>
    withFolder((folder) => {
      const file = join(folder, 'cast');
      record(file);
      const env = { ...process.env, ...environment(folder) };
      const convert = (format: string): string => {
        const result = join(folder, format);
        const words = ['convert', '--quiet', '--output-format', format, file, result];
        execFileSync('asciinema', words, { env, stdio: 'pipe' });
        return readFileSync(result, 'utf8');
      };
      assert.match(convert('txt'), /^one röd ≤😀\nright\n*$/);
      const [header = '', ...lines] = convert('asciicast-v2').trimEnd().split('\n');
      const { version, width, height } = JSON.parse(header);
      assert.deepEqual([version, width, height], [2, 80, 24]);
      const events = lines.map((line) => JSON.parse(line) as [number, string, string]);
      const output = events.filter(([, code]) => code === 'o').map(([, , text]) => text);
      assert.match(output.join(''), /röd/);
      assert.deepEqual(events.at(-1)?.slice(1), ['x', '3']);
    }),
  { skip },
);

test(
  'forkexec plays a recording of asciinema',
  () =>
    withFolder(async (folder) => {
      const file = join(folder, 'cast');
      await using desk = new Desk({ name: 'xterm-256color' });
      const words = ['record', '--quiet', '--command', `sh -c "${PROGRAM.replaceAll('"', '\\"')}"`];
      const env = environment(folder);
      const child = await desk.spawn('asciinema', [...words, file], { env });
      await child.exited;
      const { header, events } = parseCast(readFileSync(file, 'utf8'));
      assert.deepEqual([header.version, header.term.cols, header.term.rows], [3, 80, 24]);
      assert.deepEqual(events.at(-1)?.slice(1), ['x', '3']);
      const played = cli(['play', '--speed', '1000', file]);
      assert.equal(played.code, 0);
      assert.match(played.stdout, /one \S*röd\S* ≤😀\r\nwrong\rright\r\n/);
    }),
  { skip },
);
