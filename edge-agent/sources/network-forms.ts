import { z } from 'zod';
import { badSource } from './bad-source.ts';
import { loginOf, networkUrl } from './network-url.ts';
import { readQuery, values } from './query.ts';
import type { Go2rtcSource, OnvifSource, Source, SrtSource, UdpSource } from './kinds.ts';

/** The forms of sources that are addresses in the network. */

/** An address that goes to ffmpeg as it is, its query being the camera's. */
export function streamSource(kind: 'rtsp' | 'http' | 'rtmp', example: string) {
  return (text: string): Source => ({ kind, url: networkUrl(text, example).text });
}

export function udpSource(kind: 'udp' | 'rtp') {
  return (text: string): UdpSource => {
    const example = `${kind}://239.0.0.1:5004 for a multicast group, or ${kind}://0.0.0.0:5004 for what is sent to this host`;
    // VLC's and ffmpeg's form with an @ before the group.
    const { url } = networkUrl(text.replace('://@', '://'), example);
    if (url.port === '') throw badSource(text, `has no port: give ${example}`);
    if (url.pathname.length > 1) throw badSource(text, `has a path behind its port: give ${example}`);
    const { interface: localAddress, sender } = readQuery(text, url.search, {
      interface: address.optional(),
      sender: address.optional(),
    });
    return {
      ...{ kind, host: url.hostname, port: Number(url.port) },
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(sender === undefined ? {} : { sender }),
    };
  };
}

/** Goes into ffmpeg's own options behind the address, so nothing but an address may be in it. */
const address = z.string().regex(/^[0-9a-z.:-]+$/i, 'must be an IP address');

export function srtSource(text: string): SrtSource {
  const example = 'srt://host:9000, or srt://0.0.0.0:9000?mode=listener';
  const { url } = networkUrl(text, example);
  if (url.port === '') throw badSource(text, `has no port: give ${example}`);
  const { mode, latency, passphrase, streamid } = readQuery(text, url.search, {
    mode: z.enum(['caller', 'listener'], 'must be caller or listener').default('caller'),
    latency: z
      .string()
      .regex(/^\d{1,5}$/, 'must be milliseconds')
      .default('200'),
    passphrase: z
      .string()
      .min(10, 'must have 10 to 79 characters')
      .max(79, 'must have 10 to 79 characters')
      .optional(),
    streamid: z.string().min(1).max(512, 'must have at most 512 characters').optional(),
  });
  return {
    ...{ kind: 'srt', host: url.hostname, port: Number(url.port), mode, latencyMs: Number(latency) },
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(streamid === undefined ? {} : { streamId: streamid }),
  };
}

export function go2rtcSource(text: string): Go2rtcSource {
  const example = 'go2rtc://host:1984/name';
  const { url } = networkUrl(text, example);
  const { rtsp = 8554 } = readQuery(text, url.search, { rtsp: values.port.optional() });
  const name = decodedOr(url.pathname.slice(1), text);
  if (name === '') throw badSource(text, `names no stream: give ${example}`);
  const login = loginText(url);
  return {
    ...{ kind: 'go2rtc', name },
    api: `http://${login}${url.hostname}:${url.port === '' ? 1984 : url.port}/`,
    url: `rtsp://${login}${url.hostname}:${rtsp}/${encodeURIComponent(name)}`,
  };
}

export function onvifSource(text: string): OnvifSource {
  const { url } = networkUrl(text, 'onvif://user:password@host');
  const { profile } = readQuery(text, url.search, {
    profile: z.enum(['main', 'sub'], 'must be main or sub').default('main'),
  });
  const path = url.pathname.length > 1 ? url.pathname : '/onvif/device_service';
  const port = url.port === '' ? '' : `:${url.port}`;
  return { kind: 'onvif', device: `http://${loginText(url)}${url.hostname}${port}${path}`, profile };
}

function decodedOr(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw badSource(text, 'has a % that begins no %XX: write it as %25', { cause });
  }
}

/** `user:password@` as it was written. */
function loginText(url: URL): string {
  return loginOf(url) === undefined ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
}
