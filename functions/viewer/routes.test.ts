import { describe, expect, it } from 'vitest';
import { eventsQueryOf, routeOf } from './routes.ts';

const id = 'yard-20260304t050607-000089';

describe('a path', () => {
  it.each([
    ['', { kind: 'page' }],
    ['/', { kind: 'page' }],
    ['/index.html', { kind: 'page' }],
    ['/assets/app.js', { kind: 'asset', name: 'app.js', digest: undefined }],
    ['/assets/0f/app.js', { kind: 'asset', name: 'app.js', digest: '0f' }],
    ['/api/events', { kind: 'events' }],
    ['/api/events/', { kind: 'events' }],
    ['api/events', { kind: 'events' }],
    [`/api/events/${id}`, { kind: 'event', id, name: 'event.json' }],
    [`/api/events/${id}/event.json`, { kind: 'event', id, name: 'event.json' }],
    [`/api/events/${id}/clip.mp4`, { kind: 'event', id, name: 'clip.mp4' }],
    [`/api/events/${id}/snapshot.jpg`, { kind: 'event', id, name: 'snapshot.jpg' }],
    [`/api/events/${id}/snapshot-clean.jpg`, { kind: 'event', id, name: 'snapshot-clean.jpg' }],
    [`/api/events/${id}/clip-2.mp4`, { kind: 'event', id, name: 'clip-2.mp4' }],
    [`/api/events/${id}/clip-h264-12.mp4`, { kind: 'event', id, name: 'clip-h264-12.mp4' }],
    [`/api/events/${id}/strip.jpg`, { kind: 'event', id, name: 'strip.jpg' }],
    ['/api/cameras', { kind: 'cameras' }],
    ['/api/cameras/yard/frame.jpg', { kind: 'frame', camera: 'yard' }],
    ['/api/status', { kind: 'status' }],
  ])('%s leads somewhere', (path, route) => {
    expect(routeOf(path)).toEqual(route);
  });

  it.each([
    '/nothing',
    '/api',
    '/api/nothing',
    '/api/status/more',
    `/api/events/${id}/other.mp4`,
    `/api/events/${id}/clip.mp4/more`,
    `/api/events/${id}/clip-1.mp4`,
    `/api/events/${id}/clip-02.mp4`,
    `/api/events/${id}/clip-2.mp4.mp4`,
    `/api/events/${id}/keep.json`,
    '/api/cameras/yard',
    '/assets/a/b/c',
    '/../../etc/passwd',
    '/handler.js',
    '/function/viewer/',
  ])('%s leads nowhere', (path) => {
    expect(routeOf(path)).toEqual({ kind: 'unknown' });
  });

  it.each([
    '/api/events/..%2f..%2fsecret/clip.mp4',
    '/api/events/../clip.mp4',
    '/api/events/%2e%2e/clip.mp4',
    '/api/events/..%5c/clip.mp4',
    `/api/events/${id}%00/clip.mp4`,
    `/api/events/${id}%0d%0aSet-Cookie:x/clip.mp4`,
    '/api/cameras/frames.*/frame.jpg',
    '/api/cameras/%3e/frame.jpg',
    '/api/cameras/../frame.jpg',
    '/api/events/%zz/clip.mp4',
    '/api/events/%c0%ae%c0%ae/clip.mp4',
  ])('%s is refused', (path) => {
    expect(routeOf(path).kind).toBe('bad');
  });
});

describe('the query of the event list', () => {
  it('has defaults, and takes empty parameters as absent', () => {
    expect(eventsQueryOf({})).toEqual({ limit: 24 });
    expect(eventsQueryOf({ camera: '', label: '', limit: '', before: '' })).toEqual({ limit: 24 });
  });

  it('is taken as given, and other parameters are ignored', () => {
    expect(eventsQueryOf({ camera: 'yard', label: 'a <b>', limit: '7', before: id, t: '1' })).toEqual({
      camera: 'yard',
      label: 'a <b>',
      limit: 7,
      before: id,
    });
  });

  it.each([
    [{ camera: 'No Camera' }, /camera must be 1 to 63 characters/],
    [{ camera: ['a', 'b'] }, /camera must be given once/],
    [{ label: 'x'.repeat(65) }, /label must be at most 64/],
    [{ label: { a: 'b' } }, /label must be given once/],
    [{ limit: '0' }, /limit must be a number from 1 to 100/],
    [{ limit: '101' }, /limit must be a number from 1 to 100/],
    [{ limit: '1e1' }, /limit must be a number from 1 to 100/],
    [{ limit: '-1' }, /limit must be a number from 1 to 100/],
    [{ limit: ['1'] }, /limit must be given once/],
    [{ before: '../x' }, /before is no event id/],
  ])('%j is refused with a sentence', (query, sentence) => {
    const refused = eventsQueryOf(query);
    expect('error' in refused ? refused.error : undefined).toMatch(sentence);
  });
});
