/**
 * For `node --import`: puts back the signals that the runtime reset, before the program runs.
 *
 * @module
 */
import { restoreInherited } from './restore.js';

restoreInherited();
