import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** ffmpeg's sources of a flash and a beep, together, of a tenth of a second, half a second after each full one. */
export function beepsAndFlashes(seconds: number, sampleRate: number) {
  return {
    picture:
      `color=c=black:size=320x240:rate=25:duration=${seconds},` +
      `drawbox=w=iw:h=ih:color=white:t=fill:enable='lt(mod(t+0.5,1),0.1)'`,
    sound:
      `aevalsrc='if(lt(mod(t+0.5,1),0.1),0.8*sin(2*PI*1000*t),0)':` +
      `sample_rate=${sampleRate}:duration=${seconds}`,
  };
}

/** By how many seconds each beep of a file comes later than its flash, by the times that a player goes by. */
export async function beepsAfterFlashes(path: string): Promise<number[]> {
  const sound = await run('ffmpeg', [
    ...['-nostdin', '-nostats', '-copyts', '-i', path, '-map', '0:a:0'],
    ...['-af', 'silencedetect=noise=0.2:duration=0.3', '-f', 'null', '-'],
  ]);
  const beeps = timesIn(sound.stderr, /silence_end: (\S+)/g);
  const light = await run('ffmpeg', [
    ...['-nostdin', '-v', 'error', '-copyts', '-i', path, '-map', '0:v:0', '-fps_mode', 'passthrough'],
    ...['-vf', 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-', '-f', 'null', '-'],
  ]);
  const flashes: number[] = [];
  let wasBright = true;
  for (const [, time, brightness] of light.stdout.matchAll(/pts_time:(\S+)\s+\S+YAVG=(\S+)/g)) {
    const isBright = Number(brightness) > 128;
    if (isBright && !wasBright) flashes.push(Number(time));
    wasBright = isBright;
  }
  return flashes.flatMap((flash) => {
    const beep = beeps.find((time) => Math.abs(time - flash) < 0.4);
    return beep === undefined ? [] : [beep - flash];
  });
}

function timesIn(text: string, pattern: RegExp): number[] {
  return Array.from(text.matchAll(pattern), ([, time]) => Number(time));
}
