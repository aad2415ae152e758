import { expect, it } from 'vitest';
import { WayOrder } from './live-order.ts';
import type { LiveWay, LiveWayKind } from './live-way.ts';

const way = (kind: LiveWayKind, by: LiveWay['by']): LiveWay => ({
  ...{ kind, by, stun: undefined, headers: {} },
  url: new URL(`http://agent/${kind}`),
});
const webrtc = way('webrtc', 'viewer');
const mse = way('mse', 'agent');
const mjpeg = way('mjpeg', 'agent');
const throughNats = way('mjpeg', 'viewer');
const ways = [throughNats, webrtc, mjpeg, mse];
const kinds = ['webrtc', 'mse', 'mjpeg'] as const;

it('ways are tried by kind, and of one kind as the viewer names them', () => {
  const order = new WayOrder();
  expect(order.of('yard', ways, kinds, 0)).toEqual([webrtc, mse, throughNats, mjpeg]);
  expect(order.of('yard', ways, ['mse'], 0)).toEqual([mse]);
});

it('one that failed lately comes last, for that camera, until it was some minutes ago', () => {
  const order = new WayOrder();
  order.failed('yard', webrtc, 1000);
  order.failed('yard', throughNats, 2000);
  expect(order.of('yard', ways, kinds, 3000)).toEqual([mse, mjpeg, webrtc, throughNats]);
  expect(order.of('door', ways, kinds, 3000)).toEqual([webrtc, mse, throughNats, mjpeg]);
  expect(order.of('yard', ways, kinds, 1000 + 5 * 60_000)).toEqual([webrtc, mse, mjpeg, throughNats]);
});
