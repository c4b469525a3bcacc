/**
 * For `node --require`: puts back the signals that the runtime reset, before the program runs.
 *
 * @module
 */
import { restoreInherited } from './restore.js';

restoreInherited();
