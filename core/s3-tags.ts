import { XMLParser } from 'fast-xml-parser';
import { z } from 'zod';
import type { Tags } from './store.ts';

// The client's own reading makes numbers of texts: 007 would come back as 7.
const parser = new XMLParser({
  parseTagValue: false,
  ignoreDeclaration: true,
  trimValues: false,
  isArray: (name) => name === 'Tag',
});
const tagging = z.object({
  Tagging: z.object({
    TagSet: z.union([
      z.object({ Tag: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]) }),
      // An empty set, perhaps on a line of its own.
      z.string().transform(() => ({ Tag: [] })),
    ]),
  }),
});

/** The tags that S3's answer to `?tagging` tells. Throws `ZodError` for anything else. */
export function tagsOf(xml: string): Tags {
  const { Tagging } = tagging.parse(parser.parse(xml));
  return Object.fromEntries(Tagging.TagSet.Tag.map(({ Key, Value }) => [Key, Value]));
}

/** Tags as a put's header has them. A space is `%20`: some servers take `+` for itself. */
export function taggingOf(tags: Tags): string {
  return Object.entries(tags)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&');
}
