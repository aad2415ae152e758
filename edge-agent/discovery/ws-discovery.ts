import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import { printable } from './printable.ts';

/** Messages of WS-Discovery (OASIS, April 2005, the version that ONVIF's core specification names). */

/** A camera that answered. What it says of itself may be anything; it is cleaned of what a terminal would obey. */
export interface OnvifCamera {
  /** Names the device for good, whatever its address: usually `urn:uuid:...`. */
  endpoint: string;
  name: string;
  hardware: string;
  location: string;
  /** Addresses of its device service, http or https. The one at which it answered comes first. */
  addresses: string[];
}

/** SOAP over UDP allows no longer message. */
const LONGEST_MESSAGE = 32_767;
const MOST_SCOPES = 100;

/** Asks every camera in reach to tell of itself. `messageId` is a UUID; a repeated question has the same one. */
export function probeMessage(messageId: string): string {
  const discovery = 'http://schemas.xmlsoap.org/ws/2005/04/discovery';
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"',
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"',
    ` xmlns:d="${discovery}" xmlns:n="http://www.onvif.org/ver10/network/wsdl">`,
    '<s:Header>',
    `<a:Action s:mustUnderstand="1">${discovery}/Probe</a:Action>`,
    `<a:MessageID>urn:uuid:${messageId}</a:MessageID>`,
    '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>',
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>',
    '</s:Header>',
    '<s:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></s:Body>',
    '</s:Envelope>',
  ].join('');
}

const parser = new XMLParser({
  removeNSPrefix: true,
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'ProbeMatch',
});

const words = z.string().catch('');
const probeMatch = z.object({
  EndpointReference: z.object({ Address: z.string().min(1).max(500) }),
  Types: words,
  Scopes: words,
  XAddrs: z.string(),
});
const answer = z.object({
  Envelope: z.object({ Body: z.object({ ProbeMatches: z.object({ ProbeMatch: z.array(z.unknown()) }) }) }),
});

/**
 * The cameras that a message tells of. One that is no answer, is too long, or tries to define entities tells of none:
 * anyone in the network may send us anything. `sender` is the address it came from.
 */
export function camerasIn(message: Uint8Array, sender: string): OnvifCamera[] {
  if (message.length > LONGEST_MESSAGE) return [];
  const text = new TextDecoder().decode(message);
  // SOAP forbids document types; what they are good for here is entities that grow without bound.
  if (/<!(doctype|entity)/i.test(text)) return [];
  let document: unknown;
  try {
    document = parser.parse(text);
  } catch {
    // Not XML. There is nobody to tell.
    return [];
  }
  const parsed = answer.safeParse(document);
  if (!parsed.success) return [];
  return parsed.data.Envelope.Body.ProbeMatches.ProbeMatch.slice(0, MOST_SCOPES).flatMap((each) => {
    const match = probeMatch.safeParse(each);
    return match.success ? cameraOf(match.data, sender) : [];
  });
}

function cameraOf(match: z.infer<typeof probeMatch>, sender: string): OnvifCamera[] {
  // Printers and computers answer as well; cameras that leave out their types are taken.
  if (match.Types !== '' && !/NetworkVideoTransmitter|Device\b/.test(match.Types)) return [];
  const addresses = match.XAddrs.split(/\s+/)
    .flatMap((text) => (URL.canParse(text) ? [new URL(text)] : []))
    .filter(({ protocol, username }) => /^https?:$/.test(protocol) && username === '')
    .sort((a, b) => Number(b.hostname === sender) - Number(a.hostname === sender))
    .map(({ href }) => href);
  if (addresses.length === 0) return [];
  const scopes = match.Scopes.split(/\s+/).slice(0, MOST_SCOPES);
  return [
    {
      endpoint: printable(match.EndpointReference.Address),
      name: scopeOf('name', scopes),
      hardware: scopeOf('hardware', scopes),
      location: scopeOf('location', scopes),
      addresses,
    },
  ];
}

/** The value of `onvif://www.onvif.org/<kind>/<value>`, several joined. */
function scopeOf(kind: string, scopes: readonly string[]): string {
  const start = `onvif://www.onvif.org/${kind}/`;
  const values = scopes
    .filter((scope) => scope.toLowerCase().startsWith(start))
    .map((scope) => decoded(scope.slice(start.length)).trim())
    .filter((value) => value !== '');
  return printable([...new Set(values)].join(', '));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A camera that writes its name as it is, with a percent sign in it.
    return text;
  }
}
