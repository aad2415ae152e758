import { formatOfAnswer, TELLING_BYTES, type HttpFormat } from './http-format.ts';
import { HttpClient, type HttpAnswer } from './http-client.ts';
import type { Analysis } from './source-args.ts';
import { openSnapshots } from './snapshot-poller.ts';
import { connectionError, SourceError, statusError } from './source-error.ts';
import { plainInput, type OpenOptions, type SourceInput } from './source-input.ts';
import { analysisArgs, LASTING_PICTURES, SILENCE_US } from './stream-options.ts';

/** How long the first bytes of a stream may take. A camera may begin with its next keyframe. */
const HEAD_MS = 10_000;

/** ffmpeg asks for nothing but HTTP, whatever a playlist or a redirect says. */
const HTTP_PROTOCOLS = 'http,https,tcp,tls';

type StreamFormat = Exclude<HttpFormat, 'jpeg'>;

/** What a look at an address showed. */
interface Found {
  format: HttpFormat;
  /** After redirects. */
  address: string;
  isBeyondFfmpeg: boolean;
}

const MJPEG_TIMES = [
  // The parts have no times, and ffmpeg would count 25 a second: the time of arrival is the best there is.
  ...['-use_wallclock_as_timestamps', '1'],
  // The first picture tells all; a slow camera must not be waited for.
  ...['-fpsprobesize', '0'],
];

/** Opens an http(s) address, after a look at what it serves unless the settings say. */
export async function openHttp(address: string, options: OpenOptions): Promise<SourceInput> {
  const { format } = options.settings;
  if (format === 'jpeg') return await openSnapshots(address, options);
  if (format !== 'auto') return streamInput(address, format, options.analysis);
  const found = await lookAt(new URL(address), options.signal);
  if (found.isBeyondFfmpeg && found.format !== 'jpeg') return await openPiped(address, found.format, options);
  // Where a redirect led, so that ffmpeg need not follow it. A picture is asked for by us, each time anew.
  return found.format === 'jpeg'
    ? await openSnapshots(address, options)
    : streamInput(found.address, found.format, options.analysis);
}

/** Opens a stream that we fetch for ffmpeg, for it could not log in. */
async function openPiped(address: string, format: StreamFormat, options: OpenOptions): Promise<SourceInput> {
  if (format === 'hls') {
    throw new SourceError(
      'wrong-password',
      'wants digest authentication with SHA-256 for HLS, which ffmpeg does not know: choose MD5 or RTSP in the camera',
      'slow',
    );
  }
  const client = new HttpClient(new URL(address));
  const { body, status } = await client.ask(new URL(address), { signal: options.signal });
  const close = (): Promise<void> => {
    body.destroy();
    client.close();
    return Promise.resolve();
  };
  if (status === 200) return { ...streamInput('pipe:0', format, options.analysis), stdin: body, close };
  await close();
  throw statusError(status);
}

/** ffmpeg's arguments for a stream over HTTP, or of one on its standard input. */
function streamInput(address: string, format: StreamFormat, analysis: Analysis): SourceInput {
  const url = ['-i', address];
  const http =
    address === 'pipe:0'
      ? ['-protocol_whitelist', 'pipe']
      : ['-protocol_whitelist', HTTP_PROTOCOLS, '-rw_timeout', String(SILENCE_US)];
  switch (format) {
    case 'mjpeg':
      return plainInput([...http, '-f', 'mpjpeg', ...MJPEG_TIMES, ...url], {
        copy: LASTING_PICTURES,
        jpeg: true,
      });
    case 'raw-mjpeg':
      return plainInput([...http, '-f', 'mjpeg', ...MJPEG_TIMES, ...url], {
        copy: LASTING_PICTURES,
        jpeg: true,
      });
    case 'hls':
      return plainInput([
        ...['-protocol_whitelist', `${HTTP_PROTOCOLS},crypto`, '-rw_timeout', String(SILENCE_US)],
        // What the playlist names may be nothing but a piece of video; a playlist of another kind could name files.
        ...['-format_whitelist', 'hls,mpegts,mov,aac,ac3,eac3,mp3,webvtt'],
        ...['-f', 'hls', ...analysisArgs(analysis), ...url],
      ]);
    case 'flv':
    case 'mpegts':
      return plainInput([...http, '-f', format, ...analysisArgs(analysis), ...url]);
  }
}

/** Asks once and reads the first bytes, then hangs up. */
async function lookAt(address: URL, signal: AbortSignal): Promise<Found> {
  const client = new HttpClient(address);
  try {
    const answer = await client.ask(address, { signal });
    if (answer.status !== 200) {
      answer.body.destroy();
      throw statusError(answer.status);
    }
    const contentType = answer.headers['content-type'] ?? '';
    // Parts say so in the header, and a camera may send the first one only when something moves.
    const head = contentType.startsWith('multipart/') ? Buffer.alloc(0) : await readHead(answer, signal);
    answer.body.destroy();
    const format = formatOfAnswer(contentType, head);
    if (format === undefined) throw noVideo(contentType, head);
    const { isBeyondFfmpeg } = client;
    return { format, isBeyondFfmpeg, address: withLoginOf(address, answer.url).href };
  } finally {
    client.close();
  }
}

async function readHead(answer: HttpAnswer, signal: AbortSignal): Promise<Buffer> {
  const { body } = answer;
  const chunks: Buffer[] = [];
  let length = 0;
  const patience = setTimeout(() => body.destroy(), HEAD_MS);
  try {
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue;
      chunks.push(chunk);
      length += chunk.length;
      if (length > TELLING_BYTES) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    // What came until then may be enough.
    if (length === 0) throw connectionError(error);
  } finally {
    clearTimeout(patience);
  }
  if (length === 0) {
    throw new SourceError('no-answer', 'answers with nothing: check the path in its source', 'soon');
  }
  return Buffer.concat(chunks);
}

function noVideo(contentType: string, head: Buffer): SourceError {
  const page = contentType.includes('html') || /^\s*<(!doctype|html)/i.test(head.toString('latin1'));
  const what = page
    ? 'a web page'
    : contentType === ''
      ? 'something unknown'
      : JSON.stringify(contentType.slice(0, 60));
  return new SourceError(
    'not-a-video',
    `serves ${what} under this path and no video: check the path in its source, or set its format`,
    'slow',
  );
}

/** User and password only for the host that they are meant for. */
function withLoginOf(asked: URL, found: URL): URL {
  if (found.hostname !== asked.hostname) return found;
  const url = new URL(found);
  url.username = asked.username;
  url.password = asked.password;
  return url;
}
