// Text for bytes that are not UTF-8.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { run } from '#dist/index.js';
import { decodeText, encodeText } from '#dist/syscall/text.js';
import { test } from '../helpers/test.js';

test('any bytes become a text that JSON keeps, and the same bytes again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = JSON.parse(JSON.stringify(decodeText(bytes))) as string;
      assert.deepEqual(new Uint8Array(encodeText(text)), bytes);
    }),
  );
});

test('text that is UTF-8 stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(decodeText(Buffer.from(text)), text);
      assert.ok(encodeText(text).equals(Buffer.from(text)));
    }),
  );
});

test('arguments and variables can have bytes that are not UTF-8', async () => {
  const bytes = '\x80\xff';
  const odd = decodeText(Buffer.from(bytes, 'latin1'));
  const printed = await run('sh', ['-c', 'printf "%s %s" "$1" "$ODD"', 'sh', odd], {
    env: { ODD: odd },
    encoding: 'buffer',
  });
  assert.equal(Buffer.from(printed.stdout).toString('latin1'), `${bytes} ${bytes}`);
  const clear = await run('/bin/sh', ['-c', 'printf "%s" "$ODD"'], {
    clearEnv: true,
    env: { ODD: odd },
    encoding: 'buffer',
  });
  assert.equal(Buffer.from(clear.stdout).toString('latin1'), bytes);
});
