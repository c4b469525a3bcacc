/**
 * Puts the launches of this library under Node's own module, in this process and in the Node processes
 * that it starts: `node --import @forkexec/core/register app.js`, or with `--require`.
 *
 * @module
 */
import { state } from './install.js';

state.everywhere = true;

/** A module as a URL, or a CommonJS file as a path, which may have spaces in it. */
const file = import.meta.url;
const flag = file.startsWith('file:') ? `--import=${file}` : `--require=${JSON.stringify(file)}`;
const options = process.env['NODE_OPTIONS'] ?? '';
if (!options.includes(flag)) {
  process.env['NODE_OPTIONS'] = options === '' ? flag : `${options} ${flag}`;
}
