import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';

type Json = Record<string, unknown>;

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** Names of what an operation is given that are addresses, by their name or by their schema. */
function addressesIn(schema: unknown, document: Json, name = ''): string[] {
  const here = object(schema);
  const { $ref: reference } = here;
  if (typeof reference === 'string') {
    const found = reference
      .slice(2)
      .split('/')
      .reduce<unknown>((at, part) => object(at)[part], document);
    return addressesIn(found, document, name);
  }
  const own =
    here['format'] === 'uri' || /(ur[li]|source|host|endpoint|redirect|callback)$/i.test(name) ? [name] : [];
  const inner = Object.entries(object(here['properties'])).flatMap(([key, value]) =>
    addressesIn(value, document, key),
  );
  const options = [here['anyOf'], here['oneOf'], here['allOf']].flat().filter((each) => each !== undefined);
  const others = [...options, here['items'], here['additionalProperties']].flatMap((each) =>
    typeof each === 'object' ? addressesIn(each, document, name) : [],
  );
  return [...new Set([...own, ...inner, ...others])];
}

it('no operation takes an address that we would ask, but the one of a browser, which the function notify guards', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/openapi.json'), 'utf8');
  const document = object(JSON.parse(text));
  const takes: string[] = [];
  let operations = 0;
  for (const place of Object.values(object(document['paths']))) {
    for (const value of Object.values(object(place))) {
      const operation = object(value);
      if (typeof operation['operationId'] !== 'string') continue;
      operations += 1;
      const bodies = Object.values(object(object(operation['requestBody'])['content']));
      const given = [
        ...bodies.flatMap((body) => addressesIn(object(body)['schema'], document)),
        ...[operation['parameters'] ?? []].flat().flatMap((each) => {
          const parameter = object(each);
          return addressesIn(parameter['schema'], document, String(parameter['name']));
        }),
      ];
      takes.push(...given.map((name) => `${String(operation['operationId'])}: ${name}`));
    }
  }
  expect(operations).toBeGreaterThan(10);
  // Kept from private addresses by functions/notify/address-guard.ts.
  expect(takes).toEqual(['subscribePush: endpoint']);
});
