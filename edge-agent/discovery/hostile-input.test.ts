import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cameraId } from '@faascam/core/ids';
import { parseSource } from '../sources/source.ts';
import { foundCameras } from './findings.ts';
import { printable } from './printable.ts';
import { bestFormat, parseFfmpegFormats, parseV4l2ctlFormats } from './video-formats.ts';
import { camerasIn } from './ws-discovery.ts';

/** What devices and strangers say: any text, and text with what is special to terminals, URLs, XML and our config. */
const words = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom(
      '$',
      '{',
      '}',
      '/',
      '%',
      '@',
      ':',
      '?',
      '#',
      '\u001b',
      '\n',
      ' ',
      '<',
      '&',
      'a',
      '1',
      '.',
    ),
  }),
);
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

test('whatever a camera says of itself, its entry is one that an agent takes, and says nothing more than it should', () => {
  fc.assert(
    fc.property(words, words, words, (name, path, endpoint) => {
      const answer = `<Envelope><Body><ProbeMatches><ProbeMatch>
        <EndpointReference><Address>${escaped(endpoint)}</Address></EndpointReference>
        <Scopes>onvif://www.onvif.org/name/${escaped(name)}</Scopes>
        <XAddrs>http://192.0.2.7/${escaped(path)}</XAddrs></ProbeMatch></ProbeMatches></Body></Envelope>`;
      const findings = camerasIn(Buffer.from(answer), '192.0.2.7').map((camera) => ({
        kind: 'onvif' as const,
        camera,
      }));
      for (const { entry, name: shown, address } of foundCameras(findings)) {
        expect(shown).toBe(printable(shown));
        expect(address).toBe('192.0.2.7');
        expect(cameraId.safeParse(entry?.id).success).toBe(true);
        // Only our own two variables are filled in by the config.
        expect(entry?.source.match(/\$\{/g)?.length).toBe(2);
        const source = (entry?.source ?? '').replaceAll(/\$\{[A-Z_][A-Z0-9_]*(:-admin)?\}/g, 'word');
        expect(parseSource(source)).toMatchObject({ kind: 'onvif' });
        expect(new URL(source).hostname).toBe('192.0.2.7');
      }
    }),
    { numRuns: 500 },
  );
});

test('whatever bytes arrive, reading them ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), words, (bytes, text) => {
      for (const message of [bytes, Buffer.from(text), Buffer.from(`<Envelope><Body>${text}`)]) {
        expect(camerasIn(message, text)).toEqual([]);
      }
    }),
  );
});

test('whatever the tools write, a format that is chosen is a whole one', () => {
  const line = fc.constantFrom(
    "\t[0]: 'MJPG' (Motion-JPEG, compressed)",
    "\t[1]: 'YUYV' (YUYV 4:2:2)",
    '\tType: Video Capture',
    '\tType: Metadata Capture',
    '\t\tSize: Discrete 1280x720',
    '\t\tSize: Stepwise 16x16 - 99x99 with step 2/2',
    '\t\t\tInterval: Discrete 0.033s (30.000 fps)',
    '[v @ 0x1] Compressed:       mjpeg :          Motion-JPEG : 1920x1080 0x0',
    '[v @ 0x1] Raw       :     yuyv422 :           YUYV 4:2:2 : {32-2592, 2}x{32-1944, 2}',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(line, words)), (lines) => {
      for (const parse of [parseFfmpegFormats, parseV4l2ctlFormats]) {
        const best = bestFormat(parse(lines.join('\n')));
        if (best === undefined) continue;
        expect(best.format).toMatch(/^[a-z0-9]+$/);
        expect(best.width * best.height).toBeGreaterThan(0);
        expect(best.rate ?? 1).toBeGreaterThan(0);
      }
    }),
  );
});
