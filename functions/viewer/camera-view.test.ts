import type { AgentHealth } from '@faascam/core/messages';
import { expect, it } from 'vitest';
import { cameraViews } from './camera-view.ts';

const NOW_US = 1_700_000_000_000_000;

function healthOf(agent: string, ageMs: number, cameras: Record<string, string | undefined>): AgentHealth {
  const atUs = NOW_US - ageMs * 1000;
  return {
    v: 1,
    agent,
    atUs,
    software: 'test',
    cameras: Object.fromEntries(
      Object.entries(cameras).map(([id, cause]) => [
        id,
        {
          state: cause === undefined ? 'streaming' : 'waiting',
          ...(cause === undefined ? {} : { cause }),
          framesPublished: 1,
          framesDropped: 0,
          ...(cause === undefined ? { lastFrameAtUs: atUs } : {}),
          restarts: 0,
          ring: { segments: 1, bytes: 2, spanMs: 3 },
        },
      ]),
    ),
  };
}

it('cameras of all agents are one list by name, with their state and its cause', () => {
  const views = cameraViews(
    [healthOf('b', 1000, { yard: undefined }), healthOf('a', 0, { gate: 'No route.' })],
    NOW_US,
  );
  expect(views).toMatchObject([
    { id: 'gate', agent: 'a', state: 'waiting', cause: 'No route.', lastFrameAgeMs: undefined },
    { id: 'yard', agent: 'b', state: 'streaming', cause: undefined, lastFrameAgeMs: 1000 },
  ]);
});

it('a report of up to ten seconds ago counts, an older one means offline', () => {
  const stateAt = (ageMs: number) =>
    cameraViews([healthOf('a', ageMs, { yard: undefined })], NOW_US)[0]?.state;
  expect(stateAt(10_000)).toBe('streaming');
  expect(stateAt(10_001)).toBe('offline');
  expect(cameraViews([healthOf('a', 7_200_000, { yard: undefined })], NOW_US)[0]?.cause).toMatch(/2 h ago/);
});

it('a camera that has moved to another agent is as the newer report has it', () => {
  const old = healthOf('old', 60_000, { yard: 'Gone.' });
  const now = healthOf('new', 500, { yard: undefined });
  for (const healths of [
    [old, now],
    [now, old],
  ]) {
    expect(cameraViews(healths, NOW_US)).toMatchObject([{ agent: 'new', state: 'streaming' }]);
  }
});

it('a clock that is ahead does not make a picture come from the future', () => {
  expect(cameraViews([healthOf('a', -5000, { yard: undefined })], NOW_US)[0]?.lastFrameAgeMs).toBe(0);
});
