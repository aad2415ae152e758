import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startBenchCamera, type BenchCamera, type BenchCameraOptions } from './agent-camera.ts';
import { testRecording } from './agent-footage.ts';
import { endOf, openBenchSite, until, watchFrames, type BenchAgent, type BenchSite } from './agent-site.ts';
import { percentile, type Figure } from './figures.ts';

const WITHIN_S = 5;
const TRIES = 10;
/** How long each camera is away. */
const OUTAGES_S = [2, 4, 6, 9, 12, 16, 20, 26, 33, 40] as const;
const CUT_S = 30;
const GIVE_UP_S = 60;

/** Seconds from a camera's return to its first new frame; undefined when none came within a minute. */
type Recovery = number | undefined;

/**
 * Cameras that go away in all the ways that cameras do, ten each, and how long after the moment at which they can be
 * had again their frames come: RTSP servers killed, frozen, back with another resolution or codec, a wrong password
 * that is mended in the config, and a network that is cut.
 */
export async function benchAgentRecovery(scratch: string): Promise<Figure[]> {
  const site = await openBenchSite(join(scratch, 'recovery'));
  try {
    const arrivals = new Arrivals(site);
    const small = testRecording(scratch, 'h264', '320x240', 10, 'ts');
    const recordings = {
      small: { video: small, codec: 'h264' },
      large: { video: testRecording(scratch, 'h264', '640x480', 10, 'ts'), codec: 'h264' },
      hevc: { video: testRecording(scratch, 'hevc', '320x240', 10, 'ts'), codec: 'hevc' },
    } as const;
    // Several at the same time, so that the bench takes minutes and not an hour.
    const [dead, changed, frozen] = await Promise.all([
      cameras(site, arrivals, 'killed', (n) => killed(arrivals, n, recordings.small, recordings.small)),
      cameras(site, arrivals, 'changed', (n) =>
        killed(arrivals, n, recordings.small, n % 2 === 0 ? recordings.large : recordings.hevc, 'changed'),
      ),
      cameras(site, arrivals, 'stalled', (n) => stalled(arrivals, n)),
    ]);
    const [mended, cut] = await Promise.all([
      passwords(site, arrivals, recordings.small),
      networkCut(site, arrivals, small),
    ]);
    return [
      ...figuresOf('camera killed', dead),
      ...figuresOf('camera back with another resolution or codec', changed),
      ...figuresOf('camera frozen (SIGSTOP)', frozen),
      ...figuresOf('wrong password mended', mended),
      ...figuresOf(`network cut for ${CUT_S} s`, cut),
      total([...dead, ...changed, ...frozen, ...mended, ...cut]),
    ];
  } finally {
    await site.close();
  }
}

/** When frames come, by camera. */
class Arrivals {
  readonly #newest = new Map<string, { capturedMs: number; arrivedMs: number }>();

  constructor({ messaging }: BenchSite) {
    watchFrames(messaging, '*', ({ kind, camera, capturedAtUs, arrivedMs }) => {
      if (kind !== 'image') return;
      this.#newest.set(camera, { capturedMs: capturedAtUs / 1000, arrivedMs });
    });
  }

  async streaming(camera: string): Promise<void> {
    await until(`frames of ${camera}`, 120_000, () => this.#newest.has(camera));
  }

  /** Seconds from `backMs` to the first frame that was taken after it. */
  async recovery(camera: string, backMs: number): Promise<Recovery> {
    while (Date.now() < backMs + GIVE_UP_S * 1000) {
      const newest = this.#newest.get(camera);
      // Looked at more often than frames come, so the newest is the first of them.
      if (newest !== undefined && newest.capturedMs >= backMs) return (newest.arrivedMs - backMs) / 1000;
      await wait(20);
    }
    return undefined;
  }
}

interface Case {
  /** Named as the camera. */
  name: string;
  url: string;
  /** Takes the camera away and brings it back, once it has streamed. */
  run: (outageMs: number) => Promise<Recovery>;
  end: () => Promise<void>;
}

/** One agent with ten cameras, each of which is away for a time of its own. */
async function cameras(
  site: BenchSite,
  arrivals: Arrivals,
  agent: string,
  start: (n: number) => Promise<Case>,
): Promise<Recovery[]> {
  const cases: Case[] = [];
  try {
    for (let n = 0; n < TRIES; n++) cases.push(await start(n));
    await site.agent(
      agent,
      Object.fromEntries(cases.map(({ name, url }) => [name, { source: url, decode: 'all' }])),
    );
    return await Promise.all(
      cases.map(async ({ name, run }, n) => {
        await arrivals.streaming(name);
        await wait(3000);
        return await run((OUTAGES_S[n] ?? 10) * 1000);
      }),
    );
  } finally {
    await Promise.all(cases.map(({ end }) => end()));
  }
}

type Picture = BenchCameraOptions['picture'];

async function killed(
  arrivals: Arrivals,
  n: number,
  before: Picture,
  after: Picture,
  kind = 'killed',
): Promise<Case> {
  const name = `${kind}-${n}`;
  let camera = await startBenchCamera({ picture: before });
  const { port, url } = camera;
  return {
    name,
    url,
    run: async (outageMs) => {
      await camera.kill();
      await wait(outageMs);
      camera = await startBenchCamera({ picture: after, port });
      return await arrivals.recovery(name, Date.now());
    },
    end: () => camera.kill(),
  };
}

/** The encoder stops, the RTSP server and its connections stay. */
async function stalled(arrivals: Arrivals, n: number): Promise<Case> {
  const name = `stalled-${n}`;
  const camera = await startBenchCamera({ picture: { fps: 5, width: 320 } });
  return {
    name,
    url: camera.url,
    run: async (outageMs) => {
      process.kill(camera.feederPid, 'SIGSTOP');
      await wait(outageMs);
      process.kill(camera.feederPid, 'SIGCONT');
      return await arrivals.recovery(name, Date.now());
    },
    end: () => camera.kill(),
  };
}

/** Ten cameras whose password in the config is wrong, each mended at a time of its own. */
async function passwords(site: BenchSite, arrivals: Arrivals, picture: Picture): Promise<Recovery[]> {
  const started: BenchCamera[] = [];
  try {
    for (let n = 0; n < TRIES; n++) {
      started.push(await startBenchCamera({ picture, user: 'viewer', password: 'right' }));
    }
    const config = Object.fromEntries(
      started.map(({ url }, n) => [
        `password-${n}`,
        { source: url.replace(':right@', ':wrong@'), decode: 'all' },
      ]),
    );
    const agent = await site.agent('password', config);
    await wait(5000);
    return await Promise.all(
      started.map(async ({ url }, n) => {
        await wait((OUTAGES_S[n] ?? 10) * 1000);
        return await mend(agent, config, arrivals, `password-${n}`, url);
      }),
    );
  } finally {
    await Promise.all(started.map((camera) => camera.kill()));
  }
}

async function mend(
  agent: BenchAgent,
  config: Record<string, object>,
  arrivals: Arrivals,
  name: string,
  url: string,
): Promise<Recovery> {
  config[name] = { source: url, decode: 'all' };
  agent.configure(config);
  return await arrivals.recovery(name, Date.now());
}

/** Ten cameras behind one cable that is pulled. */
async function networkCut(site: BenchSite, arrivals: Arrivals, video: string): Promise<Recovery[]> {
  const network = openNetwork();
  if (network === undefined) return [];
  const started: ChildProcess[] = [];
  try {
    const sources: (readonly [string, object])[] = [];
    for (let n = 0; n < TRIES; n++) {
      const port = 8000 + n;
      started.push(await startHttpCamera(network, port, video));
      const source = `http://${network.address}:${port}/camera.ts`;
      sources.push([`network-${n}`, { source, format: 'mpegts', decode: 'all' }]);
    }
    await site.agent('network', Object.fromEntries(sources));
    await Promise.all(sources.map(([name]) => arrivals.streaming(name)));
    await wait(3000);
    network.cut();
    await wait(CUT_S * 1000);
    network.mend();
    const backMs = Date.now();
    return await Promise.all(sources.map(([name]) => arrivals.recovery(name, backMs)));
  } finally {
    await Promise.all(started.map((camera) => endOf(camera)));
    network.close();
  }
}

/** By HTTP: one program that is easily run in a namespace. */
async function startHttpCamera(
  { namespace, address }: Network,
  port: number,
  video: string,
): Promise<ChildProcess> {
  const program = new URL('agent-http-camera.js', import.meta.url).pathname;
  const args = [process.execPath, program, address, String(port), video];
  const camera = spawn('ip', ['netns', 'exec', namespace, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(camera.stdout, 'data');
  return camera;
}

interface Network {
  namespace: string;
  address: string;
  cut(): void;
  mend(): void;
  close(): void;
}

/** A network of its own, and the cable to it; undefined, saying why, where that may not be made. */
function openNetwork(): Network | undefined {
  const [namespace, router] = [`faascam-camera-${process.pid}`, `faascam-router-${process.pid}`];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((end) => `fcb${process.pid}${end}`);
  const ip = (words: string): void => void execFileSync('ip', words.split(' '), { stdio: 'pipe' });
  const close = (): void => {
    for (const name of [namespace, router]) ip(`netns del ${name}`);
  };
  try {
    ip(`netns add ${namespace}`);
  } catch {
    process.stdout.write('  Skipped: the network cut needs root and "ip netns" (apt-get install iproute2)\n');
    return undefined;
  }
  ip(`netns add ${router}`);
  try {
    // Between us and the camera is a router: when our cable is pulled, the camera notices nothing.
    ip(`link add ${a} type veth peer name ${b} netns ${router}`);
    ip(`-n ${router} link add ${c} type veth peer name ${d} netns ${namespace}`);
    ip(`addr add 10.213.77.1/30 dev ${a}`);
    ip(`-n ${router} addr add 10.213.77.2/30 dev ${b}`);
    ip(`-n ${router} addr add 10.213.78.1/30 dev ${c}`);
    ip(`-n ${namespace} addr add 10.213.78.2/30 dev ${d}`);
    ip(`link set ${a} up`);
    for (const device of [b, c]) ip(`-n ${router} link set ${device} up`);
    for (const device of ['lo', d]) ip(`-n ${namespace} link set ${device} up`);
    ip(`netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`);
    ip('route add 10.213.78.0/30 via 10.213.77.2');
    ip(`-n ${namespace} route add default via 10.213.78.1`);
  } catch (error) {
    close();
    throw error;
  }
  return {
    namespace,
    address: '10.213.78.2',
    cut: () => ip(`-n ${router} link set ${b} down`),
    mend: () => ip(`-n ${router} link set ${b} up`),
    close,
  };
}

function figuresOf(name: string, recoveries: readonly Recovery[]): Figure[] {
  if (recoveries.length === 0) return [];
  const seconds = recoveries.map((recovery) => recovery ?? GIVE_UP_S);
  const longest = Math.max(...seconds);
  const after = name.startsWith('network') ? '' : ` (after ${OUTAGES_S[seconds.indexOf(longest)] ?? 0} s)`;
  return [
    { name: `${name}: p50`, value: percentile(seconds, 50), unit: 's' },
    { name: `${name}: longest${after}`, value: longest, unit: 's' },
    within(`${name}: within ${WITHIN_S} s`, recoveries),
  ];
}

function total(recoveries: readonly Recovery[]): Figure {
  return within(`all: streaming within ${WITHIN_S} s of the return`, recoveries);
}

function within(name: string, recoveries: readonly Recovery[]): Figure {
  const value = recoveries.filter((seconds) => seconds !== undefined && seconds <= WITHIN_S).length;
  const aim = `${recoveries.length} of ${recoveries.length}`;
  return { name, value, unit: '', aim, met: value === recoveries.length };
}
