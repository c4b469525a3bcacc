/**
 * The version of the package: a test compares it with package.json, which no bundle has beside it.
 *
 * @module
 */

export const version = '0.1.0';
