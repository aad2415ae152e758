import type { Source } from './source.ts';

/** What must be there before a source can be opened: a TCP port that answers, or a path that exists. */
export type Reach = { kind: 'tcp'; host: string; port: number } | { kind: 'path'; path: string };

/** What a source waits for when it is away; undefined where nothing simple tells (UDP, a program). */
export function reachOf(source: Source): Reach | undefined {
  switch (source.kind) {
    case 'file':
      return { kind: 'path', path: source.path };
    case 'rtsp': {
      const { hostname, port } = new URL(source.url);
      return { kind: 'tcp', host: hostname, port: port === '' ? 554 : Number(port) };
    }
  }
}
