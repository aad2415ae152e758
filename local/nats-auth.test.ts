import { describe, expect, it } from 'vitest';
import { authConfig, changedSite, natsSite, parseAgents } from './nats-auth.ts';
import { rightsOf } from './nats-rights.ts';

const none = { agents: {}, remove: [], rotate: [], streams: [] };
const first = changedSite(undefined, { ...none, agents: { pi: ['yard'], barn: ['cows'] } });

describe('the users of a site', () => {
  it('are made once, each with a key of its own', () => {
    const { site, seeds } = first;
    expect(Object.keys(site.keys)).toEqual(expect.arrayContaining(['connector', 'agent-pi', 'agent-barn']));
    expect(new Set([...Object.values(site.keys), ...seeds.values()]).size).toBe(2 * seeds.size);
    expect(JSON.stringify(site)).not.toMatch(/SU[A-Z2-7]{56}/);
  });

  it('keep their keys when nothing changes, and when cameras do', () => {
    expect(changedSite(first.site, none)).toEqual({ site: first.site, seeds: new Map(), gone: [] });
    const { site, seeds } = changedSite(first.site, { ...none, agents: { pi: ['yard', 'gate'] } });
    expect([seeds.size, site.keys, site.agents['pi']]).toEqual([0, first.site.keys, ['yard', 'gate']]);
  });

  it('are let in no more once they are removed', () => {
    const { site, gone } = changedSite(first.site, { ...none, remove: ['barn'] });
    expect(gone).toEqual(['agent-barn']);
    expect(authConfig(site)).not.toMatch(/barn|cows/);
    expect(authConfig(site)).not.toContain(first.site.keys['agent-barn']);
  });

  it('that are not there are neither removed nor given a key', () => {
    expect(() => changedSite(first.site, { ...none, remove: ['shed'] })).toThrow(/--remove shed/);
    expect(() => changedSite(first.site, { ...none, rotate: ['pi'] })).toThrow(/--rotate pi: .*agent-pi/);
  });
});

it('streams of own functions are kept, and read by the connector alone', () => {
  const { site } = changedSite(first.site, { ...none, streams: ['SENSORS'] });
  const later = changedSite(site, { ...none, streams: ['SENSORS', 'DOORBELL'] }).site;
  expect(later.streams).toEqual(['SENSORS', 'DOORBELL']);
  const named = Object.entries(rightsOf(later.agents, later.streams)).filter(([, { publish }]) =>
    publish.allow.some((subject) => subject.includes('SENSORS')),
  );
  expect(named.map(([user]) => user)).toEqual(['connector']);
  expect(() => changedSite(site, { ...none, streams: ['a.>'] })).toThrow(/--stream a\.>/);
});

it('a site that was written before there were such streams is read', () => {
  const { v, agents, keys } = first.site;
  expect(natsSite.parse({ v, agents, keys })).toEqual({ ...first.site, streams: [] });
});

describe('an agent on the command line', () => {
  it('has cameras, which add up', () => {
    expect(parseAgents(['pi:yard,door', 'barn:cows', 'pi:gate,yard'])).toEqual({
      pi: ['yard', 'door', 'gate'],
      barn: ['cows'],
    });
  });

  it.each(['pi', 'pi:', ':yard', 'pi:yard:door', 'pi:*', 'pi:>', 'Pi:yard', 'pi:a.b', 'pi:"x'])(
    'is refused as %j, which would be no name or more than one',
    (text) => {
      expect(() => parseAgents([text])).toThrow(/--agent .*pi-yard:yard,door/);
    },
  );
});

it('a camera that two agents have is denied to neither', () => {
  const rights = rightsOf({ pi: ['yard'], spare: ['yard'], barn: ['cows'] });
  const denied = rights['agent-spare']?.publish.deny ?? [];
  expect(denied.some((subject) => subject.includes('edge-agent-cows'))).toBe(true);
  expect(denied.some((subject) => subject.includes('edge-agent-yard'))).toBe(false);
});
