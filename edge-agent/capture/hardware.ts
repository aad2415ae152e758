import type { CameraSettings } from '@faascam/core/camera-settings';

/** A decoder to try: its name for people, undefined for the processor, and ffmpeg's arguments before the input. */
export interface DecoderChoice {
  hardware: string | undefined;
  args: string[];
}

/** Every host has it. */
export const processor: DecoderChoice = { hardware: undefined, args: [] };

/** A kind of hardware: the node in /dev that tells of it, and the decoders to try. */
const kinds: Record<'cuda' | 'rkmpp' | 'v4l2m2m' | 'vaapi', { node: string; choices: DecoderChoice[] }> = {
  cuda: { node: '/dev/nvidiactl', choices: [{ hardware: 'cuda', args: ['-hwaccel', 'cuda'] }] },
  // The codec is not known before the camera is asked: the usual one first.
  rkmpp: {
    node: '/dev/mpp_service',
    choices: ['h264', 'hevc'].map((codec) => ({
      hardware: `rkmpp ${codec}`,
      args: ['-c:v', `${codec}_rkmpp`],
    })),
  },
  v4l2m2m: {
    node: '/dev/video10',
    choices: ['h264', 'hevc'].map((codec) => ({
      hardware: `v4l2m2m ${codec}`,
      args: ['-c:v', `${codec}_v4l2m2m`],
    })),
  },
  vaapi: {
    node: '/dev/dri/renderD128',
    choices: [{ hardware: 'vaapi', args: ['-hwaccel', 'vaapi', '-hwaccel_device', '/dev/dri/renderD128'] }],
  },
};

/** The decoders to try on this host, best first, the processor last. `exists` tells of nodes in /dev. */
export function decoderChoices(
  setting: CameraSettings['hardware'],
  exists: (path: string) => boolean,
): DecoderChoice[] {
  if (setting === 'none') return [processor];
  if (setting !== 'auto') return [...kinds[setting].choices, processor];
  const found = Object.values(kinds).filter(({ node }) => exists(node));
  return [...found.flatMap(({ choices }) => choices), processor];
}
