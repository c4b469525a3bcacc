import { runCompiled } from '../helpers/compiled.js';
import { test } from '../helpers/test.js';

for (const threads of [1, 8]) {
  test(`the waiter reports each child once, with ${threads} threads for three times as many children`, () =>
    runCompiled(
      `-DWAITER_MAX_THREADS=${threads}`,
      'test/native/waiter.c',
      'native/waiter_linux.c',
      'native/thread.c',
    ));
}
