// The subjects of the rows in JavaScript: each loads its library, and returns what it can do.
//
//   launch()         /bin/true without stdio, to its end
//   sync()           the same on this thread
//   output()         echo to its end, its output collected as text
//   lines(count)     how many lines of seq it got, by for await
//   stdin(bytes)     what wc -c counted
//   stream(size)     how many bytes of head it read as a stream
//   bytes(size), text(size)   how many it collected
//   pipeline(size)   what wc -c counted at the end of head | cat | cat | wc -c
//   terminal(size)   how many bytes of head it read from a terminal in raw mode
//   trueOnTerminal() a terminal with /bin/true on it, from the opening to the closing
//   fullTerminal()   a terminal full of input that is not read; returns what ends its program
//   alive()          starts a process that stays, and returns what ends it
import { createInterface } from 'node:readline';

const NULL = { stdin: 'null', stdout: 'null', stderr: 'null' };
/** Bytes pass as they are. */
const RAW = { opost: false, icanon: false, echo: false, isig: false };
const zeros = (size) => ['-c', String(size), '/dev/zero'];
const letters = (size) => ['-c', `head -c ${size} /dev/zero | tr '\\0' x`];
const stagesOf = (size) => `head -c ${size} /dev/zero | cat | cat | wc -c`;

async function sizeOf(stream) {
  let size = 0;
  for await (const chunk of stream) size += chunk.length;
  return size;
}

export const subjects = {
  async forkexec() {
    const { command, run, runSync, spawn } = await import('../lib/index.js');
    const { openTerminal } = await import('../lib/terminal.js');
    const maxBuffer = Number.POSITIVE_INFINITY;
    return {
      launch: async () => (await spawn('/bin/true', [], NULL)).exited,
      sync: () => runSync('/bin/true', [], NULL),
      output: () => run('echo', ['hello']),
      lines: async (count) => {
        const child = await spawn('seq', [String(count)], { ...NULL, stdout: 'pipe' });
        let found = 0;
        for await (const _ of child.lines()) found++;
        return found;
      },
      stdin: async (input) => Number((await run('wc', ['-c'], { input })).stdout),
      stream: async (size) =>
        sizeOf((await spawn('head', zeros(size), { ...NULL, stdout: 'pipe' })).stdout),
      bytes: async (size) =>
        (await run('head', zeros(size), { encoding: 'buffer', maxBuffer })).stdout.length,
      text: async (size) => (await run('sh', letters(size), { maxBuffer })).stdout.length,
      pipeline: async (size) => {
        const cat = command('cat');
        const all = command('head', zeros(size))
          .pipe(cat)
          .pipe(cat)
          .pipe(command('wc', ['-c']));
        return Number((await all.run()).stdout);
      },
      alive: async () => {
        const child = await spawn('/bin/sleep', ['1000'], NULL);
        return () => child.kill('SIGKILL');
      },
      terminal: async (size) => {
        const terminal = openTerminal({ modes: RAW });
        let found = 0;
        terminal.output.on('data', (chunk) => {
          found += chunk.length;
        });
        await (await spawn('head', zeros(size), { terminal })).exited;
        await terminal.close();
        return found;
      },
      trueOnTerminal: async () => {
        const child = await spawn('/bin/true', [], { terminal: {} });
        child.terminal.output.resume();
        await child.exited;
        await child.terminal.close();
      },
      fullTerminal: async () => {
        const terminal = openTerminal({ modes: RAW });
        const child = await spawn('/bin/sleep', ['1000'], { terminal });
        terminal.input.write(Buffer.alloc(1e6, 'x'));
        return () => child.kill('SIGKILL');
      },
    };
  },
  async child_process() {
    const { spawn, spawnSync } = await import('node:child_process');
    const ended = (child) =>
      new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
    const collected = async (file, args) => {
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      const chunks = [];
      child.stdout.on('data', (chunk) => chunks.push(chunk));
      await ended(child);
      return Buffer.concat(chunks);
    };
    return {
      launch: () => ended(spawn('/bin/true', [], { stdio: 'ignore' })),
      sync: () => spawnSync('/bin/true', [], { stdio: 'ignore' }),
      output: async () => (await collected('echo', ['hello'])).toString(),
      lines: async (count) => {
        const child = spawn('seq', [String(count)], { stdio: ['ignore', 'pipe', 'ignore'] });
        let found = 0;
        for await (const _ of createInterface({ input: child.stdout })) found++;
        return found;
      },
      stdin: async (input) => {
        const child = spawn('wc', ['-c'], { stdio: ['pipe', 'pipe', 'ignore'] });
        child.stdin.end(input);
        let text = '';
        for await (const chunk of child.stdout) text += chunk;
        return Number(text);
      },
      stream: (size) =>
        sizeOf(spawn('head', zeros(size), { stdio: ['ignore', 'pipe', 'ignore'] }).stdout),
      bytes: async (size) => (await collected('head', zeros(size))).length,
      text: async (size) => (await collected('sh', letters(size))).toString().length,
      alive: async () => {
        const child = spawn('/bin/sleep', ['1000'], { stdio: 'ignore' });
        return () => child.kill('SIGKILL');
      },
    };
  },
  async execa() {
    const { execa, execaSync } = await import('execa');
    const maxBuffer = 1e9;
    return {
      launch: () => execa('/bin/true', { stdio: 'ignore' }),
      sync: () => execaSync('/bin/true', { stdio: 'ignore' }),
      output: async () => (await execa('echo', ['hello'])).stdout,
      lines: async (count) => {
        let found = 0;
        for await (const _ of execa('seq', [String(count)], { buffer: false })) found++;
        return found;
      },
      stdin: async (input) => Number((await execa('wc', ['-c'], { input })).stdout),
      stream: (size) => sizeOf(execa('head', zeros(size), { buffer: false }).stdout),
      bytes: async (size) =>
        (await execa('head', zeros(size), { encoding: 'buffer', maxBuffer })).stdout.length,
      text: async (size) => (await execa('sh', letters(size), { maxBuffer })).stdout.length,
    };
  },
  async tinyexec() {
    const { x } = await import('tinyexec');
    return {
      launch: () => x('/bin/true', [], { nodeOptions: { stdio: 'ignore' } }),
      output: async () => (await x('echo', ['hello'])).stdout,
      lines: async (count) => {
        let found = 0;
        for await (const _ of x('seq', [String(count)])) found++;
        return found;
      },
      text: async (size) => (await x('sh', letters(size))).stdout.length,
    };
  },
  async 'nano-spawn'() {
    const { default: nano } = await import('nano-spawn');
    return {
      launch: () => nano('/bin/true', { stdio: 'ignore' }),
      output: async () => (await nano('echo', ['hello'])).stdout,
      lines: async (count) => {
        let found = 0;
        for await (const _ of nano('seq', [String(count)])) found++;
        return found;
      },
      text: async (size) => (await nano('sh', letters(size))).stdout.length,
    };
  },
  async zx() {
    const { $ } = await import('zx');
    $.verbose = false;
    return {
      output: async () => (await $`echo hello`).stdout,
      text: async (size) => (await $`sh ${letters(size)}`).stdout.length,
    };
  },
  async bun() {
    const { Bun } = globalThis;
    const { spawn, spawnSync } = Bun;
    const NOTHING = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' };
    const piped = (file, args) => spawn([file, ...args], { ...NOTHING, stdout: 'pipe' });
    return {
      launch: () => spawn(['/bin/true'], NOTHING).exited,
      sync: () => spawnSync(['/bin/true'], NOTHING),
      output: async () => {
        const child = piped('echo', ['hello']);
        const text = await child.stdout.text();
        await child.exited;
        return text;
      },
      stdin: async (input) => {
        const child = spawn(['wc', '-c'], { ...NOTHING, stdin: input, stdout: 'pipe' });
        return Number(await child.stdout.text());
      },
      stream: (size) => sizeOf(piped('head', zeros(size)).stdout),
      bytes: async (size) => (await piped('head', zeros(size)).stdout.bytes()).length,
      text: async (size) => (await piped('sh', letters(size)).stdout.text()).length,
      alive: async () => {
        const child = spawn(['/bin/sleep', '1000'], NOTHING);
        return () => child.kill('SIGKILL');
      },
      terminal: (size) =>
        new Promise((resolve) => {
          let found = 0;
          const data = (_, chunk) => {
            found += chunk.length;
            if (found === size) resolve(found);
          };
          spawn(['sh', '-c', `stty raw -echo; exec head -c ${size} /dev/zero`], {
            terminal: { data },
          });
        }),
      fullTerminal: async () => {
        let child;
        await new Promise((resolve) => {
          const script = 'stty raw -echo; echo ready; exec sleep 1000';
          child = spawn(['sh', '-c', script], { terminal: { data: resolve } });
        });
        child.terminal.write(Buffer.alloc(1e6, 'x'));
        return () => child.kill('SIGKILL');
      },
    };
  },
  async deno() {
    const { Deno } = globalThis;
    const NOTHING = { stdin: 'null', stdout: 'null', stderr: 'null' };
    const start = (file, args, more) => new Deno.Command(file, { args, ...NOTHING, ...more });
    const output = (file, args) => start(file, args, { stdout: 'piped' }).output();
    return {
      launch: () => start('/bin/true', []).spawn().status,
      sync: () => start('/bin/true', []).outputSync(),
      output: async () => new TextDecoder().decode((await output('echo', ['hello'])).stdout),
      stream: (size) => sizeOf(start('head', zeros(size), { stdout: 'piped' }).spawn().stdout),
      bytes: async (size) => (await output('head', zeros(size))).stdout.length,
      text: async (size) =>
        new TextDecoder().decode((await output('sh', letters(size))).stdout).length,
      alive: async () => {
        const child = start('/bin/sleep', ['1000']).spawn();
        return () => child.kill('SIGKILL');
      },
    };
  },
  async '@lydell/node-pty'() {
    const { spawn } = await import('@lydell/node-pty');
    const raw = (script) => spawn('sh', ['-c', `stty raw -echo; ${script}`], { encoding: null });
    return {
      terminal: (size) =>
        new Promise((resolve) => {
          let found = 0;
          const pty = raw(`head -c ${size} /dev/zero`);
          pty.onData((chunk) => {
            found += chunk.length;
          });
          pty.onExit(() => resolve(found));
        }),
      trueOnTerminal: () =>
        new Promise((resolve) => {
          spawn('/bin/true', [], {}).onExit(resolve);
        }),
    };
  },
  /** What sh does with the same pipeline. */
  async shell() {
    const { spawn } = await import('node:child_process');
    return {
      pipeline: async (size) => {
        const stdio = ['ignore', 'pipe', 'ignore'];
        let text = '';
        for await (const chunk of spawn('sh', ['-c', stagesOf(size)], { stdio }).stdout) {
          text += chunk;
        }
        return Number(text);
      },
    };
  },
};

/** The modules that are imported for the row of imports. */
export const MODULES = {
  forkexec: new URL('../lib/index.js', import.meta.url).href,
  child_process: 'node:child_process',
  execa: 'execa',
  tinyexec: 'tinyexec',
  'nano-spawn': 'nano-spawn',
  zx: 'zx',
};
