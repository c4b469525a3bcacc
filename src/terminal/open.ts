/**
 * Opening a terminal.
 *
 * @module
 */
import { ownOptions } from '../launch/values.js';
import { aboveStdio, call, callOpen, close } from '../syscall/call.js';
import { unavailable } from '../syscall/check.js';
import { AT, LAYOUT, O, TIOC } from '../syscall/constants.js';
import { writeStruct } from '../syscall/layout.js';
import { changeModes } from './modes.js';
import { checkTerminalOptions, type TerminalOptions } from './options.js';
import { Terminal } from './terminal.js';

/**
 * Opens a pseudo-terminal.
 *
 * Neither of its descriptors is seen by a child that does not ask for it.
 *
 * @throws SystemError ENOSPC when the system has no more of them, EMFILE, and ENOENT without /dev/ptmx.
 * @throws TypeError ERR_FEATURE_UNAVAILABLE_ON_PLATFORM on macOS and FreeBSD.
 * @see pty(7); TIOCGPTPEER is of Linux 4.13
 */
export function openTerminal(given: TerminalOptions = {}): Terminal {
  const options = ownOptions(given);
  // Other systems have other calls for it, and structs of their own: none of that is here yet.
  if (TIOC.TIOCGPTPEER === undefined) throw unavailable("The function 'openTerminal'");
  checkTerminalOptions(options);
  const { columns = 80, rows = 24, pixelWidth = 0, pixelHeight = 0, modes, name } = options;
  const flags = O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC;
  const own = flags | O.O_NONBLOCK;
  const master = aboveStdio(callOpen('openat', AT.AT_FDCWD, '/dev/ptmx', own, 0));
  let childFd = -1;
  try {
    call('ioctl', master, TIOC.TIOCSPTLCK, new Int32Array(1));
    childFd = aboveStdio(callOpen('ioctl', master, TIOC.TIOCGPTPEER, flags));
    const size = { col: columns, row: rows, xpixel: pixelWidth, ypixel: pixelHeight };
    call('ioctl', master, TIOC.TIOCSWINSZ, writeStruct(LAYOUT.winsize, size));
    changeModes(master, { iutf8: true, ...modes });
    const number = new Int32Array(1);
    call('ioctl', master, TIOC.TIOCGPTN, number);
    return new Terminal(master, childFd, `/dev/pts/${number[0]}`, name);
  } catch (error) {
    if (childFd >= 0) close(childFd);
    close(master);
    throw error;
  }
}
