import type { MatroskaTrack } from '@faascam/core/matroska-packets';
import type { RestreamSettings, RestreamTarget } from '@faascam/core/restream-settings';

/** What a camera sends. */
export interface PushedTracks {
  video: Pick<MatroskaTrack, 'codecId'>;
  audio: Pick<MatroskaTrack, 'codecId'> | undefined;
}

export interface PushPlan {
  /** ffmpeg's arguments; the stream comes as Matroska on its standard input. */
  args: string[];
  /** Options that nobody else on the host may read, as lines `name=value` for the file of `secretsFd`. */
  secrets: string[];
  /** Whether the sound of the camera goes in. */
  takesSound: boolean;
}

/** The target does not take what the camera sends. */
export interface PushRefusal {
  /** Follows the target's name. */
  refusal: string;
}

/** The file descriptors of a pushing ffmpeg beside the usual ones. */
export const pushPipes = { progress: 3, secrets: 4 } as const;

interface Taken {
  format: string;
  video: ReadonlyMap<string, string>;
  audio: readonly string[];
}

const AVC = 'V_MPEG4/ISO/AVC';
const HEVC = 'V_MPEGH/ISO/HEVC';
const AAC = /^A_AAC/;
const SILENCE = ['-f', 'lavfi', '-i', 'anullsrc=channel_layout=stereo:sample_rate=44100'];

/** Codecs by Matroska's names that each kind of target takes as they are. */
const TAKEN: Record<RestreamTarget['kind'], Taken> = {
  // H.265 over RTMP is young: neither all servers nor ffmpeg 5 have it.
  rtmp: { format: 'flv', video: new Map([[AVC, 'H.264']]), audio: ['A_AAC', 'A_MPEG/L3'] },
  srt: transportStream(),
  udp: transportStream(),
  rtsp: {
    format: 'rtsp',
    video: new Map([
      [AVC, 'H.264'],
      [HEVC, 'H.265'],
    ]),
    audio: ['A_AAC', 'A_OPUS', 'A_MPEG/L3'],
  },
};

function transportStream(): Taken {
  const video = new Map([
    [AVC, 'H.264'],
    [HEVC, 'H.265'],
    ['V_MPEG2', 'MPEG-2'],
  ]);
  return { format: 'mpegts', video, audio: ['A_AAC', 'A_MPEG/L2', 'A_MPEG/L3', 'A_AC3', 'A_OPUS'] };
}

/** How a stream goes to its target: copied where the target takes the codec, else encoded if that is allowed. */
export function pushPlan(
  target: RestreamTarget,
  { video, audio }: PushedTracks,
  { transcode, sound }: Pick<RestreamSettings, 'transcode' | 'sound'>,
): PushPlan | PushRefusal {
  const taken = TAKEN[target.kind];
  const copies = taken.video.has(video.codecId);
  if (!copies && transcode === 'never') {
    const names = [...new Set(taken.video.values())].join(' or ');
    return {
      refusal: `takes ${names}, and the camera sends ${nameOf(video.codecId)}: choose another codec in the camera, or set transcode: h264`,
    };
  }
  const takesSound = audio !== undefined && sound === 'camera';
  const silent = !takesSound && target.kind === 'rtmp';
  const { address, options, secrets } = outputOf(target);
  const preset = secrets.length === 0 ? [] : ['-fpre', `/dev/fd/${pushPipes.secrets}`];
  return {
    args: [
      ...['-hide_banner', '-nostats', '-loglevel', 'repeat+level+error'],
      ...['-progress', `pipe:${pushPipes.progress}`, '-stats_period', '1'],
      ...['-fpsprobesize', '0', '-analyzeduration', '500000', '-f', 'matroska', '-i', 'pipe:0'],
      ...(silent ? SILENCE : []),
      ...['-map', '0:v:0', ...(copies ? ['-c:v', 'copy'] : ENCODE_VIDEO)],
      ...(takesSound ? ['-map', '0:a:0', ...soundArgs(audio.codecId, taken)] : []),
      ...(silent ? ['-map', '1:a:0', ...ENCODE_SOUND, '-shortest'] : []),
      // A target gets each packet when it comes.
      ...['-flush_packets', '1', '-max_interleave_delta', '500000'],
      ...[...preset, '-f', taken.format, ...options, address],
    ],
    secrets,
    takesSound,
  };
}

const ENCODE_VIDEO = [
  ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
  // Two seconds between keyframes are what YouTube and Twitch ask for.
  ...['-crf', '24', '-maxrate', '4M', '-bufsize', '8M', '-force_key_frames', 'expr:gte(t,n_forced*2)'],
];
const ENCODE_SOUND = ['-c:a', 'aac', '-b:a', '64k'];

function soundArgs(codecId: string, { audio }: Taken): string[] {
  const name = AAC.test(codecId) ? 'A_AAC' : codecId;
  return audio.includes(name) ? ['-c:a', 'copy'] : ENCODE_SOUND;
}

function outputOf(target: RestreamTarget): { address: string; options: string[]; secrets: string[] } {
  switch (target.kind) {
    case 'rtmp':
      return {
        address: target.address,
        options: ['-flvflags', 'no_duration_filesize', '-rtmp_app', target.app],
        secrets: [`rtmp_playpath=${target.key}`],
      };
    case 'srt': {
      const { host, port, mode, latencyMs, passphrase, streamId } = target;
      return {
        // ffmpeg counts latency in microseconds. 1316 bytes are seven packets of MPEG-TS.
        address: `srt://${host}:${port}?mode=${mode}&latency=${latencyMs * 1000}&pkt_size=1316`,
        options: PROMPT_TS,
        secrets: [
          ...(passphrase === undefined ? [] : [`passphrase=${passphrase}`]),
          ...(streamId === undefined ? [] : [`srt_streamid=${streamId}`]),
        ],
      };
    }
    case 'udp': {
      const from = target.localAddress === undefined ? '' : `&localaddr=${target.localAddress}`;
      return {
        address: `udp://${target.host}:${target.port}?pkt_size=1316&ttl=${target.ttl}${from}`,
        options: PROMPT_TS,
        secrets: [],
      };
    }
    case 'rtsp':
      // Over TCP, as cameras are watched: nothing is lost, and one port is enough.
      return { address: target.url, options: ['-rtsp_transport', 'tcp'], secrets: [] };
  }
}

/** Whoever comes later finds its bearings within a picture. */
const PROMPT_TS = ['-muxdelay', '0', '-muxpreload', '0', '-mpegts_flags', '+pat_pmt_at_frames'];

function nameOf(codecId: string): string {
  const names: Record<string, string> = { [AVC]: 'H.264', [HEVC]: 'H.265', V_MJPEG: 'MJPEG', V_AV1: 'AV1' };
  return names[codecId] ?? codecId;
}
