import { expect, test } from 'vitest';
import { ourRules, withOurRules } from './s3-lifecycle.ts';
import type { LifecycleRule } from './store.ts';

const rules: LifecycleRule[] = [
  { id: 'faascam-all', expireAfterDays: 30 },
  { id: 'faascam-yard', prefix: 'yard/', expireAfterDays: 3 },
  { id: 'faascam-cats', tags: { label: 'cat' }, expireAfterDays: 1 },
  { id: 'faascam-dogs', prefix: 'yard/', tags: { label: 'dog', keep: '0' }, expireAfterDays: 7 },
];
const others =
  '<LifecycleConfiguration>' +
  '<Rule><ID>007</ID><Filter><Prefix/></Filter><Status>Enabled</Status>' +
  '<NoncurrentVersionExpiration><NoncurrentDays>010</NoncurrentDays></NoncurrentVersionExpiration></Rule>' +
  '<Rule><ID>a &amp; b</ID><Prefix>x/</Prefix><Status>Disabled</Status><Expiration><Days>5</Days></Expiration></Rule>' +
  '</LifecycleConfiguration>';

test('our rules come back as they were set, below the prefix of the store', () => {
  for (const prefix of ['', 'cameras/']) {
    const configuration = withOurRules(undefined, rules, prefix);
    expect(ourRules(configuration, prefix)).toEqual(rules);
    expect(configuration).toContain(`<Filter><Prefix>${prefix}yard/</Prefix></Filter>`);
  }
});

test('the rules of others stay as they are, to the letter', () => {
  const declared = `<?xml version="1.0" encoding="UTF-8"?>\n${others.replace('>', ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/">')}`;
  const both = withOurRules(declared, rules, '');
  expect(both).toContain(
    others.slice('<LifecycleConfiguration>'.length, -'</LifecycleConfiguration>'.length),
  );
  expect(ourRules(both, '')).toEqual(rules);
  expect(withOurRules(both, [], '')).toBe(others);
});

test('rules that are set take the place of all that were ours, and without any rule there is no configuration', () => {
  const before = withOurRules(undefined, rules, '');
  expect(ourRules(withOurRules(before, rules.slice(0, 1), ''), '')).toEqual(rules.slice(0, 1));
  expect(withOurRules(before, [], '')).toBeUndefined();
});
