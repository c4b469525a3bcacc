import { needsLinux } from '../helpers/backend.js';
import { runCompiled } from '../helpers/compiled.js';
import { test } from '../helpers/test.js';

test('a signal that arrives while its handler is removed takes the later disposition', () => {
  needsLinux('A linker that wraps functions');
  return runCompiled(
    '-Wl,--wrap=sigaction',
    'test/native/handler.c',
    'native/signal_handler.c',
    'native/signal_entry.c',
  );
});
