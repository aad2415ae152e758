import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@faascam/core/clock';
import { liveSettings } from '@faascam/core/live-settings';
import { createLogger } from '@faascam/core/log';
import { freeUdpPort } from '@faascam/core/ports';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';
import { z } from 'zod';
import { openCameraTest, type CameraTest } from '../capture/test-camera.ts';
import { makeVideo } from '../capture/test-video.ts';
import { LiveTap } from './live-tap.ts';
import { WebRtcViewers } from './webrtc-viewers.ts';

const log = createLogger('test');
const patience = { timeout: 60_000, interval: 50 };

let directory: string;
let camera: CameraTest;
const tap = new LiveTap(systemClock, log);
let viewers: WebRtcViewers;
let browser: RTCPeerConnection;
let received = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-webrtc-'));
  const video = join(directory, 'h264.mkv');
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10:duration=30', '-g', '10', '-bf', '0'];
  await makeVideo(...picture, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', video);
  camera = await openCameraTest(directory, { source: `file:${video}` }, { tap });
  await camera.until(({ footage }) => footage.ring.stats.segments > 0);
});

afterAll(async () => {
  await camera.stop();
  await rm(directory, { recursive: true });
});

beforeEach(async () => {
  received = 0;
  const video = [new RTCRtpCodecParameters({ mimeType: 'video/H264', clockRate: 90_000 })];
  browser = new RTCPeerConnection({ codecs: { video }, iceAdditionalHostAddresses: ['127.0.0.1'] });
  browser.addTransceiver('video', { direction: 'recvonly' });
  browser.onTrack.subscribe((track) => {
    track.onReceiveRtp.subscribe(() => (received += 1));
  });
  await browser.setLocalDescription(await browser.createOffer());
});

afterEach(async () => {
  viewers.close();
  await browser.close();
});

function open(settings: z.input<typeof liveSettings>): void {
  viewers = new WebRtcViewers(liveSettings.parse({ addresses: ['127.0.0.1'], ...settings }), log);
}

const offered = (): string => browser.localDescription?.sdp ?? '';

/** Its lines that say where a peer can be reached, and all others. */
function parted(sdp: string): { candidates: string; rest: string } {
  const lines = sdp.split(/(?<=\r\n)/);
  const tells = (line: string): boolean => /^a=(candidate|end-of-candidates)/.test(line);
  return {
    candidates: lines.filter(tells).join(''),
    rest: lines.filter((line) => !tells(line)).join(''),
  };
}

/** Of each candidate: its address, its port, and what it is. */
function candidatesOf(sdp: string): { address: string; port: number; type: string }[] {
  return [...sdp.matchAll(/^a=candidate:\S+ \d \S+ \d+ (\S+) (\d+) typ (\S+)/gm)].map(
    ([, address = '', port, type = '']) => ({ address, port: Number(port), type }),
  );
}

test('where a browser can be reached may be told later, after its offer', async () => {
  open({});
  const { candidates, rest } = parted(offered());
  const { session, sdp } = await viewers.offer('yard', tap, rest);
  // The browser is not told where the agent is: the agent alone can find the way.
  await browser.setRemoteDescription({ type: 'answer', sdp: parted(sdp).rest });
  expect(await viewers.addCandidates('00000000-0000-4000-8000-000000000000', candidates)).toBe(false);
  expect(await viewers.addCandidates(session, 'a=candidate:nonsense\r\nno line of SDP\r\n')).toBe(true);
  expect(received).toBe(0);
  expect(await viewers.addCandidates(session, candidates)).toBe(true);
  await vi.waitFor(() => expect(received).toBeGreaterThan(20), patience);
});

test('nothing but the UDP ports that are opened for it is used', async () => {
  const first = await freeUdpPort();
  const last = Math.min(first + 50, 65_535);
  open({ udpPorts: [first, last] });
  const { sdp } = await viewers.offer('yard', tap, offered());
  const ports = candidatesOf(sdp).map(({ port }) => port);
  expect(ports).not.toEqual([]);
  for (const port of ports) expect(port).toSatisfy((each: number) => each >= first && each <= last);
  await browser.setRemoteDescription({ type: 'answer', sdp });
  await vi.waitFor(() => expect(received).toBeGreaterThan(20), patience);
});

test('the address that a STUN server sees is told to the browser', async () => {
  const stun = await startStun('198.51.100.7', 40_123);
  try {
    open({ stun: `stun:127.0.0.1:${stun.address().port}` });
    const { sdp } = await viewers.offer('yard', tap, offered());
    expect(candidatesOf(sdp)).toContainEqual({ address: '198.51.100.7', port: 40_123, type: 'srflx' });
  } finally {
    stun.close();
  }
});

/** Answers each binding request (RFC 8489) as if it came from this address. */
async function startStun(address: string, port: number): Promise<Socket> {
  const COOKIE = 0x2112a442;
  const socket = createSocket('udp4');
  socket.on('message', (request, from) => {
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(0x0101, 0);
    answer.writeUInt16BE(12, 2);
    request.copy(answer, 4, 4, 20);
    // XOR-MAPPED-ADDRESS of eight bytes, IPv4.
    answer.writeUInt16BE(0x0020, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt16BE(1, 24);
    answer.writeUInt16BE(port ^ (COOKIE >>> 16), 26);
    const number = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    answer.writeUInt32BE((number ^ COOKIE) >>> 0, 28);
    socket.send(answer, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
