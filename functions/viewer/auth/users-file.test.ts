import { expect, it } from 'vitest';
import { judgeToken, newToken } from './token.ts';
import {
  noUsers,
  parseUsers,
  usersText,
  withoutUser,
  withPassword,
  withToken,
  withUser,
  type User,
} from './users-file.ts';

const HASH = `$argon2id$v=19$m=19456,t=2,p=1$${'c2FsdA'.repeat(3)}$${'aGFzaA'.repeat(6)}`;
const anna: User = { name: 'anna', role: 'admin', password: HASH };

it('what is written is read again, and JSON as well as YAML', () => {
  const users = withUser(withUser(noUsers, anna), {
    ...anna,
    name: 'vera',
    role: 'viewer',
    cameras: ['yard'],
  });
  expect(parseUsers(usersText(users))).toEqual(users);
  expect(parseUsers(JSON.stringify(users))).toEqual(users);
  expect(parseUsers('')).toEqual(noUsers);
});

it('a file that is not as it should be is refused, without telling what is in it', () => {
  const secret = 'sw0rdfish';
  for (const text of [
    `users: [{ name: anna, role: admin, password: ${secret} }]`,
    `users: [{ name: anna, role: emperor, password: "${HASH}" }]`,
    `users: [{ name: "${secret} x", role: admin, password: "${HASH}" }]`,
    `users:\n  - name: anna\n   role: [${secret}`,
    `users: &a [*a, ${secret}]`,
    usersText({ users: [anna, anna], tokens: [] }),
    `users: []\n${secret}: 1`,
  ]) {
    let fault = '';
    try {
      parseUsers(text);
    } catch (error) {
      fault = error instanceof Error ? error.message : '';
    }
    expect(fault, text).toMatch(/^The users file/);
    if (!text.endsWith(': 1')) expect(fault).not.toContain(secret);
    expect(fault).not.toContain('argon2id$v');
  }
});

it('names are taken once, and unknown ones told with those that there are', () => {
  const users = withUser(noUsers, anna);
  expect(() => withUser(users, anna)).toThrow(/There is a user anna already/);
  expect(() => withoutUser(users, 'bert')).toThrow('There is no user bert; there is anna.');
  expect(() => withPassword(noUsers, 'anna', HASH)).toThrow('there is no user at all');
  expect(() => withUser(noUsers, { ...anna, name: '../anna' })).toThrow(/name must be made of/);
  expect(() => withUser(noUsers, { ...anna, cameras: ['Yard/..'] })).toThrow(/cameras/);
});

it('a token is known by its hash alone, and by nothing that is nearly it', () => {
  const { text, stored } = newToken({ name: 'home', scope: 'operate' });
  const { tokens } = withToken(noUsers, stored);
  expect(judgeToken(text, tokens, 0)).toMatchObject({ kind: 'good', role: 'operator' });
  const [prefix = '', id = '', ...secret] = text.split('_');
  expect(usersText({ users: [], tokens })).not.toContain(secret.join('_'));
  for (const other of [
    '',
    text.slice(0, -1),
    `${text}A`,
    text.toUpperCase(),
    `${prefix}_${id}_${'A'.repeat(43)}`,
    newToken({ name: 'other', scope: 'admin' }).text,
  ]) {
    expect(judgeToken(other, tokens, 0)).toEqual({ kind: 'unknown' });
  }
});
