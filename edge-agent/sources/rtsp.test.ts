import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startRtspCamera, type RtspCamera, type RtspCameraOptions } from '@faascam/test-servers/rtsp-camera';
import { afterEach, describe, expect, test } from 'vitest';
import { rtspInput } from './rtsp.ts';
import { watch } from './test-play.ts';

const cameras: RtspCamera[] = [];

afterEach(async () => {
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
});

async function camera(options: RtspCameraOptions): Promise<RtspCamera> {
  const started = await startRtspCamera({ lavfi: 'testsrc2=size=320x240:rate=10', ...options });
  cameras.push(started);
  return started;
}

const overUdp = { settings: { transport: 'udp', format: 'auto', pollMs: 1000 } } as const;

describe('rtsp://', () => {
  test.each(['basic', 'digest'] as const)(
    'plays with %s authentication and a password of any characters',
    async (auth) => {
      const { url } = await camera({ user: 'cam', password: 'p:a/s s%@', auth });
      const { times, size } = await watch(url, 5);
      expect(size).toBe('320x240');
      expect(times).toHaveLength(5);
    },
  );

  test('plays over UDP from a camera that speaks nothing else', async () => {
    const { url } = await camera({ transport: 'udp', user: 'cam', password: 'geheim' });
    expect((await watch(url, 5, overUdp)).times).toHaveLength(5);
  });

  test('over TLS plays, with the certificate that the camera made for itself', async () => {
    const { url } = await camera({ certificate: await ownCertificate(), user: 'cam', password: 'geheim' });
    expect(url).toMatch(/^rtsps:/);
    // The setting for UDP does not concern it.
    expect((await watch(url, 5, overUdp)).times).toHaveLength(5);
  });

  test('may use what its transport needs, and nothing else', () => {
    const protocols = (url: string, transport: 'tcp' | 'udp'): string | undefined =>
      rtspInput(url, transport, 'quick').args[1];
    expect(protocols('rtsp://h/s', 'tcp')).toBe('rtsp,rtp,tcp');
    expect(protocols('rtsp://h/s', 'udp')).toBe('rtsp,rtp,udp,tcp');
    expect(protocols('rtsps://h/s', 'tcp')).toBe('rtsp,rtsps,rtp,tls,tcp');
  });
});

/** PEM of a key and a certificate that it signed itself. */
async function ownCertificate(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'faascam-tls-'));
  try {
    const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
    const subject = ['-subj', '/CN=camera', '-days', '2', '-keyout', key, '-out', certificate];
    await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject]);
    return (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
