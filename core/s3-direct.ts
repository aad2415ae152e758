import type { S3Connection } from './s3-connection.ts';
import type { DirectAddresses } from './store.ts';
import type { S3Settings } from './store-settings.ts';

/** An address stays the same for so long, so that a browser knows what it has got by it already. */
const SAME_S = 300;
/** It is good for at least so long: a clip may be paused, and gone on with. */
const GOOD_S = 900;

/**
 * Presigned addresses (AWS Signature Version 4, query parameters) of a bucket that browsers reach; undefined where they do
 * not. `nowMs` is milliseconds since the Unix epoch.
 */
export function directAddressesOf(
  connection: S3Connection,
  { browserEndpoint }: S3Settings,
  nameOf: (key: string) => string,
  nowMs: () => number = Date.now,
): DirectAddresses | undefined {
  if (browserEndpoint === '') return undefined;
  let origin: string | undefined;
  return {
    // The client knows where a bucket lies by the server's name: AWS has it in the name of a host of the region.
    origin: async () => {
      origin ??= new URL(await connection.presigned('any', {}, 1, new Date(nowMs()))).origin;
      return origin;
    },
    longestS: SAME_S + GOOD_S,
    urlOf: async (key, { contentType, fileName }) => {
      const beganMs = Math.floor(nowMs() / 1000 / SAME_S) * SAME_S * 1000;
      const told = {
        'response-content-type': contentType,
        'response-cache-control': `private, max-age=${SAME_S}`,
        ...(fileName === undefined
          ? {}
          : { 'response-content-disposition': `attachment; filename="${fileName}"` }),
      };
      return await connection.presigned(nameOf(key), told, SAME_S + GOOD_S, new Date(beganMs));
    },
  };
}
