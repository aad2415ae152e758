import { cameraIdFrom } from '@faascam/core/ids';
import type { Go2rtcStream } from './go2rtc.ts';
import { printable } from './printable.ts';
import { bestFormat, type VideoFormat } from './video-formats.ts';
import { isSensor, type VideoDevice } from './video-devices.ts';
import type { OnvifCamera } from './ws-discovery.ts';

/** A camera that a search has found. */
export type Finding =
  | { kind: 'onvif'; camera: OnvifCamera }
  | { kind: 'v4l2'; device: VideoDevice; formats: VideoFormat[] }
  /** A device that could not be asked, and why. */
  | { kind: 'v4l2-fault'; device: VideoDevice; fault: string }
  | { kind: 'csi' }
  | { kind: 'go2rtc'; stream: Go2rtcStream };

/** What the config file needs to watch a found camera. */
export interface CameraEntry {
  id: string;
  source: string;
  substream?: string;
  /** Environment variables that the source takes, which the user has to set. */
  variables: string[];
}

/** A found camera as people see it. Without an entry where it cannot be used as it is. */
export interface FoundCamera {
  kind: 'onvif' | 'v4l2' | 'csi' | 'go2rtc';
  name: string;
  address: string;
  offers: string;
  entry?: CameraEntry;
  /** The id of the camera in the config that this one already is. */
  known?: string;
}

/** A camera of the config: what it is called, and where its pictures come from. */
export interface KnownCamera {
  id: string;
  source: string;
}

/**
 * What was found, with entries for the config: ids made from the cameras' names, each once, also among the ids that
 * are there. A camera whose host, device or stream is in the config already has that one's id and gets no entry.
 */
export function foundCameras(
  findings: readonly Finding[],
  config: readonly KnownCamera[] = [],
): FoundCamera[] {
  const taken = new Set(config.map(({ id }) => id));
  const ids = new Map(config.map(({ id, source }) => [placeOf(source), id]));
  return findings.map((finding): FoundCamera => {
    const found = describe(finding);
    if (found.draft === undefined) return found.shown;
    const { source, variables, ...more } = found.draft;
    const known = [placeOf(source('x', 'x')), ...(more.alsoAt ?? [])].flatMap(
      (each) => ids.get(each) ?? [],
    )[0];
    if (known !== undefined) return { ...found.shown, known };
    const id = freeId(cameraIdFrom(found.shown.name), taken);
    taken.add(id);
    const [user, password] = [`${variableOf(id)}_USER`, `${variableOf(id)}_PASSWORD`];
    const entry: CameraEntry = {
      id,
      source: source(user, password),
      ...(more.substream === undefined ? {} : { substream: more.substream(user, password) }),
      variables: variables ? [password] : [],
    };
    return { ...found.shown, entry };
  });
}

interface Draft {
  /** The source with these variables for user and password. */
  source: (user: string, password: string) => string;
  substream?: (user: string, password: string) => string;
  variables: boolean;
  /** Other places at which it is the same camera. */
  alsoAt?: string[];
}

function describe(finding: Finding): { shown: FoundCamera; draft?: Draft } {
  switch (finding.kind) {
    case 'onvif':
      return describeOnvif(finding.camera);
    case 'v4l2':
      return describeDevice(finding.device, finding.formats);
    case 'v4l2-fault': {
      const { name, path } = finding.device;
      return { shown: { kind: 'v4l2', name, address: path, offers: finding.fault } };
    }
    case 'csi':
      return {
        shown: { kind: 'csi', name: 'ribbon-cable camera', address: 'csi:', offers: 'H.264 by rpicam-vid' },
        draft: { source: () => 'csi:', variables: false },
      };
    case 'go2rtc': {
      const { host, login, name, offers } = finding.stream;
      const at = `${host}/${encodeURIComponent(name)}`;
      return {
        shown: { kind: 'go2rtc', name: printable(name), address: host, offers },
        draft: {
          source: (user, password) => `go2rtc://${login === '' ? '' : loginOf(user, password)}${at}`,
          variables: login !== '',
        },
      };
    }
  }
}

function describeOnvif(camera: OnvifCamera): { shown: FoundCamera; draft?: Draft } {
  const urls = camera.addresses.map((address) => new URL(address));
  const url = urls.find(({ protocol }) => protocol === 'http:') ?? urls[0];
  const name = camera.name || camera.hardware || 'camera';
  const hardware = camera.hardware === name ? '' : camera.hardware;
  const offers = ['ONVIF', hardware, camera.location].filter((word) => word !== '').join(', ');
  if (url === undefined) return { shown: { kind: 'onvif', name, address: camera.endpoint, offers } };
  const usual = url.pathname === '/onvif/device_service' || url.pathname === '/';
  // Behind a host, a source takes no @ that is not escaped.
  const path = usual ? '' : url.pathname.replaceAll('@', '%40');
  const source = (user: string, password: string): string =>
    `onvif://${loginOf(user, password)}${url.host}${path}`;
  return {
    shown: { kind: 'onvif', name, address: url.host, offers },
    draft: {
      source,
      substream: (user, password) => `${source(user, password)}?profile=sub`,
      variables: true,
      alsoAt: urls.map(({ hostname }) => `host ${hostname}`),
    },
  };
}

function describeDevice(
  device: VideoDevice,
  formats: readonly VideoFormat[],
): { shown: FoundCamera; draft?: Draft } {
  const best = bestFormat(formats);
  const offers = formats.map(({ format, sizes }) => `${format} ${largest(sizes)}`).join(', ');
  const shown: FoundCamera = { kind: 'v4l2', name: device.name, address: device.path, offers };
  if (best === undefined) return { shown };
  const query = [
    `size=${best.width}x${best.height}`,
    ...(best.rate === undefined ? [] : [`rate=${best.rate}`]),
    `format=${best.format}`,
  ].join('&');
  const source = `v4l2:${device.stablePath ?? device.path}?${query}`;
  return { shown, draft: { source: () => source, variables: false, alsoAt: [`device ${device.path}`] } };
}

function largest(sizes: readonly { width: number; height: number }[]): string {
  const [first] = [...sizes].sort((a, b) => b.width * b.height - a.width * a.height);
  return first === undefined ? '' : `${first.width}x${first.height}`;
}

/** Findings of a host's devices: a board's receiver of ribbon-cable cameras is one camera, whatever its nodes. */
export function deviceFindings(
  devices: readonly { device: VideoDevice; about: { formats: VideoFormat[] } | { fault: string } }[],
): Finding[] {
  const findings = devices.flatMap(({ device, about }): Finding[] => {
    if (isSensor(device)) return [];
    if ('fault' in about) {
      // What goes for a camera's first node goes for its others.
      return device.index === 0 ? [{ kind: 'v4l2-fault', device, fault: about.fault }] : [];
    }
    return about.formats.length > 0 ? [{ kind: 'v4l2', device, formats: about.formats }] : [];
  });
  return devices.some(({ device }) => isSensor(device)) ? [{ kind: 'csi' }, ...findings] : findings;
}

/** What tells that two sources are the same camera: the host of a camera in the network, a device, a stream. */
function placeOf(source: string): string {
  // Variables are not filled in here, and `URL` takes no braces.
  const plain = source.replaceAll(/\$\{[^}]*\}/g, 'x');
  const device = /^v4l2:([^?]+)/i.exec(plain)?.[1];
  if (device !== undefined) return `device ${device}`;
  if (/^csi:/i.test(plain)) return 'csi';
  if (!URL.canParse(plain)) return `source ${plain}`;
  const { protocol, hostname, port, pathname } = new URL(plain);
  if (protocol === 'go2rtc:') return `go2rtc ${hostname}:${port || 1984}${pathname}`;
  // A camera that is watched by its RTSP address, and one that ONVIF would find, are the same.
  return hostname === '' ? `source ${plain}` : `host ${hostname}`;
}

function loginOf(user: string, password: string): string {
  return `\${${user}:-admin}:\${${password}}@`;
}

function variableOf(id: string): string {
  const name = id.toUpperCase().replaceAll('-', '_');
  return /^[A-Z_]/.test(name) ? name : `CAMERA_${name}`;
}

function freeId(wanted: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count++) {
    const ending = count === 1 ? '' : `-${count}`;
    const id = `${wanted.slice(0, 63 - ending.length)}${ending}`;
    if (!taken.has(id)) return id;
  }
}
