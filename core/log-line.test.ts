import { expect, it } from 'vitest';
import { fittingLine } from './log-line.ts';

it('a log line stays as it is, unless it is so long that a watchdog would read no more after it', () => {
  const short = '{"level":"info","msg":"served"}\n';
  expect(fittingLine(short)).toBe(short);
  for (const letter of ['x', 'ä', '"']) {
    const long = `{"level":"error","msg":${JSON.stringify(letter.repeat(100_000))}}\n`;
    const line = fittingLine(long);
    expect(Buffer.byteLength(line)).toBeLessThan(65_536);
    expect(line.endsWith('\n')).toBe(true);
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      msg: `a log line of ${Buffer.byteLength(long)} bytes, too long`,
      begin: long.slice(0, 4000),
    });
  }
});
