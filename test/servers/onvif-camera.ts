import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface OnvifCameraOptions {
  user: string;
  password: string;
  profiles: { token: string; width: number; height: number; uri: string }[];
  /** How far its clock is ahead of ours. It refuses what was signed more than 5 s from its own time. Default 0. */
  clockAheadMs?: number;
  /** The host that it tells as its own. Default 127.0.0.1. */
  toldHost?: string;
}

export interface OnvifCamera {
  port: number;
  /** `onvif://127.0.0.1:PORT`, without a login. */
  url: string;
  /** Every question, by its name. */
  asked: string[];
  stop(): Promise<void>;
}

const MEDIA_PATH = '/onvif/media_of_its_own';
const MOST_SKEW_MS = 5000;

/** Starts an ONVIF camera of profile S on loopback: device and media service, no video. The caller stops it. */
export async function startOnvifCamera(options: OnvifCameraOptions): Promise<OnvifCamera> {
  const asked: string[] = [];
  const seenNonces = new Set<string>();
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const question = /<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)/.exec(text)?.[1] ?? '';
      asked.push(question);
      const reply = (status: number, body: string): void => {
        response.writeHead(status, { 'content-type': 'application/soap+xml' }).end(envelope(body));
      };
      const isMedia = request.url === MEDIA_PATH;
      if (!isMedia && request.url !== '/onvif/device_service') {
        response.writeHead(404).end();
        return;
      }
      if (question !== 'GetSystemDateAndTime' && !isSigned(text, options, seenNonces)) {
        reply(400, fault('ter:NotAuthorized', 'Sender not Authorized'));
        return;
      }
      const answer = isMedia ? media(question, text, options) : device(question, options, port);
      if (answer === undefined) {
        reply(500, fault('ter:ActionNotSupported', 'Optional Action Not Implemented'));
        return;
      }
      reply(200, answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    port,
    url: `onvif://127.0.0.1:${port}`,
    asked,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function device(question: string, options: OnvifCameraOptions, port: number): string | undefined {
  if (question === 'GetSystemDateAndTime') {
    const now = new Date(Date.now() + (options.clockAheadMs ?? 0));
    const time = `<tt:Hour>${now.getUTCHours()}</tt:Hour><tt:Minute>${now.getUTCMinutes()}</tt:Minute><tt:Second>${now.getUTCSeconds()}</tt:Second>`;
    const date = `<tt:Year>${now.getUTCFullYear()}</tt:Year><tt:Month>${now.getUTCMonth() + 1}</tt:Month><tt:Day>${now.getUTCDate()}</tt:Day>`;
    const utc = `<tt:UTCDateTime><tt:Time>${time}</tt:Time><tt:Date>${date}</tt:Date></tt:UTCDateTime>`;
    return wrapped('tds', question, `<tds:SystemDateAndTime>${utc}</tds:SystemDateAndTime>`);
  }
  if (question !== 'GetCapabilities') return undefined;
  const service = `http://${options.toldHost ?? '127.0.0.1'}:${port}${MEDIA_PATH}`;
  const media = `<tt:Media><tt:XAddr>${service}</tt:XAddr></tt:Media>`;
  return wrapped('tds', question, `<tds:Capabilities>${media}</tds:Capabilities>`);
}

function media(question: string, text: string, { profiles }: OnvifCameraOptions): string | undefined {
  if (question === 'GetProfiles') {
    const each = profiles.map(({ token, width, height }) => {
      const size = `<tt:Width>${width}</tt:Width><tt:Height>${height}</tt:Height>`;
      const encoder = `<tt:Encoding>H264</tt:Encoding><tt:Resolution>${size}</tt:Resolution>`;
      return (
        `<trt:Profiles fixed="true" token="${token}"><tt:Name>${token}</tt:Name>` +
        `<tt:VideoEncoderConfiguration token="e">${encoder}</tt:VideoEncoderConfiguration></trt:Profiles>`
      );
    });
    // A profile that only holds sound is no picture.
    return wrapped(
      'trt',
      question,
      `<trt:Profiles token="sound"><tt:Name>s</tt:Name></trt:Profiles>${each.join('')}`,
    );
  }
  if (question !== 'GetStreamUri') return undefined;
  const token = /<(?:\w+:)?ProfileToken>([^<]*)</.exec(text)?.[1];
  const profile = profiles.find((one) => one.token === token);
  if (profile === undefined || !/Protocol>RTSP</.test(text)) return undefined;
  return wrapped(
    'trt',
    question,
    `<trt:MediaUri><tt:Uri>${profile.uri.replaceAll('&', '&amp;')}</tt:Uri></trt:MediaUri>`,
  );
}

/** The digest of WS-Security's UsernameToken: each nonce once, close to the camera's own time. */
function isSigned(text: string, options: OnvifCameraOptions, seenNonces: Set<string>): boolean {
  const field = (name: string): string =>
    new RegExp(`<(?:\\w+:)?${name}(?: [^>]*)?>([^<]*)<`).exec(text)?.[1] ?? '';
  const [nonce, created] = [field('Nonce'), field('Created')];
  const skewMs = Math.abs(Date.parse(created) - (Date.now() + (options.clockAheadMs ?? 0)));
  if (!(skewMs < MOST_SKEW_MS) || seenNonces.has(nonce)) return false;
  seenNonces.add(nonce);
  const digest = createHash('sha1')
    .update(Buffer.concat([Buffer.from(nonce, 'base64'), Buffer.from(`${created}${options.password}`)]))
    .digest('base64');
  return field('Username') === options.user.replaceAll('&', '&amp;') && field('Password') === digest;
}

function wrapped(prefix: string, question: string, content: string): string {
  return `<${prefix}:${question}Response>${content}</${prefix}:${question}Response>`;
}

function fault(code: string, reason: string): string {
  const value = `<s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>${code}</s:Value></s:Subcode></s:Code>`;
  return `<s:Fault>${value}<s:Reason><s:Text xml:lang="en">${reason}</s:Text></s:Reason></s:Fault>`;
}

function envelope(body: string): string {
  const onvif = 'http://www.onvif.org/ver10';
  return (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
    ` xmlns:tds="${onvif}/device/wsdl" xmlns:trt="${onvif}/media/wsdl" xmlns:tt="${onvif}/schema"` +
    ` xmlns:ter="${onvif}/error"><s:Body>${body}</s:Body></s:Envelope>`
  );
}
