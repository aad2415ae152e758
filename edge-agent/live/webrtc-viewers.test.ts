import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { liveSettings } from '@faascam/core/live-settings';
import { createLogger } from '@faascam/core/log';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { openCameraTest, type CameraTest } from '../capture/test-camera.ts';
import { makeVideo } from '../capture/test-video.ts';
import { LiveTap } from './live-tap.ts';
import { WebRtcViewers } from './webrtc-viewers.ts';

const log = createLogger('test');
const patience = { timeout: 60_000, interval: 50 };

let directory: string;
let videos: { h264: string; mjpeg: string };
let tap: LiveTap;
let camera: CameraTest;
let viewers: WebRtcViewers;
let browser: RTCPeerConnection;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-webrtc-'));
  videos = { h264: join(directory, 'h264.mkv'), mjpeg: join(directory, 'mjpeg.mkv') };
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=30', '-g', '10', '-bf', '0'];
  await makeVideo(...picture, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', videos.h264);
  await makeVideo(...picture, '-c:v', 'mjpeg', videos.mjpeg);
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  tap = new LiveTap(systemClock, log);
  camera = await openCameraTest(directory, { source: `file:${videos.h264}` }, { tap });
  viewers = new WebRtcViewers(liveSettings.parse({ addresses: ['127.0.0.1'] }), log);
  const video = [new RTCRtpCodecParameters({ mimeType: 'video/H264', clockRate: 90_000 })];
  browser = new RTCPeerConnection({ codecs: { video }, iceAdditionalHostAddresses: ['127.0.0.1'] });
  browser.addTransceiver('video', { direction: 'recvonly' });
  await browser.setLocalDescription(await browser.createOffer());
  // It waits five seconds for the first picture, which may be too few while the camera starts.
  await camera.until(({ footage }) => footage.ring.stats.segments > 0);
});

afterEach(async () => {
  viewers.close();
  await browser.close();
  await camera.stop();
});

const offer = async (): Promise<{ sdp: string }> =>
  await viewers.offer('yard', tap, browser.localDescription?.sdp ?? '');

test('an offer that comes while the agent stops leaves no session behind', async () => {
  const answered = offer();
  viewers.close();
  await expect(answered).rejects.toMatchObject({ code: 'stopping', status: 503 });
  expect(viewers.count).toBe(0);
  expect(tap.takers).toBe(0);
});

test('a session whose camera has another codec once it is connected ends, and takes nothing', async () => {
  const { sdp } = await offer();
  await camera.stop();
  let codec = '';
  const leave = tap.subscribe({
    begin: ({ video }) => (codec = video.codecId),
    packet: () => undefined,
    end: () => undefined,
  });
  camera = await openCameraTest(directory, { source: `file:${videos.mjpeg}` }, { tap });
  await vi.waitFor(() => expect(codec).toBe('V_MJPEG'), patience);
  await browser.setRemoteDescription({ type: 'answer', sdp });
  await vi.waitFor(() => expect(viewers.count).toBe(0), patience);
  expect(tap.takers).toBe(1);
  leave();
});
