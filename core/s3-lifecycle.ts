import XMLBuilder from 'fast-xml-builder';
import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { LifecycleRule, Tags } from './store.ts';

// Elements in their order, texts as they stand: the rules of others go back to the server as they came.
const format = { preserveOrder: true, ignoreAttributes: false, suppressEmptyNode: true } as const;
const parser = new XMLParser({
  ...format,
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
});
const builder = new XMLBuilder(format);

const OURS = 'faascam-';
/** An element as the parser has it in order: one key, its name, with its children; perhaps attributes beside it. */
const element = z.record(z.string(), z.unknown());
type Element = z.infer<typeof element>;

/** Our rules in a bucket's lifecycle configuration (its XML); `storePrefix` is cut off their prefixes. */
export function ourRules(configuration: string | undefined, storePrefix: string): LifecycleRule[] {
  const rules: LifecycleRule[] = [];
  for (const rule of elementsOf(configuration)) {
    const id = textOf(find(rule, 'ID'));
    const days = textOf(find(childOf(rule, 'Expiration'), 'Days'));
    if (!id.startsWith(OURS) || days === '') continue;
    const filter = childOf(rule, 'Filter');
    const all = [...filter, ...childOf(filter, 'And')];
    const prefix = textOf(find(all, 'Prefix')) || textOf(find(rule, 'Prefix'));
    const own = prefix.startsWith(storePrefix) ? prefix.slice(storePrefix.length) : '';
    const tags: Tags = {};
    for (const tag of all.filter((child) => 'Tag' in child)) {
      const parts = childrenOf(tag, 'Tag');
      tags[textOf(find(parts, 'Key'))] = textOf(find(parts, 'Value'));
    }
    rules.push({
      id,
      ...(own === '' ? {} : { prefix: own }),
      ...(Object.keys(tags).length === 0 ? {} : { tags }),
      expireAfterDays: Number(days),
    });
  }
  return rules;
}

/**
 * A bucket's lifecycle configuration with these rules in place of all of ours, below `storePrefix`; undefined when no
 * rule is left.
 */
export function withOurRules(
  configuration: string | undefined,
  rules: readonly LifecycleRule[],
  storePrefix: string,
): string | undefined {
  const others = elementsOf(configuration).filter((rule) => !textOf(find(rule, 'ID')).startsWith(OURS));
  const all = [...others, ...rules.map((rule) => elementOf(rule, storePrefix))];
  if (all.length === 0) return undefined;
  return builder.build([{ LifecycleConfiguration: all.map((rule) => ({ Rule: rule })) }]);
}

function elementOf(rule: LifecycleRule, storePrefix: string): Element[] {
  const prefix = leaf('Prefix', storePrefix + (rule.prefix ?? ''));
  const tags = Object.entries(rule.tags ?? {}).map(([name, value]) => ({
    Tag: [leaf('Key', name), leaf('Value', value)],
  }));
  return [
    leaf('ID', rule.id),
    { Filter: tags.length === 0 ? [prefix] : [{ And: [prefix, ...tags] }] },
    leaf('Status', 'Enabled'),
    { Expiration: [leaf('Days', String(rule.expireAfterDays))] },
  ];
}

/** The children of each rule. */
function elementsOf(configuration: string | undefined): Element[][] {
  if (configuration === undefined) return [];
  const root = z.array(element).parse(parser.parse(configuration));
  return childOf(root, 'LifecycleConfiguration')
    .filter((child) => 'Rule' in child)
    .map((rule) => childrenOf(rule, 'Rule'));
}

function leaf(name: string, text: string): Element {
  return { [name]: [{ '#text': text }] };
}

function find(children: Element[], name: string): Element | undefined {
  return children.find((child) => name in child);
}

function childOf(children: Element[], name: string): Element[] {
  const found = find(children, name);
  return found === undefined ? [] : childrenOf(found, name);
}

function childrenOf(parent: Element, name: string): Element[] {
  return z.array(element).parse(parent[name]);
}

/** The text inside an element; empty if there is none. */
function textOf(leaf: Element | undefined): string {
  if (leaf === undefined) return '';
  const [name = ''] = Object.keys(leaf);
  const [text] = childrenOf(leaf, name);
  return z.string().catch('').parse(text?.['#text']);
}
