// What is measured, each through the same few functions. Runs in Node, Bun and Deno, from build/peers,
// where the packages are.
//
//   settle(script, timeout)  runs a shell script and awaits its end as people do; gives its stdout
//   linger(seconds)          starts a sleep that is to end with its parent, if that can be asked for
//   run()                    runs true(1) to its end, its output awaited
//   capture(size)            how many bytes it collected of so many
//   maxRss()                 bytes of memory that true(1) is said to have used

const text = (value) => String(value).trim();
const zeros = (size) => ['-c', String(size), '/dev/zero'];

/** By the names that run.mjs knows; each loads its package when it is called. */
export const subjects = {
  forkexec: async () => {
    const { run, spawn } = await import(process.env.FORKEXEC_INDEX);
    const quiet = { stdin: 'null', stdout: 'null', stderr: 'null' };
    return {
      settle: async (script, timeout) => {
        const options = timeout === undefined ? {} : { timeout };
        return (await run('sh', ['-c', script], options)).stdout;
      },
      linger: (seconds) => spawn('sleep', [seconds], { ...quiet, lifetime: 'parent' }),
      run: () => run('true'),
      capture: async (size) => {
        const { stdout } = await run('head', zeros(size), { encoding: 'buffer' });
        return stdout.length;
      },
      maxRss: async () => (await run('true')).status.usage.maxRss,
    };
  },
  child_process: async () => {
    const { execFile, spawn } = await import('node:child_process');
    const { promisify } = await import('node:util');
    const promised = promisify(execFile);
    return {
      settle: async (script, timeout) =>
        (await promised('sh', ['-c', script], timeout === undefined ? {} : { timeout })).stdout,
      linger: (seconds) => spawn('sleep', [seconds], { stdio: 'ignore' }),
      run: () => promised('true'),
      capture: async (size) => {
        const options = { encoding: 'buffer', maxBuffer: Number.POSITIVE_INFINITY };
        return (await promised('head', zeros(size), options)).stdout.length;
      },
    };
  },
  execa: async () => {
    const { execa } = await import('execa');
    return {
      settle: async (script, timeout) =>
        (await execa('sh', ['-c', script], timeout === undefined ? {} : { timeout })).stdout,
      linger: (seconds) => {
        // killDescendants is new in 10, and ignored before.
        execa('sleep', [seconds], { stdio: 'ignore', killDescendants: true }).catch(() => {});
      },
      run: () => execa('true'),
      capture: async (size) => {
        const options = { encoding: 'buffer', maxBuffer: Number.POSITIVE_INFINITY };
        return (await execa('head', zeros(size), options)).stdout.length;
      },
    };
  },
  'nano-spawn': async () => {
    const { default: spawn } = await import('nano-spawn');
    return {
      settle: async (script, timeout) =>
        (await spawn('sh', ['-c', script], timeout === undefined ? {} : { timeout })).stdout,
      linger: async (seconds) => {
        spawn('sleep', [seconds], { stdio: 'ignore' }).catch(() => {});
      },
      run: () => spawn('true'),
      capture: async (size) => (await spawn('head', zeros(size))).stdout.length,
    };
  },
  tinyexec: async () => {
    const { x } = await import('tinyexec');
    return {
      settle: async (script, timeout) =>
        (await x('sh', ['-c', script], timeout === undefined ? {} : { timeout })).stdout,
      linger: (seconds) => void x('sleep', [seconds]).process,
      run: () => x('true'),
      capture: async (size) => (await x('head', zeros(size))).stdout.length,
    };
  },
  zx: async () => {
    const { $ } = await import('zx');
    $.verbose = false;
    return {
      settle: async (script, timeout) =>
        (await $(timeout === undefined ? {} : { timeout })`sh -c ${script}`).stdout,
      linger: (seconds) => void $`sleep ${seconds}`.nothrow().catch(() => {}),
      run: () => $`true`,
      capture: async (size) => (await $`head ${zeros(size)}`).stdout.length,
    };
  },
  bun: async () => {
    const { Bun } = globalThis;
    return {
      settle: async (script, timeout) => {
        const options = timeout === undefined ? {} : { timeout };
        const child = Bun.spawn(['sh', '-c', script], { stdout: 'pipe', ...options });
        return child.stdout.text();
      },
      linger: (seconds) => void Bun.spawn(['sleep', seconds], { stdout: 'ignore' }),
      run: async () => {
        const child = Bun.spawn(['true'], { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
        await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      },
      capture: async (size) => {
        const child = Bun.spawn(['head', ...zeros(size)], { stdout: 'pipe' });
        return (await child.stdout.bytes()).length;
      },
      maxRss: async () => {
        const child = Bun.spawn(['true']);
        await child.exited;
        return child.resourceUsage().maxRSS;
      },
    };
  },
  deno: async () => {
    const { Deno } = globalThis;
    const output = (script, signal) =>
      new Deno.Command('sh', { args: ['-c', script], ...(signal && { signal }) }).output();
    return {
      settle: async (script, timeout) => {
        const signal = timeout === undefined ? undefined : AbortSignal.timeout(timeout);
        return new TextDecoder().decode((await output(script, signal)).stdout);
      },
      linger: (seconds) => void new Deno.Command('sleep', { args: [seconds] }).spawn(),
      run: () => new Deno.Command('true').output(),
      capture: async (size) => {
        return (await new Deno.Command('head', { args: zeros(size) }).output()).stdout.length;
      },
    };
  },
};

/** The first words of an error. */
export const shortly = (error) =>
  text(error?.shortMessage ?? error?.message ?? error).slice(0, 200);
