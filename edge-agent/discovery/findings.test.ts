import { describe, expect, test } from 'vitest';
import { cameraId } from '@faascam/core/ids';
import { parseSource } from '../sources/source.ts';
import { deviceFindings, foundCameras, type Finding } from './findings.ts';
import type { VideoFormat } from './video-formats.ts';

function onvif(name: string, ...addresses: string[]): Finding {
  const camera = { endpoint: 'urn:uuid:1', name, hardware: 'IPC-7', location: '', addresses };
  return { kind: 'onvif', camera };
}

const mjpeg: VideoFormat = {
  ...{ format: 'mjpeg', raw: false },
  sizes: [{ width: 1280, height: 720, rates: [30, 15] }],
};
const webcam = (path: string, stablePath?: string): Finding => ({
  kind: 'v4l2',
  device: { path, name: 'C920', index: 0, ...(stablePath === undefined ? {} : { stablePath }) },
  formats: [mjpeg],
});
const stream = (name: string, login = ''): Finding => ({
  kind: 'go2rtc',
  stream: { host: 'nas:1984', login, name, offers: 'H264' },
});

describe('entries for the config', () => {
  test('of an ONVIF camera have its main and its small stream, and variables for its login', () => {
    const [camera] = foundCameras([onvif('Front Door', 'http://192.0.2.7:8000/onvif/device_service')]);
    expect(camera).toEqual({
      ...{ kind: 'onvif', name: 'Front Door', address: '192.0.2.7:8000', offers: 'ONVIF, IPC-7' },
      entry: {
        id: 'front-door',
        source: 'onvif://${FRONT_DOOR_USER:-admin}:${FRONT_DOOR_PASSWORD}@192.0.2.7:8000',
        substream: 'onvif://${FRONT_DOOR_USER:-admin}:${FRONT_DOOR_PASSWORD}@192.0.2.7:8000?profile=sub',
        variables: ['FRONT_DOOR_PASSWORD'],
      },
    });
  });

  test('keep the path of a device service that has another', () => {
    const [camera] = foundCameras([onvif('3D', 'https://192.0.2.7/x', 'http://192.0.2.7/onvif/service')]);
    expect(camera?.entry?.source).toBe(
      'onvif://${CAMERA_3D_USER:-admin}:${CAMERA_3D_PASSWORD}@192.0.2.7/onvif/service',
    );
  });

  test('of a device name it by what stays, with its best format', () => {
    expect(foundCameras([webcam('/dev/video0')])[0]?.entry?.source).toBe(
      'v4l2:/dev/video0?size=1280x720&rate=30&format=mjpeg',
    );
    expect(foundCameras([webcam('/dev/video0', '/dev/v4l/by-id/usb-C920')])[0]?.entry?.source).toBe(
      'v4l2:/dev/v4l/by-id/usb-C920?size=1280x720&rate=30&format=mjpeg',
    );
  });

  test('of a stream of go2rtc carry no password', () => {
    const [open, locked] = foundCameras([stream('back yard'), stream('gate', 'me:s3cret@')]);
    expect(open?.entry).toEqual({ id: 'back-yard', source: 'go2rtc://nas:1984/back%20yard', variables: [] });
    expect(locked?.entry?.source).toBe('go2rtc://${GATE_USER:-admin}:${GATE_PASSWORD}@nas:1984/gate');
  });

  test('are sources that an agent takes, under ids that are allowed', () => {
    const names = ['Front Door', '', '摄像头', '../../etc', '__proto__', 'x'.repeat(300), 'a%'];
    const found = foundCameras([
      ...names.map((name) => onvif(name, 'http://192.0.2.7/onvif/device_service')),
      ...names.map((name) => stream(name || 'x', 'a:b@')),
      webcam('/dev/video0'),
      { kind: 'csi' },
    ]);
    const entries = found.flatMap(({ entry }) => entry ?? []);
    expect(entries.length).toBe(names.length * 2 + 2);
    for (const { id, source, substream } of entries) {
      expect(cameraId.safeParse(id).success).toBe(true);
      for (const text of [source, substream ?? source]) {
        const filled = text.replaceAll(/\$\{[A-Z_][A-Z0-9_]*(:-admin)?\}/g, 'word');
        expect(filled).not.toContain('$');
        expect(() => parseSource(filled)).not.toThrow();
      }
    }
    expect(new Set(entries.map(({ id }) => id)).size).toBe(entries.length);
  });

  test('get ids that are still free', () => {
    const config = [{ id: 'yard', source: 'rtsp://192.0.2.1/live' }];
    const found = foundCameras(
      [onvif('Yard', 'http://192.0.2.2/'), onvif('yard!', 'http://192.0.2.3/')],
      config,
    );
    expect(found.map(({ entry }) => entry?.id)).toEqual(['yard-2', 'yard-3']);
  });

  test('are not made of what is in the config already', () => {
    const config = [
      { id: 'door', source: 'rtsp://viewer:${DOOR:-}@192.0.2.7:554/stream1' },
      { id: 'desk', source: 'v4l2:/dev/video0?size=640x480' },
      { id: 'gate', source: 'go2rtc://nas/gate' },
      { id: 'pi', source: 'csi:?size=640x480' },
    ];
    const found = foundCameras(
      [
        onvif('Front Door', 'http://192.0.2.7/onvif/device_service'),
        webcam('/dev/video0', '/dev/v4l/by-id/usb-C920'),
        stream('gate'),
        stream('yard'),
        { kind: 'csi' },
      ],
      config,
    );
    expect(found.map(({ known, entry }) => known ?? `new ${entry?.id}`)).toEqual([
      ...['door', 'desk', 'gate', 'new yard', 'pi'],
    ]);
  });
});

describe('the devices of a host', () => {
  const node = (number: number, name: string, index = 0) => ({ path: `/dev/video${number}`, name, index });

  test('are cameras where pictures come from them', () => {
    const findings = deviceFindings([
      { device: node(0, 'C920'), about: { formats: [mjpeg] } },
      { device: node(1, 'C920', 1), about: { formats: [] } },
      { device: node(2, 'Locked'), about: { fault: 'may not be opened' } },
      { device: node(3, 'Locked', 1), about: { fault: 'may not be opened' } },
    ]);
    expect(foundCameras(findings).map(({ address, offers, entry }) => [address, offers, entry?.id])).toEqual([
      ['/dev/video0', 'mjpeg 1280x720', 'c920'],
      ['/dev/video2', 'may not be opened', undefined],
    ]);
  });

  test('that are receivers of a ribbon-cable camera are one csi: camera', () => {
    const findings = deviceFindings([
      { device: node(0, 'unicam'), about: { formats: [mjpeg] } },
      { device: node(1, 'unicam', 1), about: { fault: 'is in use' } },
    ]);
    expect(foundCameras(findings).map(({ entry }) => entry?.source)).toEqual(['csi:']);
  });
});
