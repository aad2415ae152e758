import { describe, expect, it } from 'vitest';
import { cameraId, cameraIdFrom, eventId, eventIdOf, eventKey } from './ids.ts';

describe('ids', () => {
  it('gives one event one id, whoever asks', () => {
    const startUs = Date.UTC(2026, 10, 20, 7, 8, 9, 123) * 1000 + 456;
    expect(eventIdOf('front-door', startUs)).toBe('front-door-20261120t070809-123456');
    expect(eventIdOf('front-door', startUs)).toBe(eventIdOf('front-door', startUs));
  });

  it('puts the objects of an event below its camera and day', () => {
    const id = eventIdOf('a_b-1', Date.UTC(2026, 0, 2, 23, 59, 59, 999) * 1000 + 999);
    expect(eventKey(id, 'clip.mp4')).toBe(`a_b-1/2026/01/02/${id}/clip.mp4`);
  });

  it('sorts the events of a camera by time', () => {
    const times = [
      1_700_000_000_000_000, 1_700_000_000_000_001, 1_700_000_001_000_000, 1_900_000_000_000_000,
    ];
    const ids = times.map((us) => eventIdOf('cam', us));
    expect([...ids].sort()).toEqual(ids);
  });

  it.each([
    '../../etc/passwd',
    'cam',
    'cam-20260101t000000',
    '',
    'CAM-20260101t000000-000000',
    'a/b-20260101t000000-000000',
  ])('refuses %j as an event id', (text) => {
    expect(eventId.safeParse(text).success).toBe(false);
    expect(() => eventKey(text, 'clip.mp4')).toThrow(TypeError);
  });

  it.each(['a.b', 'A', 'a/b', '', '-a', 'a b', 'a>', '*', 'x'.repeat(64)])(
    'refuses %j as a camera id',
    (text) => {
      expect(cameraId.safeParse(text).success).toBe(false);
    },
  );

  it('makes a camera id from any title', () => {
    expect(cameraIdFrom('My Yard (1)')).toBe('my-yard-1');
    expect(cameraIdFrom('???')).toBe('camera');
    expect(cameraId.safeParse(cameraIdFrom('É'.repeat(200) + 'x'.repeat(200))).success).toBe(true);
  });
});
