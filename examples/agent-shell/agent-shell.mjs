// A persistent shell on a terminal, for programs that run commands in it and read its screen.

import { spawn } from '@forkexec/core';
import headless from '@xterm/headless';

/** What makes bash mark its output: C before a command, D with the exit code behind it. */
const MARKS = {
  PS0: '\\e]133;C\\a',
  PS1: '\\[\\e]133;A\\a\\]$ ',
  PROMPT_COMMAND: 'printf "\\e]133;D;%s\\a" "$?"',
};

// The marks as they come out again; the beginning of one may be all that has come of it yet.
const [ESC, BEL] = ['\x1b', '\x07'];
const MARK = new RegExp(`${ESC}\\]133;(?:C|D;(\\d+))${BEL}`);
const CUT_MARK = new RegExp(`${ESC}[^${BEL}]{0,9}$`);

export class AgentShell {
  #child;
  #screen;
  #written = Promise.resolve();
  /** Output that was not looked through for marks yet. */
  #unread = '';
  #isCollecting = false;
  #output = '';
  #isRunning = true;
  #ends = [];

  static async start({ columns = 120, rows = 40, ...options } = {}) {
    const shell = new AgentShell();
    shell.#screen = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
    const ready = new Promise((resolve) => shell.#ends.push(resolve));
    shell.#child = await spawn('bash', ['--norc', '-i'], {
      ...options,
      env: { ...options.env, ...MARKS, PAGER: 'cat', HISTFILE: '/dev/null' },
      terminal: { columns, rows, name: 'xterm-256color' },
      stop: { scope: 'session', signal: 'SIGHUP', grace: 1000 },
    });
    shell.#child.terminal.output.setEncoding('utf8').on('data', (text) => shell.#print(text));
    void shell.#child.exited.then(({ shellCode }) => shell.#end(shellCode));
    await ready;
    return shell;
  }

  get pid() {
    return this.#child.pid;
  }

  /** The screen as lines of text, without what is empty below. */
  get screen() {
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: this.#screen.rows }, (_, row) => {
      return active.getLine(active.baseY + row)?.translateToString(true) ?? '';
    });
    return lines.join('\n').trimEnd();
  }

  /**
   * Runs a command. Resolves to its exit code and output once it has ended, or after `timeout`
   * milliseconds to `{ isRunning: true, screen }`: it may be waiting for an answer.
   */
  run(command, { timeout = 60_000 } = {}) {
    if (this.#isRunning) throw new Error('a command is still running: answer, wait or interrupt');
    this.#isRunning = true;
    this.#output = '';
    // As a paste, several lines are one command to the shell.
    this.#type(`\x1b[200~${command}\x1b[201~\r`);
    return this.wait({ timeout });
  }

  /** Types at the command that is running. */
  answer(text, { timeout = 60_000 } = {}) {
    this.#type(text);
    return this.wait({ timeout });
  }

  /** ^C. */
  interrupt({ timeout = 5000 } = {}) {
    return this.answer('\x03', { timeout });
  }

  /** Waits for the end of the command that is running. */
  async wait({ timeout = 60_000 } = {}) {
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, timeout);
    });
    const ended = new Promise((resolve) => this.#ends.push(resolve));
    const exitCode = await Promise.race([ended, late]);
    clearTimeout(timer);
    await this.#written;
    const { screen } = this;
    if (exitCode === undefined) return { isRunning: true, screen, output: this.#output };
    return { isRunning: false, exitCode, screen, output: this.#output };
  }

  async close() {
    await this.#child.stop();
    await this.#child.terminal.close();
    this.#screen.dispose();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  #type(text) {
    this.#child.terminal.input.write(text);
  }

  #print(text) {
    this.#written = new Promise((resolve) => this.#screen.write(text, resolve));
    this.#unread += text;
    for (;;) {
      const mark = MARK.exec(this.#unread);
      const end = mark?.index ?? this.#unread.search(CUT_MARK);
      const known = end < 0 ? this.#unread : this.#unread.slice(0, end);
      if (this.#isCollecting) this.#output += known;
      this.#unread = this.#unread.slice(known.length + (mark?.[0].length ?? 0));
      if (mark === null) return;
      this.#isCollecting = mark[1] === undefined;
      if (!this.#isCollecting) this.#end(Number(mark[1]));
    }
  }

  #end(exitCode) {
    this.#isRunning = false;
    for (const end of this.#ends.splice(0)) end(exitCode);
  }
}
