// What the message of a launch that failed says beyond the errno.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, LaunchError, type LaunchOptions, lookPath, run, runSync } from '#dist/index.js';
import { needsOption } from '../helpers/backend.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { lackOf } from '../helpers/namespaces.js';
import { withPty } from '../helpers/pty.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

async function errorOf(file: string, options: LaunchOptions = {}): Promise<LaunchError> {
  const error = await run(file, [], { stdin: 'null', ...options }).catch((reason) => reason);
  assert.ok(error instanceof LaunchError, String(error));
  return error;
}

async function messageOf(file: string, options: LaunchOptions = {}): Promise<string> {
  return (await errorOf(file, options)).message;
}

function withFiles(
  use: (folder: string, add: (name: string, content: string | Buffer) => string) => Promise<void>,
): Promise<void> {
  return withFolder((folder) => {
    chmodSync(folder, 0o755);
    const add = (name: string, content: string | Buffer): string => {
      const path = join(folder, name);
      writeFileSync(path, content, { mode: 0o755 });
      chmodSync(path, 0o755);
      return path;
    };
    return use(folder, add);
  });
}

/** The helper with another loader, or made for another machine. */
function patched(change: (elf: Buffer) => void): Buffer {
  const elf = readFileSync(helper('state'));
  change(elf);
  return elf;
}

const LOADER = /\/lib(64)?\/ld-[\w.-]+/;
const hasLoader = LOADER.test(readFileSync(helper('state'), 'latin1'));
const noLoader = patched((elf) => {
  const at = elf.toString('latin1').search(LOADER);
  if (at >= 0) elf.write('/no/', at, 'latin1');
});

test('ENOENT names the loader of a binary, and the interpreter that a chain of scripts lacks', () =>
  withFiles(async (_, add) => {
    const binary = add('binary', noLoader);
    if (hasLoader) {
      assert.match(
        await messageOf(binary),
        /ENOENT: the program's loader "\/no\/.*" was not found$/,
      );
    }
    const second = add('second', `#!/no/such\n`);
    const first = add('first', `#! ${second} -x\n`);
    assert.equal(
      await messageOf(first),
      `execve("${first}"): ENOENT: the interpreter "/no/such" of "${second}" was not found`,
    );
    if (hasLoader) {
      const through = add('through', `#!${binary}\n`);
      assert.match(await messageOf(through), /the loader "\/no\/.*" of ".*binary" was not found$/);
    }
    const crlf = add('crlf', '#!/bin/sh\r\necho\r\n');
    assert.match(
      await messageOf(crlf),
      /"\/bin\/sh\\r" was not found: the lines of the script end with CRLF$/,
    );
  }));

test('ENOENT is judged in the directory and the root of the child', () =>
  withFiles(async (folder, add) => {
    add('s.sh', '#!./sh\n');
    const lacks = `execve("./s.sh"): ENOENT: the script's interpreter "./sh" was not found`;
    assert.equal(await messageOf('./s.sh', { cwd: folder }), lacks);
    assert.equal(
      await messageOf('./none', { cwd: folder }),
      `execve("./none"): ENOENT: no such file in the working directory "${folder}"`,
    );
    if (asRoot.skip) return;
    assert.equal(await messageOf('./s.sh', { chroot: folder }), lacks);
    assert.match(
      await messageOf('/bin/sh', { chroot: folder }),
      /ENOENT: no such file or directory$/,
    );
  }));

test('EACCES says what denies: permissions, a directory, the mount, an interpreter', () =>
  withFiles(async (folder, add) => {
    const plain = add('plain', '#!/bin/sh\n');
    chmodSync(plain, 0o644);
    const prefix = (path: string): string => `execve("${path}"): EACCES: permission denied: `;
    assert.equal(await messageOf(plain), `${prefix(plain)}it has no execute permission (chmod +x)`);
    assert.equal(await messageOf(folder), `${prefix(folder)}it is a directory`);
    const script = add('script', `#!${plain}\n`);
    assert.equal(
      await messageOf(script),
      `${prefix(script)}the script's interpreter "${plain}": it has no execute permission (chmod +x)`,
    );
    const { code, message } = (() => {
      try {
        return { code: '', message: lookPath(plain) };
      } catch (error) {
        return error as LaunchError;
      }
    })();
    assert.deepEqual(
      [code, message],
      ['EACCES', `${prefix(plain)}it has no execute permission (chmod +x)`],
    );
  }));

test(
  'EACCES says what denies another user: the file, or a directory of its path',
  () =>
    withFiles(async (folder, add) => {
      const closed = join(folder, 'closed');
      mkdirSync(closed, { mode: 0o700 });
      copyFileSync('/bin/true', join(closed, 'true'));
      const credential = NOBODY;
      assert.match(
        await messageOf(join(closed, 'true'), { credential }),
        /EACCES: .*: the directory ".*\/closed" may not be searched$/,
      );
      const own = add('own', '#!/bin/sh\n');
      chmodSync(own, 0o700);
      const expected = /EACCES: .*: its permissions let other users execute it only$/;
      assert.match(await messageOf(own, { credential }), expected);
    }),
  asRoot,
);

test(
  'EACCES says that the file system is mounted noexec',
  async (context) => {
    needsOption('namespaces');
    const lack = await lackOf({ namespaces: { mount: true } });
    if (lack !== false) return context.skip(lack);
    await withFiles(async (folder) => {
      const index = new URL('../../../dist/index.js', import.meta.url).href;
      const script = `
        import { run } from '${index}';
        console.log(await run('./true', { cwd: '${folder}' }).catch(({ message }) => message));
      `;
      const shell =
        'mount -t tmpfs -o noexec none "$1" && cp /bin/true "$1" && exec "$2" --input-type=module -e "$3"';
      const { stdout } = await run('sh', ['-c', shell, 'sh', folder, process.execPath, script], {
        namespaces: { mount: true },
        stderr: 'inherit',
      });
      assert.match(stdout, /EACCES: .*: it is on a file system that is mounted noexec$/);
    });
  },
  {
    skip:
      asRoot.skip || ((process.versions['bun'] ?? process.versions['deno']) ? 'not Node' : false),
  },
);

test('ENOEXEC names what the file is', () =>
  withFiles(async (_, add) => {
    const other = patched((elf) => elf.writeUInt16LE(process.arch === 'arm64' ? 62 : 183, 18));
    const cases: [content: string | Buffer, reason: RegExp][] = [
      [other, /: a binary for (aarch64|x86_64); this machine is (x86_64|aarch64)$/],
      ['', /: the file is empty or cannot be read$/],
      ['MZ\x90\0', /: a program for Windows$/],
      [Buffer.from('cffaedfe07000001', 'hex'), /: a program for macOS$/],
      ['\ufeff#!/bin/sh\n', /: a byte order mark stands before its #! line$/],
      ['echo\n', /: neither a binary for this machine nor a script with a #! line$/],
    ];
    for (const [index, [content, reason]] of cases.entries()) {
      const message = await messageOf(add(`file${index}`, content));
      assert.match(message, /ENOEXEC: /);
      assert.match(message, reason);
    }
  }));

test('what a shell would read is told what to write instead', async () => {
  const cases: [file: string, hint: string][] = [
    ['ls -l', "arguments go in an array: run('ls', ['-l'])"],
    [
      '  git  log --format="it\'s" ',
      `arguments go in an array: run('git', ['log', '--format="it\\'s"'])`,
    ],
    ['cat a | wc', "no shell reads this. Use run('sh', ['-c', 'cat a | wc']) to have one"],
    ['ls *.c', "no shell reads this. Use run('sh', ['-c', 'ls *.c']) to have one"],
    ['cd', 'cd is built into shells. Use the option cwd instead'],
    ['export', 'only a shell sets variables like this. Use the option env instead: { NAME: … }'],
    ['FOO=1', "only a shell sets variables like this. Use the option env instead: { FOO: '1' }"],
    ['source', 'source is built into shells'],
  ];
  for (const [file, hint] of cases) {
    const message = await messageOf(file, { path: '/no/such' });
    assert.ok(message.endsWith(`no such program in PATH (/no/such): ${hint}`), message);
  }
  assert.match(
    await messageOf('~/bin/x'),
    /ENOENT: a shell would expand ~\. Use os\.homedir\(\) instead$/,
  );
  assert.match(
    await messageOf('file:///bin/ls'),
    /ENOENT: a URL is not a path\. Use fileURLToPath\(url\) instead$/,
  );
  const url = new URL('file:///bin/ls') as unknown as string;
  const refusal = {
    name: 'TypeError',
    message: 'file must be a path, not a URL. Use fileURLToPath(url) instead.',
  };
  await assert.rejects(run(url), refusal);
  await assert.rejects(command(url).run(), refusal);
  assert.throws(() => runSync(url), refusal);
});

test('stop as a signal is told where the signal goes', async () => {
  await assert.rejects(run('true', { stop: 'SIGKILL' as never }), {
    message: "stop must be an object, such as { signal: 'SIGKILL' }, not 'SIGKILL'.",
  });
});

test('a directory that is not a control group is called that', async () => {
  needsOption('cgroup');
  assert.match(
    await messageOf('true', { cgroup: '/' }),
    /^cgroup\("\/"\): EBADF: not the directory of a control group of version 2 \(launching true\)$/,
  );
});

test('EPERM of a controlling terminal names both of its reasons', () =>
  withPty(async ({ path }) => {
    const stdin = { file: path, access: 'write' } as const;
    const error = await run('true', { stdin, session: true, controllingTerminal: 0 }).catch(
      (e) => e,
    );
    if (process.getuid?.() === 0 && !(error instanceof LaunchError)) return; // CAP_SYS_ADMIN
    assert.equal(error.step, 'TIOCSCTTY');
    assert.match(
      error.message,
      /EPERM: another session has this terminal, or the descriptor is not open for reading/,
    );
  }));

test('in a removed directory it is cwd that is named', () =>
  withFolder((folder) => {
    const index = new URL('../../../dist/index.js', import.meta.url).href;
    const script = join(folder, 'script.mjs');
    writeFileSync(
      script,
      `import { mkdirSync, rmdirSync } from 'node:fs';
       import { lookPath, run } from '${index}';
       mkdirSync('gone');
       process.chdir('gone');
       rmdirSync('../gone');
       const say = ({ name, step, code, argument }) => console.log(name, step, code, argument);
       await run('/bin/true', { cwd: 'sub' }).catch(say);
       await run('./program').catch(say);
       console.log((await run('/bin/echo', ['runs'], { cwd: '.' })).stdout);
       try { lookPath('./program'); } catch (error) { say(error); }`,
    );
    const output = execFileSync(process.execPath, [script], { cwd: folder, encoding: 'utf8' });
    assert.deepEqual(output.trimEnd().split('\n'), [
      'LaunchError chdir ENOENT sub',
      'LaunchError execve ENOENT ./program',
      'runs',
      'LaunchError execve ENOENT ./program',
    ]);
  }));
