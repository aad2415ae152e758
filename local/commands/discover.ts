import { stringify } from 'yaml';
import { FaascamError, messageOf } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';
import { deviceFormats } from '@faascam/edge-agent/discovery/device-formats';
import {
  deviceFindings,
  foundCameras,
  type CameraEntry,
  type Finding,
  type FoundCamera,
  type KnownCamera,
} from '@faascam/edge-agent/discovery/findings';
import { go2rtcAddress, go2rtcStreams } from '@faascam/edge-agent/discovery/go2rtc';
import { searchOnvif, type OnvifSearchOptions } from '@faascam/edge-agent/discovery/onvif-search';
import { listVideoDevices } from '@faascam/edge-agent/discovery/video-devices';
import { addCameras, camerasInFile } from '../config-entries.ts';
import { writeJson } from '../json-output.ts';
import { tableLines } from '../table.ts';
import { print, tell } from '../terminal.ts';

export interface DiscoverCommand {
  /** Hosts of go2rtc whose streams are listed. */
  go2rtc?: string[] | undefined;
  /** How long ONVIF cameras are waited for, in seconds. */
  timeout?: number | undefined;
  json?: string | undefined;
  /** Config file to which what is new is added; `true` is the usual one. */
  write?: string | true | undefined;
}

/** Where is looked, for tests. */
export interface Places {
  /** Stands before `/dev` and `/sys`. */
  root?: string;
  onvif?: Pick<OnvifSearchOptions, 'from' | 'target'>;
}

const CONFIG = 'faascam.yml';
/** Cameras answer within a second, slow ones within three. */
const TIMEOUT_S = 4;

/**
 * `faascam discover`: the cameras of the local networks, of this host, and of go2rtc, and their entries for the config.
 * Throws `FaascamError` `search-incomplete` at the end, when one of the searches failed.
 */
export async function discover(
  command: DiscoverCommand,
  signal: AbortSignal,
  places: Places = {},
): Promise<void> {
  const addresses = (command.go2rtc ?? []).map(go2rtcAddress);
  const file = typeof command.write === 'string' ? command.write : CONFIG;
  // Before the search, so that a file that cannot be read costs no waiting.
  const config = await knownCameras(file, command.write !== undefined);
  if (command.json === undefined) tell('Looking for cameras ...');
  const timeoutMs = (command.timeout ?? TIMEOUT_S) * 1000;
  const searches = [
    onvifFindings({ timeoutMs, signal, ...places.onvif }),
    hostFindings(places.root, signal),
    ...addresses.map(async (address) => ({
      faults: [],
      findings: (await go2rtcStreams(address, signal)).map((stream): Finding => ({ kind: 'go2rtc', stream })),
    })),
  ];
  const findings: Finding[] = [];
  const faults: string[] = [];
  for (const outcome of await Promise.allSettled(searches)) {
    signal.throwIfAborted();
    if (outcome.status === 'rejected') faults.push(messageOf(outcome.reason));
    else {
      findings.push(...outcome.value.findings);
      faults.push(...outcome.value.faults);
    }
  }
  const found = foundCameras(findings, config);
  const fresh = found.filter((camera): camera is NewlyFound => camera.entry !== undefined);
  if (command.json === undefined) show(found, faults);
  else await writeJson({ v: 1, found, faults }, command.json);
  if (command.write !== undefined) await write(file, fresh, found);
  else if (command.json === undefined && fresh.length > 0) offer(fresh, file);
  if (faults.length > 0) {
    throw new FaascamError('search-incomplete', 'Not everything that was asked answered, see above.');
  }
}

/** The cameras of the config. One that is wrong matters only where it is to be written. */
async function knownCameras(file: string, toBeWritten: boolean): Promise<KnownCamera[]> {
  try {
    return await camerasInFile(file);
  } catch (error) {
    if (toBeWritten || !(error instanceof FaascamError)) throw error;
    tell(`The cameras of the config are not known: ${redact(error.message)}`);
    return [];
  }
}

type NewlyFound = FoundCamera & { entry: CameraEntry };

interface Outcome {
  findings: Finding[];
  faults: string[];
}

async function onvifFindings(options: OnvifSearchOptions): Promise<Outcome> {
  const { cameras, faults, askedFrom } = await searchOnvif(options);
  // Without a network there is nobody to ask; with several, one that carries no multicast is no fault.
  const unanswered = faults.length === askedFrom.length ? faults : [];
  return { findings: cameras.map((camera) => ({ kind: 'onvif', camera })), faults: unanswered };
}

async function hostFindings(root: string | undefined, signal: AbortSignal): Promise<Outcome> {
  const devices = await listVideoDevices(root);
  const asked = [];
  // One after the other: some drivers let only one program in.
  for (const device of devices) asked.push({ device, about: await deviceFormats(device.path, signal) });
  return { findings: deviceFindings(asked), faults: [] };
}

function show(found: readonly FoundCamera[], faults: readonly string[]): void {
  if (found.length > 0) {
    const rows = found.map(({ kind, name, address, offers, entry, known }) => [
      ...[kind, name, address, offers, known === undefined ? (entry?.id ?? '-') : `${known} (in the config)`],
    ]);
    for (const line of tableLines([['KIND', 'NAME', 'ADDRESS', 'OFFERS', 'CAMERA'], ...rows])) print(line);
  } else {
    tell(
      'No camera was found. Those in another network do not answer, nor those with ONVIF switched off, which many are\n' +
        "as they come: switch it on in the camera's settings, or look up its RTSP address and try\n" +
        '  faascam up rtsp://user:password@host/path\n' +
        'The streams of a go2rtc are listed with: faascam discover --go2rtc HOST',
    );
  }
  for (const fault of faults) tell(fault);
}

function offer(fresh: readonly NewlyFound[], file: string): void {
  const cameras = Object.fromEntries(
    fresh.map(({ entry: { id, source, substream } }) => [
      id,
      { source, ...(substream === undefined ? {} : { substream }) },
    ]),
  );
  print(`\n${stringify({ cameras }, { lineWidth: 0 }).trimEnd()}`);
  tell(`\nWrite this to ${file} with: faascam discover --write${file === CONFIG ? '' : ` ${file}`}`);
  tellVariables(fresh);
}

async function write(
  file: string,
  fresh: readonly NewlyFound[],
  found: readonly FoundCamera[],
): Promise<void> {
  if (fresh.length === 0) {
    const known = found.filter((camera) => camera.known !== undefined).length;
    tell(`Nothing to write to ${file}${known > 0 ? ': what was found is there already' : ''}.`);
    return;
  }
  await addCameras(
    file,
    fresh.map(({ name, kind, address, entry: { id, source, substream } }) => ({
      ...{ id, source, comment: `${name}, ${kind} at ${address}` },
      ...(substream === undefined ? {} : { substream }),
    })),
  );
  tell(`Wrote ${fresh.map(({ entry }) => entry.id).join(', ')} to ${file}. Try with: faascam check ${file}`);
  tellVariables(fresh);
}

function tellVariables(fresh: readonly NewlyFound[]): void {
  const variables = fresh.flatMap(({ entry }) => entry.variables);
  if (variables.length === 0) return;
  tell(`Set before: ${variables.map((name) => `${name}=...`).join(' ')}`);
}
