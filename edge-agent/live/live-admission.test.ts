import { expect, test } from 'vitest';
import { makeLiveToken } from '@faascam/core/live-token';
import { admit, type Credentials } from './live-admission.ts';
import { LiveRefusal } from './live-refusal.ts';

const SECRET = 'a-secret-of-the-test-only-0123456789';
const settings = {
  secret: SECRET,
  programs: [
    { name: 'all', token: 'token-of-a-program-for-all-cameras', cameras: [] },
    { name: 'wall', token: 'token-of-a-program-for-the-yard', cameras: ['yard'] },
  ],
};

/** How a request for the camera yard ends; undefined when it is let in. */
function refusalOf(shown: Partial<Credentials>, camera = 'yard'): [number, string] | undefined {
  try {
    admit(settings, camera, { authorization: undefined, token: undefined, ...shown }, 1000);
    return undefined;
  } catch (error) {
    if (!(error instanceof LiveRefusal)) throw error;
    return [error.status, error.code];
  }
}

test('tokens of the viewer and of programs let in, as a header or in the address', () => {
  const token = makeLiveToken(SECRET, 'yard', 1060);
  for (const good of [token, settings.programs[0]?.token, settings.programs[1]?.token]) {
    expect(refusalOf({ authorization: `Bearer ${good}` })).toBeUndefined();
    expect(refusalOf({ authorization: `bearer  ${good} ` })).toBeUndefined();
    expect(refusalOf({ token: good })).toBeUndefined();
  }
  expect(refusalOf({ token: settings.programs[0]?.token }, 'barn')).toBeUndefined();
});

test('none, a wrong one and an expired one are 401, one for another camera 403', () => {
  expect(refusalOf({})).toEqual([401, 'no-token']);
  expect(refusalOf({ authorization: 'Basic YTpi' })).toEqual([401, 'no-token']);
  expect(refusalOf({ token: 'none of ours' })).toEqual([401, 'bad-token']);
  expect(refusalOf({ token: makeLiveToken(SECRET, 'yard', 999) })).toEqual([401, 'expired']);
  expect(refusalOf({ token: makeLiveToken(SECRET, 'barn', 1060) })).toEqual([403, 'other-camera']);
  expect(refusalOf({ token: settings.programs[1]?.token }, 'barn')).toEqual([403, 'other-camera']);
  // The header counts where there are both.
  expect(refusalOf({ authorization: 'Bearer wrong', token: settings.programs[0]?.token })).toEqual([
    401,
    'bad-token',
  ]);
});
