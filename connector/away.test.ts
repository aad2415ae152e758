import { describe, expect, it, vi } from 'vitest';
import { gate, testConnectors, WAIT } from './testing/connectors.ts';
import { consumerName } from './topics.ts';

const { connect, log, messaging, openGateway, publish, restartNats, stop } = testConnectors();

it('a connector gives a consumer back its topic when somebody has turned it to another', async () => {
  const recorded = await openGateway({ events: 'detections.*' });
  await connect();
  await stop();
  const name = consumerName('events', 'detections.*');
  await messaging().jsm.consumers.update('DETECTIONS', name, { filter_subject: 'detections.other' });
  await connect();
  await publish('detections.a', 'one');
  await vi.waitFor(() => expect(recorded.bodies('events')).toEqual(['one']), WAIT);
});

describe('what goes away', () => {
  it('may be the gateway: work waits and is done when it comes back', async () => {
    const recorded = await openGateway({ clip: 'clips.ready.*' });
    const connector = await connect();
    await recorded.close();
    for (const body of ['1', '2', '3']) await publish('clips.ready.a', body);
    await vi.waitFor(() => expect(connector.stats()['clip']?.retried).toBeGreaterThan(2), WAIT);
    await recorded.open();
    await vi.waitFor(() => expect(recorded.bodies('clip')).toEqual(['1', '2', '3']), WAIT);
    expect(connector.stats()).toMatchObject({ clip: { delivered: 3, parked: 0 } });
  });

  it('may be a function: its calls stop, and when it is back it goes on where it stopped', async () => {
    const recorded = await openGateway({ events: 'detections.*' });
    const connector = await connect();
    await publish('detections.a', '1');
    await vi.waitFor(() => expect(recorded.bodies('events')).toEqual(['1']), WAIT);
    const { functions } = recorded;
    recorded.functions = [];
    await vi.waitFor(() => expect(log().join('')).toContain('the function is gone'), WAIT);
    await publish('detections.a', '2');
    const { listed } = recorded;
    await vi.waitFor(() => expect(recorded.listed).toBeGreaterThan(listed + 2), WAIT);
    expect(recorded.bodies('events')).toEqual(['1']);
    recorded.functions = functions;
    await vi.waitFor(() => expect(recorded.bodies('events')).toEqual(['1', '2']), WAIT);
    await vi.waitFor(() => expect(connector.stats()).toMatchObject({ events: { delivered: 2 } }), WAIT);
  });

  it('may be the connector: calls in flight are finished, and the next one does the rest once and in order', async () => {
    const slow = gate();
    const recorded = await openGateway({ events: 'detections.*' }, async (_call, nth) => {
      if (nth === 3) await slow.opened;
      return 200;
    });
    const first = await connect();
    const bodies = Array.from({ length: 20 }, (_, n) => String(n));
    for (const body of bodies) await publish('detections.a', body);
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(3), WAIT);
    const stopped = stop();
    slow.open();
    await stopped;
    expect(first.stats()).toMatchObject({ events: { delivered: 3 } });
    const second = await connect();
    await vi.waitFor(() => expect(second.stats()).toMatchObject({ events: { delivered: 17 } }), WAIT);
    expect(recorded.bodies('events')).toEqual(bodies);
  });

  it('may be the whole NATS server: consumers are made again and later messages arrive', async () => {
    const recorded = await openGateway({ motion: 'frames.*', events: 'detections.*' });
    await connect();
    await publish('frames.a', '1');
    await publish('detections.a', '1');
    await vi.waitFor(() => expect(recorded.calls).toHaveLength(2), WAIT);
    await restartNats();
    await vi.waitFor(async () => {
      await publish('frames.a', '2');
      expect(recorded.bodies('motion')).toContain('2');
    }, WAIT);
    await publish('detections.a', '2');
    await vi.waitFor(() => expect(recorded.bodies('events')).toEqual(['1', '2']), WAIT);
  });
});
