/**
 * The addon of a system, by a name that stands here in full: bundlers follow a literal `require` of
 * a CommonJS file, and copy what it names.
 *
 * @module
 */

/** Throws what `require` throws where the file is missing or is not for this system. */
function requireAddon(target: string): unknown {
  switch (target) {
    case 'linux-x64':
      return require('../prebuilds/linux-x64.node');
    case 'linux-x64-musl':
      return require('../prebuilds/linux-x64-musl.node');
    case 'linux-arm64':
      return require('../prebuilds/linux-arm64.node');
    case 'linux-arm64-musl':
      return require('../prebuilds/linux-arm64-musl.node');
    case 'darwin-x64':
      return require('../prebuilds/darwin-x64.node');
    case 'darwin-arm64':
      return require('../prebuilds/darwin-arm64.node');
    case 'freebsd-x64':
      return require('../prebuilds/freebsd-x64.node');
    default:
      throw new Error('this system has no addon');
  }
}

export = requireAddon;
