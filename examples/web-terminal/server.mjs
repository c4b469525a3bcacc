// The shell of whoever starts it, for a browser on this machine.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { SharedShell } from './shared-shell.mjs';

const require = createRequire(import.meta.url);
const HERE = (path) => new URL(`public/${path}`, import.meta.url);
const FILES = {
  '/': [HERE('index.html'), 'text/html; charset=utf-8'],
  '/client.js': [HERE('client.js'), 'text/javascript'],
  '/xterm.js': [require.resolve('@xterm/xterm'), 'text/javascript'],
  '/xterm.css': [require.resolve('@xterm/xterm/css/xterm.css'), 'text/css'],
  '/fit.js': [require.resolve('@xterm/addon-fit'), 'text/javascript'],
};

function isEqual(a, b) {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function cookieOf(request) {
  return /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
}

/** Resolves to the address to open, the shell that is shared, once there is one, and what ends all. */
export async function serve({ file = process.env.SHELL ?? 'bash', args = ['-i'], port = 0 } = {}) {
  // The token is good once: who sees the address later, in a history or a log, gets nothing.
  let token = randomBytes(16).toString('hex');
  const session = randomBytes(16).toString('hex');
  let starting;
  let origin = '';

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', origin);
    const given = searchParams.get('token');
    if (given !== null && token !== undefined && isEqual(given, token)) {
      token = undefined;
      const cookie = `session=${session}; HttpOnly; SameSite=Strict; Path=/`;
      response.writeHead(303, { location: '/', 'set-cookie': cookie }).end();
      return;
    }
    const known = FILES[pathname];
    if (!isEqual(cookieOf(request), session)) response.writeHead(403).end('no session\n');
    else if (known === undefined) response.writeHead(404).end();
    else {
      const security = "default-src 'self'; style-src 'self' 'unsafe-inline'";
      response.writeHead(200, { 'content-type': known[1], 'content-security-policy': security });
      response.end(await readFile(known[0]));
    }
  });

  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', async (request, socket, head) => {
    // Any page may open a WebSocket to any host: its origin is what tells ours from others.
    const isOurs = request.headers.origin === origin && isEqual(cookieOf(request), session);
    if (!isOurs) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    starting ??= SharedShell.start(file, args).then((shell) => {
      void shell.exited.then(() => {
        starting = undefined; // the next tab gets a new one
      });
      return shell;
    });
    const shell = await starting;
    sockets.handleUpgrade(request, socket, head, (client) => shell.add(client));
  });

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${server.address().port}`;
  return {
    url: `${origin}/?token=${token}`,
    shell: () => starting,
    async close() {
      await (await starting)?.stop();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
