import { HttpClient } from './http-client.ts';
import type { OnvifSource } from './kinds.ts';
import { loginOf } from './network-url.ts';
import { escapeXml, OnvifDevice, part, textOf } from './onvif-soap.ts';
import { rtspInput } from './rtsp.ts';
import { SourceError } from './source-error.ts';
import type { OpenOptions, SourceInput } from './source-input.ts';

const DEVICE = 'http://www.onvif.org/ver10/device/wsdl';
const MEDIA = 'http://www.onvif.org/ver10/media/wsdl';
const SCHEMA = 'http://www.onvif.org/ver10/schema';

/** A way in which a camera encodes its picture. */
export interface Profile {
  token: string;
  /** Pixels; 0 where the camera does not tell. */
  area: number;
}

/** Asks an ONVIF camera (profile S, media service 1) for its stream's address, and plays that. */
export async function openOnvif(source: OnvifSource, options: OpenOptions): Promise<SourceInput> {
  const url = await resolveOnvif(source, options.signal);
  return rtspInput(url, options.settings.transport, options.analysis);
}

/** The RTSP address, with user and password, of an ONVIF camera. Rejects with `SourceError`. */
export async function resolveOnvif(source: OnvifSource, signal: AbortSignal): Promise<string> {
  const address = new URL(source.device);
  const client = new HttpClient(address);
  try {
    const device = new OnvifDevice(client, loginOf(address), signal);
    device.clockAheadMs = await clockAhead(device, address);
    const media = await mediaService(device, address);
    const asked = await device.ask(media, `<GetProfiles xmlns="${MEDIA}"/>`, { signed: true });
    const profile = chooseProfile(profilesIn(asked), source.profile);
    if (profile === undefined) {
      throw new SourceError(
        'no-video',
        'has no video profile: make one in the camera, or use its RTSP address',
        'slow',
      );
    }
    const answer = await device.ask(media, streamUriQuestion(profile.token), { signed: true });
    const uri = textOf(answer, 'GetStreamUriResponse', 'MediaUri', 'Uri');
    return streamAddress(uri ?? '', address);
  } finally {
    client.close();
  }
}

/** `main` is the camera's first profile with video, which the standard keeps for its best; `sub` the smallest. */
export function chooseProfile(profiles: readonly Profile[], which: 'main' | 'sub'): Profile | undefined {
  if (which === 'main') return profiles[0];
  const known = profiles.filter(({ area }) => area > 0);
  // A camera that tells no sizes mostly lists its substream second.
  if (known.length === 0) return profiles[1] ?? profiles[0];
  return known.reduce((smallest, profile) => (profile.area < smallest.area ? profile : smallest));
}

/**
 * The stream's address as we can use it: on the host that was asked, since cameras tell an address of their own network
 * or none, and since user and password are meant for no other host. Throws `SourceError` for what is no RTSP address.
 */
export function streamAddress(uri: string, asked: URL): string {
  if (!/^rtsps?:\/\//i.test(uri)) {
    throw new SourceError(
      'no-video',
      'tells of no RTSP address for its stream: switch RTSP on in the camera, or use its RTSP address',
      'slow',
    );
  }
  // Port 0 and a missing host are read too, which URL may refuse.
  const [, scheme = 'rtsp', authority = '', path = ''] = /^(rtsps?):\/\/([^/?]*)(.*)$/i.exec(uri) ?? [];
  const port = Number(/:(\d+)$/.exec(authority)?.[1] ?? 0);
  const login = asked.username === '' ? '' : `${asked.username}:${asked.password}@`;
  const address = `${scheme.toLowerCase()}://${login}${asked.hostname}${port > 0 && port < 65_536 ? `:${port}` : ''}${path}`;
  if (URL.canParse(address) && !/\s/.test(address)) return address;
  throw new SourceError(
    'no-video',
    'tells an address for its stream that cannot be used: use its RTSP address',
    'slow',
  );
}

/** How far the camera's clock is ahead of ours, in ms. 0 if it does not tell. Needs no login. */
async function clockAhead(device: OnvifDevice, address: URL): Promise<number> {
  const answer = await device
    .ask(address, `<GetSystemDateAndTime xmlns="${DEVICE}"/>`, { signed: false })
    .catch((error: unknown) => {
      // Some cameras want a login even for this. A wrong clock then shows as a refused one.
      if (
        error instanceof SourceError &&
        ['wrong-password', 'refused-stream', 'forbidden'].includes(error.code)
      ) {
        return undefined;
      }
      throw error;
    });
  const utc = part(answer, 'GetSystemDateAndTimeResponse', 'SystemDateAndTime', 'UTCDateTime');
  const field = (...names: string[]): number => Number(textOf(utc, ...names) ?? Number.NaN);
  const cameraMs = Date.UTC(
    field('Date', 'Year'),
    field('Date', 'Month') - 1,
    field('Date', 'Day'),
    field('Time', 'Hour'),
    field('Time', 'Minute'),
    field('Time', 'Second'),
  );
  return Number.isFinite(cameraMs) ? cameraMs - Date.now() : 0;
}

/** Where the media service is: on the host that was asked, at the path that the device tells. */
async function mediaService(device: OnvifDevice, address: URL): Promise<URL> {
  const question = `<GetCapabilities xmlns="${DEVICE}"><Category>Media</Category></GetCapabilities>`;
  const answer = await device.ask(address, question, { signed: true });
  const told = textOf(answer, 'GetCapabilitiesResponse', 'Capabilities', 'Media', 'XAddr') ?? '';
  const service = new URL(address);
  if (URL.canParse(told)) {
    const { pathname, search } = new URL(told);
    service.pathname = pathname;
    service.search = search;
  }
  return service;
}

function profilesIn(answer: unknown): Profile[] {
  const profiles = part(answer, 'GetProfilesResponse', 'Profiles');
  if (!Array.isArray(profiles)) return [];
  return profiles.flatMap((profile: unknown) => {
    const token = textOf(profile, '@token');
    const encoder = part(profile, 'VideoEncoderConfiguration');
    if (token === undefined || encoder === undefined) return [];
    const width = Number(textOf(encoder, 'Resolution', 'Width') ?? 0);
    const height = Number(textOf(encoder, 'Resolution', 'Height') ?? 0);
    return [{ token, area: width * height || 0 }];
  });
}

function streamUriQuestion(token: string): string {
  return [
    `<GetStreamUri xmlns="${MEDIA}"><StreamSetup>`,
    `<Stream xmlns="${SCHEMA}">RTP-Unicast</Stream>`,
    `<Transport xmlns="${SCHEMA}"><Protocol>RTSP</Protocol></Transport>`,
    `</StreamSetup><ProfileToken>${escapeXml(token)}</ProfileToken></GetStreamUri>`,
  ].join('');
}
