import assert from 'node:assert/strict';
import { type CastEvent, CastWriter, parseCast } from '#dist/cli/asciicast.js';
import { schedule } from '#dist/cli/play.js';
import { test } from '../helpers/test.js';

const HEADER = { version: 3, term: { cols: 80, rows: 24 } } as const;
const header = `${JSON.stringify(HEADER)}\n`;

test('a recording is a header and one JSON array a line, with the seconds since the event before', () => {
  let text = '';
  const writer = new CastWriter(HEADER, (line) => (text += line), 1000.4);
  writer.output(Buffer.from('a"\x1b[0m\n'), 1250.6);
  writer.resize(100, 40, 1251);
  writer.exit(143, 3000);
  assert.equal(
    text,
    `${header}[0.251, "o", "a\\"\\u001b[0m\\n"]\n[0.000, "r", "100x40"]\n[1.749, "x", "143"]\n`,
  );
  const { header: read, events } = parseCast(text);
  assert.deepEqual(read, HEADER);
  assert.deepEqual(events.map(([, code]) => code).join(''), 'orx');
});

test('a character that is split between two outputs is recorded whole', () => {
  let text = '';
  const writer = new CastWriter(HEADER, (line) => (text += line), 0);
  const bytes = Buffer.from('≤');
  writer.output(bytes.subarray(0, 1), 1);
  writer.output(bytes.subarray(1), 2);
  writer.output(Buffer.of(0xff), 3);
  writer.output(bytes.subarray(0, 2), 4);
  writer.exit(0, 5);
  const data = parseCast(text).events.filter(([, code]) => code === 'o');
  assert.deepEqual(
    data.map(([, , each]) => each),
    ['≤', '\ufffd', '\ufffd'],
  );
});

test('the intervals of a long recording add up to its time', () => {
  const lines: string[] = [];
  const writer = new CastWriter(HEADER, (line) => lines.push(line), 0);
  for (let n = 1; n <= 10_000; n++) writer.output(Buffer.from('.'), n * 1.2345);
  const total = parseCast(lines.join('')).events.reduce((sum, [interval]) => sum + interval, 0);
  assert.ok(Math.abs(total - 12.345) < 0.002, String(total));
});

test('comments, empty lines and a last line that was cut off are not events', () => {
  const text = `${header}# a comment\n\n[0.1, "o", "x"]\n[0.2, "o", "cu`;
  assert.deepEqual(parseCast(text).events, [[0.1, 'o', 'x']]);
});

const bad: readonly [text: string, message: RegExp][] = [
  ['', /line 1/],
  ['no json\n', /line 1/],
  ['{"version":2,"width":80,"height":24}\n', /version is 2/],
  ['{"version":3}\n', /no size/],
  [`${header}{}\n`, /line 2/],
  [`${header}[0.1, "o"]\n`, /line 2/],
  [`${header}# x\n[-1, "o", "x"]\n`, /line 3/],
  [`${header}["1", "o", "x"]\n`, /line 2/],
];

test('what is not a recording is refused with the line that is wrong', () => {
  for (const [text, message] of bad) assert.throws(() => parseCast(text), { message }, text);
});

test('speed and the limit of pauses change the times of what is shown, and input is not shown', () => {
  const events: CastEvent[] = [
    [1, 'o', 'a'],
    [10, 'i', 'typed'],
    [0.5, 'o', 'b'],
    [0.25, 'x', '0'],
  ];
  const times = (speed: number, idleLimit: number): number[] =>
    schedule(events, { speed, idleLimit }).map(({ wait }) => wait);
  assert.deepEqual(times(1, Number.POSITIVE_INFINITY), [1000, 10_500]);
  assert.deepEqual(times(2, Number.POSITIVE_INFINITY), [500, 5250]);
  assert.deepEqual(times(2, 2000), [500, 1250]);
});
