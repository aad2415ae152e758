import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isMissing } from '@faascam/core/durable-file';
import { systemCodeOf } from '@faascam/core/errors';
import { printable } from './printable.ts';

/** A node of Video4Linux, such as `/dev/video0`. A USB camera often has two: pictures, and their metadata. */
export interface VideoDevice {
  path: string;
  /** A name of the same device that stays when it is plugged into another port or found in another order. */
  stablePath?: string;
  /** As the driver names it; the node's name where it does not. */
  name: string;
  /** Counts the nodes of one device; its first is the one with pictures. */
  index: number;
}

const NODE = /^video(\d+)$/;

/** Nodes that no camera is behind: the codecs and picture processors of boards, which come as video devices too. */
const NO_CAMERA = /codec|bcm2835-isp|pispbe|hevc-dec|hantro|vpu|vdec|venc|rkisp|rga/i;

/** Of the receivers of ribbon-cable cameras: they give raw sensor data, which `csi:` makes a picture of. */
const SENSOR = /^(unicam|rp1-cfe)/;

/** Whether the device is a board's receiver of ribbon-cable cameras. */
export function isSensor(device: Pick<VideoDevice, 'name'>): boolean {
  return SENSOR.test(device.name);
}

/**
 * The video devices of this host in the order of their numbers, without those that are no cameras. Whether pictures
 * come from one only its formats tell. `root` stands before `/dev` and `/sys`, for tests. In a container a device
 * counts that is mapped into its `/dev`, also if `/sys` tells nothing of it.
 */
export async function listVideoDevices(root = '/'): Promise<VideoDevice[]> {
  const links = await stableLinks(join(root, 'dev/v4l/by-id'));
  const nodes = (await entriesOf(join(root, 'dev')))
    .flatMap((name) => (NODE.test(name) ? [name] : []))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)));
  const devices = await Promise.all(
    nodes.map(async (node): Promise<VideoDevice> => {
      const about = join(root, 'sys/class/video4linux', node);
      const link = links.get(node);
      return {
        path: `/dev/${node}`,
        ...(link === undefined ? {} : { stablePath: `/dev/v4l/by-id/${link}` }),
        name: nameOf(await wordsIn(join(about, 'name'))) || node,
        index: Number(await wordsIn(join(about, 'index'))) || 0,
      };
    }),
  );
  return devices.filter(({ name }) => !NO_CAMERA.test(name));
}

async function stableLinks(directory: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const name of await entriesOf(directory)) {
    try {
      links.set(basename(await readlink(join(directory, name))), name);
    } catch (error) {
      // No link, or unplugged while we looked.
      if (!isMissing(error) && systemCodeOf(error) !== 'EINVAL') throw error;
    }
  }
  return links;
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error) || systemCodeOf(error) === 'EACCES') return [];
    throw error;
  }
}

async function wordsIn(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    // Unplugged while we looked, or a container without this part of /sys.
    if (systemCodeOf(error) !== undefined) return '';
    throw error;
  }
}

/** Many drivers say their name twice. */
function nameOf(words: string): string {
  const name = printable(words);
  const [first, second] = name.split(':').map((part) => part.trim());
  return first !== undefined && first === second ? first : name;
}
