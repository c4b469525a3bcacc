// Programs that people run in sandboxes, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lookPath, type RunOptions, run, spawn } from '#dist/index.js';
import {
  here,
  inSandbox,
  lackInSystem,
  lackOfProgram,
  once,
  PROGRAMS,
  RUNTIME,
  test,
} from '../helpers/sandbox.js';

const SET_RAW =
  'process.stdin.isTTY && process.stdin.setRawMode(true); console.log(process.stdin.isTTY)';

test('a program sets its terminal to raw mode (case 12)', async (strength, d) => {
  const read = [...PROGRAMS, ...RUNTIME];
  const sandbox = { read, write: [d], strength };
  const { stdout } = await run(process.execPath, ['-e', SET_RAW], {
    terminal: {},
    sandbox,
    cwd: d,
  });
  assert.match(stdout, /true/);
});

once(
  'a program opens terminals itself where they are listed (case 13)',
  async (d) => {
    const sandbox = { read: PROGRAMS, strength: 'kernel' as const };
    const write = [d, '/dev/ptmx', '/dev/pts', '/dev/null'];
    const script = 'script -qc tty /dev/null';
    assert.match(await inSandbox(script, { ...sandbox, write }), /\/dev\/pts\/\d+/);
    assert.match(
      await inSandbox(script, { ...sandbox, write: [d, '/dev/null'] }),
      /Permission denied/,
    );
  },
  lackOfProgram('script'),
);

test(
  'a long here-document takes a folder for temporary files (case 14)',
  async (strength, d) => {
    const sandbox = { read: PROGRAMS, write: [d], strength };
    const script = (size: number) => `cat <<EOF | wc -c\n${'x'.repeat(size)}\nEOF`;
    const bash = async (text: string, env: RunOptions['env'] = {}): Promise<string> => {
      const options = { sandbox, env: { LC_ALL: 'C', TMPDIR: undefined, ...env }, reject: false };
      const { stdout, stderr } = await run('bash', ['-c', text], options);
      return stdout + stderr;
    };
    assert.equal((await bash(script(2))).trim(), '3');
    assert.match(await bash(script(100_000)), /cannot create temp file for here.document/);
    assert.equal((await bash(script(100_000), { TMPDIR: d })).trim(), '100001');
  },
  lackOfProgram('bash'),
);

test(
  'the compiler works where TMPDIR can be written, and the report says where not (case 15)',
  async (strength, d) => {
    writeFileSync(join(d, 'h.c'), '#include <stdio.h>\nint main(void) { puts("hello"); }\n');
    const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
    const script = `cd ${d} && gcc -o h h.c && ./h`;
    const without = await inSandbox(script, sandbox, { env: { TMPDIR: undefined } });
    // Where /tmp is not there it takes the working directory.
    assert.match(without, strength === 'kernel' ? /temporary file/ : /temporary file|^hello$/);
    assert.equal(await inSandbox(script, sandbox, { env: { TMPDIR: d } }), 'hello');
    const child = await spawn('/bin/true', { sandbox, env: { TMPDIR: '/usr' } });
    await child.exited;
    const remark = child.sandbox?.layers.find(({ restricts }) => restricts === 'temporary files');
    assert.match(remark?.reason ?? '', /\/usr cannot be written inside: set TMPDIR/);
  },
  lackOfProgram('gcc'),
);

test(
  'node runs where /etc/ssl is listed, and the report names it where not (case 17)',
  async (strength) => {
    const read = ['/usr', ...PROGRAMS.filter((path) => !path.startsWith('/etc')), ...RUNTIME];
    const child = await spawn(process.execPath, ['-e', '0'], {
      sandbox: { read, write: ['/dev/null'], strength },
      stderr: 'null',
    });
    const { code } = await child.exited;
    const remark = child.sandbox?.layers.find(
      ({ restricts }) => restricts === 'settings of OpenSSL',
    );
    if (strength === 'kernel') assert.ok(code === 0 || /\/etc\/ssl/.test(remark?.reason ?? ''));
    else assert.equal(code, 0);
    const all = { read: [...read, '/etc/ssl'], write: ['/dev/null'], strength };
    await run(process.execPath, ['-e', '0'], { sandbox: all });
  },
  existsSync('/etc/ssl') ? false : 'there is no /etc/ssl',
);

test(
  'git clones where its home is listed (case 18)',
  async (strength, d) => {
    const home = mkdtempSync(join(here, 'forkexec-home-'));
    try {
      const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
      const clone = (target: string, HOME: string): Promise<string> =>
        inSandbox(`git clone -q src ${target} && echo cloned`, sandbox, { cwd: d, env: { HOME } });
      const git = { cwd: d, env: { HOME: home } };
      await run('git', ['init', '-q', 'src'], git);
      assert.match(await clone('one', home), /cloned/);
      writeFileSync(join(home, '.gitconfig'), '[user]\nname = x\n');
      const denied = await clone('two', home);
      if (strength === 'kernel') assert.match(denied, /configuration files|Permission denied/);
      assert.match(await clone('three', d), /cloned/);
    } finally {
      rmSync(home, { recursive: true });
    }
  },
  lackOfProgram('git'),
);

test(
  'npm runs a script without its cache (case 19)',
  async (strength, d) => {
    writeFileSync(join(d, 'package.json'), '{ "name": "x", "scripts": { "hi": "node -p 40+2" } }');
    const node = realpathSync(process.execPath);
    const read = [...PROGRAMS, node, realpathSync(lookPath('npm'))];
    const sandbox = { read, write: [d, '/dev/null'], strength };
    const options = { cwd: d, env: { HOME: d, npm_config_update_notifier: 'false' }, sandbox };
    assert.equal((await run('npm', ['run', '--silent', 'hi'], options)).stdout, '42');
  },
  lackOfProgram('npm') ||
    (!realpathSync(process.execPath).startsWith('/usr') && 'node is not below /usr'),
);

test('everyday tools work (case 20)', async (strength, d) => {
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
  const options = { cwd: d, env: { TMPDIR: d, HOME: d } };
  const tar = `echo x >f; ln -s f l; chmod 600 f; tar cf t.tar f l; mkdir o; tar xf t.tar -C o; stat -c %a o/f; readlink o/l`;
  assert.equal(await inSandbox(tar, sandbox, options), '600\nf');
  if (!lackOfProgram('make')) {
    writeFileSync(join(d, 'Makefile'), 'all: a b\na b:\n\t@echo $@\n');
    const made = await inSandbox('make -s -j2', sandbox, options);
    assert.deepEqual(made.split('\n').sort(), ['a', 'b']);
  }
  if (!lackOfProgram('bash')) {
    const bash = { sandbox, ...options, reject: false };
    const jobs = 'set -m; sleep 0.1 & fg >/dev/null; echo done';
    assert.equal((await run('bash', ['-c', jobs], bash)).stdout, 'done');
    // The shell names the pipe /dev/fd/63, which is a link to /proc.
    const withPipes = { ...sandbox, read: [...PROGRAMS, '/proc', '/dev/fd'] };
    const substituted = { ...bash, sandbox: withPipes };
    assert.equal((await run('bash', ['-c', 'cat <(echo hi)'], substituted)).stdout, 'hi');
  }
});

const TOOLS: readonly (readonly [program: string, script: string, output: RegExp])[] = [
  ['ssh-keygen', "ssh-keygen -q -t ed25519 -N '' -f key && head -c 11 key.pub", /^ssh-ed25519$/],
  ['less', 'echo text | less -F', /^text$/],
  ['java', 'java -Xmx64m -version 2>&1 | head -n 1', /version/],
];

for (const [program, script, output] of TOOLS) {
  test(
    `${program} works (case 20)`,
    async (strength, d) => {
      const sandbox = { read: [...PROGRAMS, '/proc'], write: [d, '/dev/null'], strength };
      const options = { cwd: d, env: { TMPDIR: d, HOME: d } };
      assert.match(await inSandbox(script, sandbox, options), output);
    },
    lackInSystem(program),
  );
}

test(
  'multiprocessing of Python takes /dev/shm (case 16)',
  async (strength, d) => {
    const script = 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1]))';
    const results = async (write: readonly string[]): Promise<[number | null, string]> => {
      const sandbox = { read: PROGRAMS, write: [d, '/dev/null', ...write], strength };
      const options = { sandbox, cwd: d, env: { TMPDIR: d }, reject: false };
      const { status, stdout, stderr } = await run('python3', ['-c', script], options);
      return [status.code, stdout + stderr];
    };
    assert.match((await results([]))[1], /PermissionError|FileNotFoundError|No such file/);
    assert.deepEqual(await results(['/dev/shm']), [0, '[1]']);
  },
  lackOfProgram('python3') || (!existsSync('/dev/shm') && 'there is no /dev/shm'),
);
