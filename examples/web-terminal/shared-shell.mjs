// One program on one terminal, for any number of clients that come and go.
import { spawn } from '@forkexec/core';

/** Characters of past output that a new client is shown. */
const REPLAY = 100_000;
/** Bytes that may wait for a client before the program has to. */
const MOST_WAITING = 1_000_000;
/** Milliseconds without a client until the program is stopped: a reload takes less. */
const LINGER = 2000;

export class SharedShell {
  #child;
  #clients = new Map();
  #past = '';
  #linger;

  static async start(file, args, options = {}) {
    const shell = new SharedShell();
    const terminal = { name: 'xterm-256color' };
    const stop = { scope: 'session', grace: 1000 };
    shell.#child = await spawn(file, args, { ...options, terminal, stop });
    shell.#child.terminal.output.setEncoding('utf8').on('data', (text) => shell.#print(text));
    void shell.#child.exited.then(() => shell.#ended());
    return shell;
  }

  get pid() {
    return this.#child.pid;
  }

  get exited() {
    return this.#child.exited;
  }

  /** `socket` is a WebSocket that is open. */
  add(socket) {
    clearTimeout(this.#linger);
    this.#clients.set(socket, undefined);
    socket.on('message', (data) => this.#receive(socket, String(data)));
    socket.on('close', () => this.#remove(socket));
    socket.send(JSON.stringify(['setup', {}]));
    if (this.#past !== '') socket.send(JSON.stringify(['stdout', this.#past]));
  }

  #remove(socket) {
    this.#clients.delete(socket);
    this.#fit();
    this.#flow();
    if (this.#clients.size === 0) this.#linger = setTimeout(() => void this.stop(), LINGER);
  }

  async stop() {
    clearTimeout(this.#linger);
    await this.#child.stop();
    await this.#child.terminal.close();
  }

  #receive(socket, message) {
    let parsed;
    try {
      parsed = JSON.parse(message);
    } catch {
      return;
    }
    const [kind, ...values] = Array.isArray(parsed) ? parsed : [];
    if (kind === 'stdin' && typeof values[0] === 'string') {
      this.#child.terminal.input.write(values[0]);
    } else if (kind === 'set_size') {
      const [rows, columns] = values;
      const isSize = (n) => Number.isInteger(n) && n > 0 && n < 1000;
      if (!isSize(rows) || !isSize(columns)) return;
      this.#clients.set(socket, { rows, columns });
      this.#fit();
    }
  }

  /** What all clients have room for. */
  #fit() {
    const sizes = [...this.#clients.values()].filter((size) => size !== undefined);
    if (sizes.length === 0) return;
    const least = (name) => Math.min(...sizes.map((size) => size[name]));
    try {
      this.#child.terminal.resize(least('columns'), least('rows'));
    } catch {
      // closed meanwhile
    }
  }

  #print(text) {
    this.#past = (this.#past + text).slice(-REPLAY);
    const message = JSON.stringify(['stdout', text]);
    for (const socket of this.#clients.keys()) socket.send(message, () => this.#flow());
    this.#flow();
  }

  /** The program waits for the slowest client. */
  #flow() {
    const { output } = this.#child.terminal;
    const isFull = [...this.#clients.keys()].some((each) => each.bufferedAmount > MOST_WAITING);
    if (isFull) output.pause();
    else if (output.isPaused()) output.resume();
  }

  #ended() {
    for (const socket of this.#clients.keys()) {
      socket.send(JSON.stringify(['disconnect', 1]));
      socket.close();
    }
  }
}
