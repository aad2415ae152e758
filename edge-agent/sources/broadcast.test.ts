import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@faascam/core/ports';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openInput } from './input.ts';
import { parseSource } from './source.ts';
import { openOptions, watch } from './test-play.ts';

let directory: string;
const senders: { child: ChildProcess; gone: Promise<unknown> }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faascam-broadcast-'));
});

afterEach(async () => {
  for (const { child } of senders) child.kill('SIGKILL');
  await Promise.all(senders.splice(0).map(({ gone }) => gone));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const PICTURE = [
  ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=20', '-pix_fmt', 'yuv420p', '-c:v', 'libx264'],
  ...['-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10', '-bsf:v', 'dump_extra=freq=keyframe'],
];

/** An ffmpeg that sends the test picture until the test is over. */
function send(...output: string[]): ChildProcess {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...PICTURE, ...output], { stdio: 'ignore' });
  senders.push({ child, gone: once(child, 'close') });
  return child;
}

/** An even port, as RTP wants it, with the next one free. */
async function freeUdpPort(): Promise<number> {
  for (;;) {
    const [rtp, rtcp] = [createSocket('udp4'), createSocket('udp4')];
    try {
      rtp.bind(0, '127.0.0.1');
      await once(rtp, 'listening');
      const { port } = rtp.address();
      if (port % 2 === 1) continue;
      rtcp.bind(port + 1, '127.0.0.1');
      const free = await Promise.race([
        once(rtcp, 'listening').then(() => true),
        once(rtcp, 'error').then(() => false),
      ]);
      if (free) return port;
    } finally {
      rtp.close();
      rtcp.close();
    }
  }
}

async function argsOf(text: string): Promise<string> {
  const input = await openInput(parseSource(text), openOptions());
  await input.close();
  return input.args.join(' ');
}

describe('what is sent to this host', () => {
  test('MPEG-TS over UDP plays', async () => {
    const port = await freeUdpPort();
    send('-f', 'mpegts', `udp://127.0.0.1:${port}?pkt_size=1316`);
    const { times, size } = await watch(`udp://127.0.0.1:${port}`, 20);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(20);
  });

  test('a multicast group plays, also for two at once', async () => {
    const port = await freeUdpPort();
    send('-f', 'mpegts', `udp://239.255.12.34:${port}?pkt_size=1316&localaddr=127.0.0.1&ttl=0`);
    const source = `udp://@239.255.12.34:${port}?interface=127.0.0.1`;
    const both = await Promise.all([watch(source, 10), watch(source, 10)]);
    expect(both.map(({ times }) => times.length)).toEqual([10, 10]);
  });

  test('MPEG-TS in RTP plays without a description', async () => {
    const port = await freeUdpPort();
    send('-f', 'rtp_mpegts', `rtp://127.0.0.1:${port}`);
    expect((await watch(`rtp://127.0.0.1:${port}`, 10)).times).toHaveLength(10);
  });

  test('H.264 in RTP plays as its description in a file tells', async () => {
    const port = await freeUdpPort();
    const path = join(directory, 'camera.sdp');
    send('-f', 'rtp', '-sdp_file', path, `rtp://127.0.0.1:${port}?pkt_size=1200`);
    await expect.poll(() => readFile(path, 'utf8').catch(() => '')).toContain('H264');
    expect((await watch(`sdp:${path}`, 10)).times).toHaveLength(10);
  });

  test('the address of the network and the only sender are passed on', async () => {
    const args = await argsOf('udp://239.0.0.1:5000?interface=10.0.0.2&sender=10.0.0.7');
    expect(args).toMatch(/udp:\/\/239\.0\.0\.1:5000\?.*localaddr=10\.0\.0\.2&sources=10\.0\.0\.7$/);
    expect(await argsOf('rtp://239.0.0.1:5000?sender=10.0.0.7')).toMatch(/rtp:\/\/239.*sources=10\.0\.0\.7$/);
  });
});

describe('srt://', () => {
  test('calls a camera that listens, encrypted', async () => {
    const port = await freeUdpPort();
    send('-f', 'mpegts', `srt://127.0.0.1:${port}?mode=listener&passphrase=correct-horse`);
    const { times } = await watch(`srt://127.0.0.1:${port}?passphrase=correct-horse`, 10);
    expect(times).toHaveLength(10);
  });

  test('waits for a camera that calls', async () => {
    const port = await freeUdpPort();
    // A caller that is early tries for three seconds by itself.
    send('-f', 'mpegts', `srt://127.0.0.1:${port}?mode=caller`);
    expect((await watch(`srt://127.0.0.1:${port}?mode=listener`, 10)).times).toHaveLength(10);
  });

  test('passes on its latency in ms, its stream, and no other protocol', async () => {
    expect(await argsOf('srt://h:9000?latency=500&streamid=yard')).toMatch(
      /^-protocol_whitelist srt -f mpegts .*-mode caller -latency 500000 .*-srt_streamid yard .*-i srt:\/\/h:9000$/,
    );
  });
});

describe('rtmp://', () => {
  test('plays from a server', async () => {
    const port = await freePort();
    // ffmpeg is a server for one player, and sends once that one is there.
    send('-f', 'flv', '-listen', '1', `rtmp://127.0.0.1:${port}/live/yard`);
    await expect.poll(() => listens(port), { timeout: 20_000 }).toBe(true);
    const { times, size } = await watch(`rtmp://127.0.0.1:${port}/live/yard`, 10);
    expect(size).toBe('320x240');
    expect(times).toHaveLength(10);
  });

  test('may use RTMP alone, and TLS where it says so', async () => {
    expect(await argsOf('rtmp://h/live/yard')).toMatch(
      /^-protocol_whitelist rtmp,tcp .*-i rtmp:\/\/h\/live\/yard$/,
    );
    expect(await argsOf('rtmps://h/live/yard')).toMatch(/^-protocol_whitelist rtmps,tls,tcp .*-i rtmps:/);
  });
});

/** Whether a TCP port is listened on, without connecting to it: its one player would be us. */
async function listens(port: number): Promise<boolean> {
  const table = await readFile('/proc/net/tcp', 'utf8');
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table.split('\n').some((line) => line.includes(` ${local} `) && line.includes(' 0A '));
}
