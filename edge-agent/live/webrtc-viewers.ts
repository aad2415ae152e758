import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { messageOf } from '@faascam/core/errors';
import type { LiveSettings } from '@faascam/core/live-settings';
import type { Logger } from '@faascam/core/log';
import { codecName, H264 } from './codec-names.ts';
import { h264Config } from './h264.ts';
import { LiveRefusal } from './live-refusal.ts';
import type { LiveTap } from './live-tap.ts';
import { newestGroup } from './newest-group.ts';
import { RtpViewer } from './rtp-viewer.ts';

/** A camera that has not sent anything for so long has nothing to show. */
const PATIENCE_MS = 5000;
/** A viewer who offered and did not come, or is gone without a word. */
const CONNECT_MS = 20_000;
/** A browser that watches reports on what it gets every second or so. */
const SILENT_MS = 8000;

interface Session {
  camera: string;
  peer: RTCPeerConnection;
  close(): void;
}

/** Who watches by WebRTC. H.264 goes through as the camera sends it. `close` ends all. */
export class WebRtcViewers {
  readonly #settings: LiveSettings;
  readonly #log: Logger;
  readonly #sessions = new Map<string, Session>();
  #closed = false;

  constructor(settings: LiveSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /**
   * Answers an SDP offer. The session ends with its peer. Throws `LiveRefusal` when the camera sends nothing, or nothing that
   * WebRTC carries, when the offer is none, and after `close`.
   */
  async offer(camera: string, tap: LiveTap, sdp: string): Promise<{ session: string; sdp: string }> {
    await requireH264(camera, tap);
    const { RTCPeerConnection, RTCRtpCodecParameters, RtpHeader, RtpPacket, MediaStreamTrack } =
      await import('werift');
    const { stun, addresses, udpPorts } = this.#settings;
    const peer = new RTCPeerConnection({
      codecs: {
        video: [
          new RTCRtpCodecParameters({ mimeType: 'video/H264', clockRate: 90_000, rtcpFeedback: FEEDBACK }),
        ],
      },
      iceServers: stun === '' ? [] : [{ urls: stun }],
      iceAdditionalHostAddresses: [...addresses, ...(isAlone() ? ['127.0.0.1'] : [])],
      ...(udpPorts === undefined ? {} : { icePortRange: udpPorts }),
    });
    const session = randomUUID();
    const track = new MediaStreamTrack({ kind: 'video' });
    const viewer = new RtpViewer(
      ({ payload, ticks, marker, sequence }) => {
        const header = new RtpHeader({ sequenceNumber: sequence, timestamp: ticks, marker });
        track.writeRtp(new RtpPacket(header, payload));
      },
      () => this.end(session),
    );
    try {
      const transceiver = peer.addTransceiver(track, { direction: 'sendonly' });
      await peer.setRemoteDescription({ type: 'offer', sdp });
      transceiver.codecs = chosen(transceiver.codecs);
      await peer.setLocalDescription(await peer.createAnswer());
    } catch (cause) {
      await peer.close();
      throw new LiveRefusal(400, 'bad-offer', `The WebRTC offer cannot be answered: ${messageOf(cause)}.`);
    }
    if (this.#closed) {
      await peer.close();
      throw new LiveRefusal(503, 'stopping', 'The agent is stopping.');
    }
    this.#keep(session, camera, peer, tap, viewer);
    return { session, sdp: peer.localDescription?.sdp ?? '' };
  }

  /** Further candidates of the peer, as lines of SDP (RFC 8840). False for a session that is not there. */
  async addCandidates(session: string, fragment: string): Promise<boolean> {
    const found = this.#sessions.get(session);
    if (found === undefined) return false;
    const candidates = [...fragment.matchAll(/^a=(candidate:[^\r\n]{1,500})/gm)].map(
      ([, candidate = '']) => candidate,
    );
    for (const candidate of candidates.slice(0, 50)) {
      await found.peer.addIceCandidate({ candidate, sdpMLineIndex: 0 }).catch(() => undefined);
    }
    return true;
  }

  /** False for a session that is not there. */
  end(session: string): boolean {
    const found = this.#sessions.get(session);
    this.#sessions.delete(session);
    found?.close();
    return found !== undefined;
  }

  close(): void {
    this.#closed = true;
    for (const session of [...this.#sessions.keys()]) this.end(session);
  }

  #keep(session: string, camera: string, peer: RTCPeerConnection, tap: LiveTap, viewer: RtpViewer): void {
    let leave: (() => void) | undefined;
    let heardMs = performance.now();
    const missing = setTimeout(() => this.end(session), CONNECT_MS);
    const states = peer.connectionStateChange.subscribe((state) => {
      if (state === 'connected') {
        clearTimeout(missing);
        heardMs = performance.now();
        leave ??= tap.subscribe(viewer);
        // What the camera sends may have ended the session meanwhile.
        if (!this.#sessions.has(session)) leave();
      } else if (state === 'failed' || state === 'closed' || state === 'disconnected') this.end(session);
    });
    const reports = peer.getSenders().map((sender) =>
      sender.onRtcp.subscribe(() => {
        heardMs = performance.now();
      }),
    );
    const listening = setInterval(() => {
      if (leave !== undefined && performance.now() - heardMs > SILENT_MS) this.end(session);
    }, SILENT_MS / 4);
    this.#sessions.set(session, {
      camera,
      peer,
      close: () => {
        clearTimeout(missing);
        clearInterval(listening);
        for (const { unSubscribe } of [states, ...reports]) unSubscribe();
        leave?.();
        viewer.close();
        peer
          .close()
          .catch((error: unknown) =>
            this.#log.debug({ fault: messageOf(error) }, 'a WebRTC session ended badly'),
          );
      },
    });
  }
}

const FEEDBACK = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];

async function requireH264(camera: string, tap: LiveTap): Promise<void> {
  const found = await newestGroup(tap, { timeoutMs: PATIENCE_MS });
  if (found === undefined)
    throw new LiveRefusal(503, 'camera-silent', `Camera ${camera} sends nothing at the moment.`);
  const { video } = found.stream;
  if (video.codecId !== H264 || h264Config(video.codecPrivate) === undefined) {
    const name = codecName(video);
    throw new LiveRefusal(
      415,
      'codec',
      `Camera ${camera} sends ${name}, and WebRTC carries only H.264: use MSE or MJPEG.`,
    );
  }
  const pictures = found.packets.filter(({ kind }) => kind === 'video');
  const inOrder = pictures.every(
    ({ streamUs }, index) => streamUs >= (pictures[index - 1]?.streamUs ?? streamUs),
  );
  if (!inOrder)
    throw new LiveRefusal(
      415,
      'b-frames',
      `Camera ${camera} sends B-frames, which WebRTC cannot show: switch them off in the camera, or use MSE or MJPEG.`,
    );
}

/** Of those that both know: pictures in several packets, as any camera's are; and what repairs them. */
function chosen(codecs: RTCRtpCodecParameters[]): RTCRtpCodecParameters[] {
  const h264 = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === 'video/h264');
  const best =
    h264.find(({ parameters }) => parameters?.includes('packetization-mode=1') === true) ?? h264[0];
  if (best === undefined) throw new Error('it does not take H.264');
  const repair = codecs.filter(
    ({ mimeType, parameters }) =>
      mimeType.toLowerCase() === 'video/rtx' && parameters === `apt=${best.payloadType}`,
  );
  return [best, ...repair];
}

/** A host without any network has only itself. */
function isAlone(): boolean {
  return Object.values(networkInterfaces()).every(
    (addresses) => addresses?.every(({ internal }) => internal) ?? true,
  );
}
