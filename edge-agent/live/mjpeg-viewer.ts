import type { ServerResponse } from 'node:http';
import { headers as ours } from '@faascam/core/subjects';
import type { LivePicture } from './live-pictures.ts';

const BOUNDARY = 'faascam';
/** What the answer that a viewer gets is. */
export const MJPEG_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;
/** After so long without a word from a viewer its system is asked whether it is still there. */
const KEEP_ALIVE_MS = 15_000;

/** Sends a camera's pictures as the parts of one HTTP answer, whose headers may be set before. Whoever is slow misses some. */
export class MjpegViewer {
  readonly #response: ServerResponse;
  #sent = 0;
  /** What was sent when `letGoIfGone` saw last that something was on its way. */
  #stuckAt: number | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('error', () => undefined);
    response.socket?.setKeepAlive(true, KEEP_ALIVE_MS);
    // Each boundary is sent with the picture before it: browsers show a picture when they know where it ends.
    response.writeHead(200, { 'content-type': MJPEG_TYPE });
    response.write(`--${BOUNDARY}\r\n`);
  }

  show(picture: LivePicture): void {
    // One that is still on its way is enough.
    if (this.#response.writableLength > 0) return;
    this.#response.write(partOf(picture));
    this.#sent += 1;
  }

  /** To be called every some seconds. Lets a viewer go who has taken nothing of a picture since the last call. */
  letGoIfGone(): void {
    const waits = this.#response.writableLength > 0;
    if (waits && this.#stuckAt === this.#sent) this.close();
    this.#stuckAt = waits ? this.#sent : undefined;
  }

  close(): void {
    this.#response.destroy();
  }
}

function partOf({ jpeg, capturedAtUs }: LivePicture): Buffer {
  const time = capturedAtUs === undefined ? '' : `${ours.capturedAt}: ${capturedAtUs}\r\n`;
  return Buffer.concat([
    Buffer.from(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n${time}\r\n`),
    jpeg,
    Buffer.from(`\r\n--${BOUNDARY}\r\n`),
  ]);
}
