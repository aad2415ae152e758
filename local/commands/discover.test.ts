import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '@faascam/core/config';
import { freePort } from '@faascam/core/ports';
import { addCameras, withCameras } from '../config-entries.ts';
import { discover, type DiscoverCommand } from './discover.ts';

const scratch = mkdtempSync(join(tmpdir(), 'faascam-discover-'));
const { signal } = new AbortController();
let camera: Socket;
let go2rtc: Server;
let target = { host: '127.0.0.1', port: 0 };
let go2rtcHost = '';

beforeAll(async () => {
  camera = createSocket('udp4');
  const answer = `<e:Envelope xmlns:e="e" xmlns:a="a" xmlns:d="d"><e:Body><d:ProbeMatches><d:ProbeMatch>
    <a:EndpointReference><a:Address>urn:uuid:7</a:Address></a:EndpointReference>
    <d:Scopes>onvif://www.onvif.org/name/Front%20Door</d:Scopes>
    <d:XAddrs>http://192.0.2.7/onvif/device_service</d:XAddrs>
    </d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>`;
  camera.on('message', (_message, from) => camera.send(answer, from.port, from.address));
  camera.bind(0, '127.0.0.1');
  await once(camera, 'listening');
  target = { host: '127.0.0.1', port: camera.address().port };
  go2rtc = createServer((_request, response) => response.end('{"yard":{"producers":[{"url":"rtsp://x"}]}}'));
  go2rtc.listen(0, '127.0.0.1');
  await once(go2rtc, 'listening');
  const address = go2rtc.address();
  go2rtcHost = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});
afterAll(() => {
  camera.close();
  go2rtc.closeAllConnections();
  go2rtc.close();
  rmSync(scratch, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs the command on a host with these devices; answers what it wrote. */
async function run(command: DiscoverCommand, devices: string[] = [], answers = true) {
  const root = mkdtempSync(join(scratch, 'host-'));
  mkdirSync(join(root, 'dev'));
  for (const node of devices) writeFileSync(join(root, 'dev', node), '');
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    });
  }
  const onvif = { from: ['127.0.0.1'], target: answers ? target : { ...target, port: await freePort() } };
  const failure = await discover({ timeout: 0.5, ...command }, signal, { root, onvif }).then(
    () => undefined,
    (error: unknown) => error,
  );
  vi.restoreAllMocks();
  return { ...written, failure };
}

describe('faascam discover', () => {
  it('shows what is found in the network, on the host and at go2rtc, and the entries for the config', async () => {
    const { stdout, stderr, failure } = await run({ go2rtc: [go2rtcHost] });
    expect(failure).toBeUndefined();
    expect(stdout).toMatch(/^KIND +NAME +ADDRESS +OFFERS +CAMERA$/m);
    expect(stdout).toMatch(/^onvif +Front Door +192\.0\.2\.7 +ONVIF +front-door$/m);
    expect(stdout).toMatch(/^go2rtc +yard +127\.0\.0\.1:\d+ +rtsp +yard$/m);
    expect(stdout).toContain('cameras:\n  front-door:\n    source: onvif://${FRONT_DOOR_USER:-admin}:');
    expect(stderr).toMatch(/Set before: FRONT_DOOR_PASSWORD=/);
  });

  it('says what to try where nothing is found', async () => {
    const { stdout, stderr, failure } = await run({}, [], false);
    expect([stdout, failure]).toEqual(['', undefined]);
    expect(stderr).toMatch(/No camera was found[^]*faascam up rtsp:\/\/user:password@host\/path/);
  });

  it('shows what answers when something else does not, and fails at the end', async () => {
    const { stdout, stderr, failure } = await run({ go2rtc: [`127.0.0.1:${await freePort()}`] });
    expect(stdout).toMatch(/front-door/);
    expect(stderr).toMatch(/go2rtc at 127\.0\.0\.1:\d+ does not listen/);
    expect(failure).toMatchObject({ code: 'search-incomplete' });
  });

  it('shows a device that it cannot ask, with the reason', async () => {
    const { stdout } = await run({}, ['video77'], false);
    expect(stdout).toMatch(/^v4l2 +video77 +\/dev\/video77 +was unplugged +-$/m);
  });

  it('gives all of it as JSON', async () => {
    const { stdout } = await run({ json: '-', go2rtc: [go2rtcHost] });
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({
      v: 1,
      found: [
        {
          kind: 'onvif',
          name: 'Front Door',
          entry: { id: 'front-door', variables: ['FRONT_DOOR_PASSWORD'] },
        },
        { kind: 'go2rtc', entry: { id: 'yard', source: `go2rtc://${go2rtcHost}/yard` } },
      ],
      faults: [],
    });
  });

  it('writes a config that is right, and adds nothing a second time', async () => {
    const file = join(scratch, 'new.yml');
    const first = await run({ write: file, go2rtc: [go2rtcHost] });
    expect(first.stderr).toMatch(/Wrote front-door, yard to .*new\.yml/);
    const text = readFileSync(file, 'utf8');
    const config = parseConfig(text, file, { FRONT_DOOR_PASSWORD: 'x' });
    expect(config.cameras['front-door']).toMatchObject({
      source: 'onvif://admin:x@192.0.2.7',
      substream: 'onvif://admin:x@192.0.2.7?profile=sub',
    });
    const second = await run({ write: file, go2rtc: [go2rtcHost] });
    expect(second.stderr).toMatch(/Nothing to write to .*: what was found is there already/);
    expect(second.stdout).toMatch(/front-door \(in the config\)/);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(readdirSync(scratch).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

describe('a config that is wrong', () => {
  it('is not written, and nothing is searched for', async () => {
    const file = join(scratch, 'wrong.yml');
    const text = 'cameras: { yard: { source: "rtsp://cam:s3cret@192.0.2.1/"s3cret } }\n';
    writeFileSync(file, text);
    const { stdout, failure } = await run({ write: file });
    expect([stdout, readFileSync(file, 'utf8')]).toEqual(['', text]);
    expect(failure).toMatchObject({ code: 'config-invalid' });
    expect(String(failure)).not.toMatch(/s3cret/);
  });
});

describe('adding cameras to a config', () => {
  const added = { id: 'gate', source: 'rtsp://192.0.2.9/live', comment: 'Gate' };

  it('keeps what stands there, with its comments', () => {
    const before = `# Ours.
data: /srv/cam # the big disk

cameras:
  # Over the door.
  door:
    source: "rtsp://cam:\${DOOR:-}@192.0.2.1/a" # quoted

motion: { sensitivity: 7 }
`;
    const entry = '  # Gate\n  gate:\n    source: rtsp://192.0.2.9/live\n';
    expect(withCameras(before, [added], 'x.yml')).toBe(before.replace('\n\nmotion', `\n${entry}\nmotion`));
  });

  it.each([
    '',
    '# Only a comment.\n',
    'cameras:\n',
    'cameras: {}\n',
    'cameras: { a: { source: "demo:" } }\n',
  ])('works for %j', (before) => {
    const config = parseConfig(withCameras(before, [added], 'x.yml'), 'x.yml');
    expect(config.cameras['gate']?.source).toBe(added.source);
  });

  it.each([
    ['cameras: [', /x\.yml:1: .*mend it first/],
    ['- a\n', /no config file/],
    ['cameras: [a]\n', /mend it first/],
  ])('refuses %j', (before, expected) => {
    expect(() => withCameras(before, [added], 'x.yml')).toThrow(expected);
  });

  it('leaves the file to the group that it is for', async () => {
    const file = join(scratch, 'group.yml');
    writeFileSync(file, 'cameras: {}\n', { mode: 0o640 });
    // Only root may give a file to another group.
    const group = process.getuid?.() === 0 ? 12_345 : statSync(file).gid;
    chownSync(file, statSync(file).uid, group);
    await addCameras(file, [added]);
    expect(statSync(file)).toMatchObject({ gid: group, mode: 0o100_640 });
  });

  it('changes the file behind a link, keeps who may read it, and tells where it cannot', async () => {
    const [file, link] = [join(scratch, 'real.yml'), join(scratch, 'link.yml')];
    writeFileSync(file, 'cameras: {}\n', { mode: 0o600 });
    symlinkSync(file, link);
    await addCameras(link, [added]);
    expect(readFileSync(file, 'utf8')).toMatch(/gate/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const missing = join(scratch, 'no-folder/faascam.yml');
    await expect(addCameras(missing, [added])).rejects.toMatchObject({ code: 'config-not-written' });
  });
});
