import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { searchOnvif } from './onvif-search.ts';
import { camerasIn, probeMessage } from './ws-discovery.ts';

interface Described {
  endpoint?: string;
  types?: string;
  scopes?: string;
  addresses?: string;
}

function matchOf(camera: Described): string {
  return [
    '<d:ProbeMatch>',
    `<wsa:EndpointReference><wsa:Address>${camera.endpoint ?? 'urn:uuid:1'}</wsa:Address></wsa:EndpointReference>`,
    `<d:Types>${camera.types ?? 'dn:NetworkVideoTransmitter tds:Device'}</d:Types>`,
    `<d:Scopes>${camera.scopes ?? 'onvif://www.onvif.org/name/Yard'}</d:Scopes>`,
    `<d:XAddrs>${camera.addresses ?? 'http://192.0.2.7/onvif/device_service'}</d:XAddrs>`,
    '<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch>',
  ].join('');
}

function answerOf(...cameras: Described[]): Buffer {
  return Buffer.from(
    `<?xml version="1.0"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:d="x" xmlns:wsa="y">
      <env:Header><wsa:RelatesTo>uuid:9</wsa:RelatesTo></env:Header>
      <env:Body><d:ProbeMatches>${cameras.map(matchOf).join('')}</d:ProbeMatches></env:Body></env:Envelope>`,
  );
}

describe("a camera's answer", () => {
  test('tells its name, hardware, place and addresses, the one it answered from first', () => {
    const scopes = [
      'onvif://www.onvif.org/Profile/Streaming',
      'onvif://www.onvif.org/name/Front%20Door',
      'onvif://www.onvif.org/hardware/IPC-100%25',
      'onvif://www.onvif.org/location/country/de',
      'onvif://www.onvif.org/location/Yard',
    ].join('\n');
    const addresses = 'http://169.254.3.4/onvif http://192.0.2.7:8000/onvif/device_service?a=1&amp;b=2';
    expect(camerasIn(answerOf({ endpoint: 'urn:uuid:7', scopes, addresses }), '192.0.2.7')).toEqual([
      {
        endpoint: 'urn:uuid:7',
        name: 'Front Door',
        hardware: 'IPC-100%',
        location: 'country/de, Yard',
        addresses: ['http://192.0.2.7:8000/onvif/device_service?a=1&b=2', 'http://169.254.3.4/onvif'],
      },
    ]);
  });

  test('may tell of several cameras, as a recorder does; those that are malformed or no cameras are left out', () => {
    const answer = answerOf(
      { endpoint: 'a' },
      { endpoint: 'b', addresses: '' },
      { endpoint: 'c', types: 'wprt:PrintDeviceType' },
      { endpoint: 'd', types: '', scopes: '' },
      { endpoint: 'e', addresses: 'file:///etc/passwd javascript:alert(1) http://user:secret@192.0.2.1/' },
    );
    expect(camerasIn(answer, '192.0.2.7').map(({ endpoint, name }) => [endpoint, name])).toEqual([
      ['a', 'Yard'],
      ['d', ''],
    ]);
  });

  test('cannot steer a terminal', () => {
    const scopes = 'onvif://www.onvif.org/name/%1B%5B2JCam%0D%0Afake';
    expect(camerasIn(answerOf({ scopes }), '')[0]?.name).toBe('[2JCam  fake');
  });

  const lolEntities = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`);
  test.each<[string, string | Buffer]>([
    ['that is empty', ''],
    ['that is no XML', 'HTTP/1.1 200 OK\r\n\r\n<<<&&&'],
    ['that is random', Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7919) % 256))],
    ['that is our own question', probeMessage('0')],
    [
      'with a bomb of entities',
      `<!DOCTYPE x [<!ENTITY l0 "lol">${lolEntities.join('')}]>${answerOf({ scopes: '&l9;' }).toString()}`,
    ],
    [
      'with an entity of a file',
      `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${answerOf({ scopes: '&f;' }).toString()}`,
    ],
    ['that is too long', answerOf({ scopes: 'x'.repeat(40_000) })],
    ['nested without end', '<a>'.repeat(10_000)],
    ['that is cut off', answerOf({}).subarray(0, 300)],
    ['with names of built-in properties', '<__proto__><Envelope/></__proto__>'],
  ])('%s tells of no camera', (_what, message) => {
    expect(camerasIn(Buffer.from(message), '192.0.2.7')).toEqual([]);
  });
});

describe('the search', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  /** A camera on loopback that gives these answers to each question; tells what it was asked. */
  async function responder(...answers: Buffer[]) {
    const socket = createSocket('udp4');
    sockets.push(socket);
    const asked: string[] = [];
    socket.on('message', (message, from) => {
      asked.push(message.toString());
      for (const answer of answers) socket.send(answer, from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { asked, target: { host: '127.0.0.1', port: socket.address().port } };
  }

  test('asks for video transmitters, again if need be, and tells of each camera that answers once', async () => {
    const { asked, target } = await responder(
      Buffer.from('garbage'),
      answerOf({ endpoint: 'urn:uuid:a' }),
      answerOf({ endpoint: 'urn:uuid:b', scopes: 'onvif://www.onvif.org/name/Gate' }),
    );
    const options = { timeoutMs: 900, signal: new AbortController().signal, from: ['127.0.0.1'], target };
    const { cameras, faults } = await searchOnvif(options);
    expect(cameras.map(({ endpoint, name }) => [endpoint, name])).toEqual([
      ['urn:uuid:a', 'Yard'],
      ['urn:uuid:b', 'Gate'],
    ]);
    expect(faults).toEqual([]);
    await expect.poll(() => asked.length).toBe(2);
    expect(asked[0]).toBe(asked[1]);
    expect(asked[0]).toMatch(/<d:Types>n:NetworkVideoTransmitter<\/d:Types>/);
  });

  test('reaches who listens to the multicast group', async () => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    sockets.push(socket);
    socket.on('message', (_message, from) => socket.send(answerOf({}), from.port, from.address));
    socket.bind(0);
    await once(socket, 'listening');
    const group = '239.255.255.250';
    socket.addMembership(group, '127.0.0.1');
    const target = { host: group, port: socket.address().port };
    const { signal } = new AbortController();
    const { cameras, faults } = await searchOnvif({ timeoutMs: 900, signal, from: ['127.0.0.1'], target });
    expect(faults).toEqual([]);
    expect(cameras.map(({ name }) => name)).toEqual(['Yard']);
  });

  test('that cannot ask from one network says so, and asks from the others', async () => {
    const { target } = await responder(answerOf({}));
    const options = {
      timeoutMs: 200,
      signal: new AbortController().signal,
      from: ['192.0.2.99', '127.0.0.1'],
    };
    const { cameras, faults } = await searchOnvif({ ...options, target });
    expect(cameras.length).toBe(1);
    expect(faults).toEqual([expect.stringMatching(/^Cameras could not be asked for from 192\.0\.2\.99: /)]);
  });

  test('ends at once with its signal', async () => {
    const stop = new AbortController();
    const search = searchOnvif({ timeoutMs: 3_600_000, signal: stop.signal, from: ['127.0.0.1'] });
    stop.abort(new Error('enough'));
    await expect(search).rejects.toThrow('enough');
  });
});
