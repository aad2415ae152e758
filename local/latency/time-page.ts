import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@faascam/core/clock';
import { listen, type Listening } from '../http-server.ts';

/**
 * How long a code stays: a camera that exposes for as long as a fiftieth of a second then has most pictures of one code
 * alone.
 */
export const CODE_STAYS_MS = 50;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>faascam: time code</title>
<style>
  html, body { margin: 0; height: 100%; background: #fff; display: grid; place-items: center; }
  canvas { height: min(90vh, 90vw); aspect-ratio: 1; image-rendering: pixelated; }
</style>
<canvas aria-label="the time as a QR code, for a camera to look at"></canvas>
<script type="module" src="/page.js"></script>
</html>
`;

/** The server's time counts: whoever shows the page may have another. The quickest of some answers tells it best. */
const SCRIPT = `import encodeQr from '/qr.js';
const canvas = document.querySelector('canvas');
let best = Infinity;
let offsetMs = 0;
for (let n = 0; n < 10; n++) {
  const asked = performance.now();
  const { us } = await (await fetch('/now', { cache: 'no-store' })).json();
  const tookMs = performance.now() - asked;
  if (tookMs < best) [best, offsetMs] = [tookMs, us / 1000 - (asked + tookMs / 2)];
}
let shown = 0;
const draw = () => {
  requestAnimationFrame(draw);
  const nowMs = performance.now();
  if (nowMs - shown < ${CODE_STAYS_MS} - 4) return;
  shown = nowMs;
  const text = String(Math.round((nowMs + offsetMs) * 1000));
  const rows = encodeQr(text, 'raw', { ecc: 'high', version: 1, encoding: 'numeric', border: 4 });
  canvas.width = canvas.height = rows.length;
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, rows.length, rows.length);
  context.fillStyle = '#000';
  rows.forEach((row, y) => row.forEach((dark, x) => dark && context.fillRect(x, y, 1, 1)));
};
draw();
`;

/** Serves a page that shows the time as a code, for a camera to look at. */
export async function startTimePage(host: string, port: number): Promise<Listening> {
  const library = await readFile(fileURLToPath(import.meta.resolve('qr')));
  const script = 'text/javascript; charset=utf-8';
  const pages = new Map<string, { type: string; body: string | Buffer }>([
    ['/', { type: 'text/html; charset=utf-8', body: PAGE }],
    ['/page.js', { type: script, body: SCRIPT }],
    ['/qr.js', { type: script, body: library }],
  ]);
  const server = createServer((request, response) => {
    const send = (type: string, body: string | Buffer): void => {
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    const page = pages.get(request.url ?? '/');
    if (page !== undefined) send(page.type, page.body);
    else if (request.url === '/now') send('application/json', JSON.stringify({ us: systemClock.nowUs() }));
    else response.writeHead(404).end();
  });
  return await listen(server, host, port);
}
