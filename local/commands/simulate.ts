import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { Simulation, type CameraAddresses } from '../simulate/simulation.ts';
import { print, tell } from '../terminal.ts';

export interface SimulateCommand {
  host?: string | undefined;
  port?: number | undefined;
  /** How often each recording is shown. */
  loop?: number | undefined;
  /** They are there for so long, then away for so long, and so on; in seconds. */
  faults?: { upS: number; downS: number } | undefined;
  timeCode?: boolean | undefined;
}

const HOST = '127.0.0.1';
const PORT = 8600;
const LOOPBACK: ReadonlySet<string> = new Set([HOST, 'localhost', '::1']);

/** `faascam simulate`: recordings as cameras, until Ctrl-C or until they were shown as often as asked. */
export async function simulate(
  recordings: readonly string[],
  command: SimulateCommand,
  signal: AbortSignal,
): Promise<void> {
  const { host = HOST, port = PORT, loop, timeCode, faults } = command;
  const simulation = await Simulation.plan({ recordings, host, port, plays: loop, timeCode });
  await simulation.start();
  try {
    show(simulation.addresses);
    if (simulation.withoutRtsp !== undefined) tell(simulation.withoutRtsp);
    if (!LOOPBACK.has(host))
      tell(`Anyone who reaches ${host} can watch these cameras: they have no password.`);
    tell('The cameras are on. Stop with Ctrl-C.');
    if (faults === undefined) await Promise.race([simulation.over(), aborted(signal)]);
    else await dropOut(simulation, faults, signal);
  } finally {
    await simulation.stop();
  }
  tell('The cameras are off.');
}

/** Ends when a recording is at its end, or by the signal. */
async function dropOut(
  simulation: Simulation,
  { upS, downS }: { upS: number; downS: number },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const up = wait(upS * 1000, 'up' as const, { signal }).catch(() => 'stopped' as const);
    const first = await Promise.race([up, simulation.over().then(() => 'over' as const)]);
    if (first !== 'up') return;
    tell(`The cameras drop out for ${downS} s.`);
    await simulation.stop();
    await wait(downS * 1000, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    await simulation.start();
    tell('The cameras are back.');
  }
}

/** What is to be put into faascam.yml, with every other address of each camera as a comment. */
function show(cameras: readonly CameraAddresses[]): void {
  print('cameras:');
  for (const { id, rtsp, mpegts, hls, mjpeg, jpeg } of cameras) {
    const source = rtsp ?? mpegts;
    print(
      stringify({ [id]: { source } }, { lineWidth: 0 })
        .trimEnd()
        .replaceAll(/^/gm, '  '),
    );
    const others = { 'MPEG-TS': mpegts, HLS: hls, MJPEG: mjpeg, 'single pictures': jpeg };
    for (const [kind, address] of Object.entries(others)) {
      if (address !== source) print(`    # ${kind}: ${address}`);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
