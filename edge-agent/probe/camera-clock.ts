import { connect } from 'node:net';

/** Most servers answer at once; a camera that does not tell must not be waited for. */
const LIMIT_MS = 3000;
const LONGEST_ANSWER = 8192;

/**
 * How far the clock of an RTSP server is ahead of this host's, in ms, to a second: from the `Date` of its answer to
 * `OPTIONS`, which needs no login (RFC 2326, 12.18). Undefined where it does not tell, or does not answer. The URL's
 * login is not sent. Never rejects.
 */
export function rtspClockAhead(
  url: string,
  signal: AbortSignal,
  nowMs = Date.now,
): Promise<number | undefined> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(port === '' ? 554 : Number(port), hostname.replace(/^\[(.*)\]$/, '$1'));
    let answer = '';
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      socket.destroy();
      const sentMs = dateIn(answer);
      // It is cut to whole seconds: half of one is the best guess for the rest.
      resolve(sentMs === undefined ? undefined : sentMs + 500 - nowMs());
    };
    const timer = setTimeout(end, LIMIT_MS);
    signal.addEventListener('abort', end, { once: true });
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      const target = `rtsp://${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
      socket.write(`OPTIONS ${target} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: faascam\r\n\r\n`);
    });
    socket.on('data', (chunk) => {
      answer += String(chunk);
      if (answer.includes('\r\n\r\n') || answer.length > LONGEST_ANSWER) end();
    });
    socket.on('error', end);
    socket.on('close', end);
    if (signal.aborted) end();
  });
}

/** The `Date` of an answer's head in ms: `Sat, 21 Nov 2026 12:07:47 GMT`, or as live555 has it `Sat, Nov 21 2026 ...`. */
export function dateIn(answer: string): number | undefined {
  if (!answer.startsWith('RTSP/1.')) return undefined;
  const date = /^Date:[ \t]*(\S[^\r\n]{0,60})\r?$/im.exec(answer)?.[1];
  const ms = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isFinite(ms) ? ms : undefined;
}
