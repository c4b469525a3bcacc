/**
 * For `node --import`: puts back the signals that the runtime reset, before anything else runs.
 *
 * @module
 */
import { restoreInherited } from './restore.js';

restoreInherited();
