import { InvalidArgumentError, type Command } from 'commander';
import type { LatencyCommand } from './commands/latency.ts';
import type { SimulateCommand } from './commands/simulate.ts';

/** `faascam simulate` and `faascam latency`: what helps to try and to measure. `stoppable` gives the signal of Ctrl-C. */
export function addTrialCommands(faascam: Command, stoppable: () => AbortSignal): void {
  faascam
    .command('simulate')
    .description('show recordings as cameras: RTSP, HLS, MJPEG and MPEG-TS over HTTP')
    .argument('[recording...]', 'videos that ffmpeg can read, a camera each (default: a test picture)')
    .option('--host <address>', 'where they can be watched from (default: 127.0.0.1, this machine)')
    .option(
      '-p, --port <port>',
      'port of HTTP, the next one is that of RTSP (default: 8600; 0: free ones)',
      port,
    )
    .option('--loop <times>', 'show each so often, then end (default: until Ctrl-C)', times)
    .option('--faults <on/off>', 'drop out again and again: 20/5 is on for 20 s, off for 5 s', faults)
    .option('--time-code', 'put the time into each picture, for "faascam latency"')
    .action(async (recordings: string[], options: SimulateCommand) =>
      (await import('./commands/simulate.ts')).simulate(recordings, options, stoppable()),
    );

  faascam
    .command('latency')
    .description('how old pictures are where they are seen, by a time code in them')
    .argument('<camera|address...>', 'cameras of an agent: their frames and footage; or what a source may be')
    .option('-c, --config <file>', 'faascam.yml, for NATS and the folder of footage')
    .option('-d, --data <dir>', 'data folder (default: faascam-data)')
    .option('-n, --nats <url>', 'nats://user:password@host:4222')
    .option('-s, --seconds <seconds>', 'how long is measured (default: 20)', times)
    .option('--page <port>', 'show the time on a web page, for a real camera to look at', port)
    .option('--host <address>', 'where the page can be opened from (default: 127.0.0.1, this machine)')
    .option('-j, --json <file|->', 'write the ages as JSON; - is stdout')
    .action(async (targets: string[], options: LatencyCommand) =>
      (await import('./commands/latency.ts')).latency(targets, options, stoppable()),
    );
}

function port(text: string): number {
  const value = Number(text);
  // The next port is RTSP's.
  if (!Number.isInteger(value) || value < 0 || value > 65_534) throw new InvalidArgumentError('not a port.');
  return value;
}

function times(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('not a whole number from 1 on.');
  return value;
}

function faults(text: string): { upS: number; downS: number } {
  const [upS = 0, downS = 0, ...more] = text.split('/').map(Number);
  if (!(upS > 0 && downS > 0 && upS + downS < 86_400) || more.length > 0)
    throw new InvalidArgumentError('not two times in seconds such as 20/5.');
  return { upS, downS };
}
