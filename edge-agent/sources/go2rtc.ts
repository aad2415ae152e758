import { z } from 'zod';
import { HttpClient, readBody } from './http-client.ts';
import type { Go2rtcSource } from './kinds.ts';
import { rtspInput } from './rtsp.ts';
import { SourceError } from './source-error.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';

const MOST_BYTES = 8e6;
const MOST_NAMES = 10;

/** go2rtc's answer to `GET /api/streams`: an object by name. */
const streams = z.record(z.string(), z.unknown());

/**
 * Opens a stream of go2rtc: asks its API whether it knows the name, where it answers, and plays it over RTSP. An API
 * that is closed is no fault: the stream is tried all the same.
 */
export async function openGo2rtc(source: Go2rtcSource, options: OpenOptions): Promise<SourceInput> {
  const names = await streamNames(new URL(source.api), options.signal);
  if (names !== undefined && !names.includes(source.name)) {
    const some = names.slice(0, MOST_NAMES).join(', ') + (names.length > MOST_NAMES ? ', ...' : '');
    throw new SourceError(
      'not-found',
      `is no stream of this go2rtc: ${names.length === 0 ? 'it has none yet' : `it has ${some}`}`,
      'soon',
    );
  }
  return rtspInput(source.url, options.settings.transport, options.analysis);
}

/** The streams that a go2rtc has; undefined when its API does not tell. */
async function streamNames(api: URL, signal: AbortSignal): Promise<string[] | undefined> {
  const client = new HttpClient(api);
  try {
    const answer = await client.ask(new URL('api/streams', api), { signal });
    const body = await readBody(answer, { mostBytes: MOST_BYTES });
    if (answer.status !== 200) return undefined;
    const parsed = streams.safeParse(JSON.parse(body.toString('utf8')));
    return parsed.success ? Object.keys(parsed.data) : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof SourceError || error instanceof SyntaxError) return undefined;
    throw error;
  } finally {
    client.close();
  }
}
