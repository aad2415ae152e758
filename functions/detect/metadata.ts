import { open, type FileHandle } from 'node:fs/promises';

/** Fields of ONNX's ModelProto and StringStringEntryProto (onnx.proto) that are read here. */
const METADATA_PROPS = 14;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
/** Longer entries are not read: names of thousands of classes are shorter. */
const MAX_ENTRY_BYTES = 1_000_000;
/** A tag and a length are at most ten bytes each. */
const HEAD_BYTES = 20;

/**
 * What the exporter wrote into an ONNX file (`metadata_props`), which the runtime does not tell. Weights are passed over
 * unread. What is no ONNX file, or breaks off, has no metadata: the runtime says what is wrong with it.
 */
export async function readMetadata(path: string): Promise<ReadonlyMap<string, string>> {
  const file = await open(path);
  try {
    return await metadataIn(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

async function metadataIn(file: FileHandle, size: number): Promise<Map<string, string>> {
  const metadata = new Map<string, string>();
  for (let at = 0; at < size;) {
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, HEAD_BYTES, at);
    const field = fieldAt(head.subarray(0, bytesRead), 0);
    if (field === undefined) break;
    const begin = at + field.begin;
    at = begin + field.length;
    if (at > size) break;
    if (field.number !== METADATA_PROPS || field.type !== BYTES || field.length > MAX_ENTRY_BYTES) continue;
    const entry = Buffer.alloc(field.length);
    await file.read(entry, 0, field.length, begin);
    const [key, value] = entryOf(entry);
    if (key !== undefined && value !== undefined) metadata.set(key, value);
  }
  return metadata;
}

function entryOf(bytes: Buffer): [string | undefined, string | undefined] {
  let key: string | undefined;
  let value: string | undefined;
  for (let at = 0; at < bytes.length;) {
    const field = fieldAt(bytes, at);
    if (field === undefined) break;
    const end = field.begin + field.length;
    if (field.type === BYTES && field.number === ENTRY_KEY) key = bytes.toString('utf8', field.begin, end);
    if (field.type === BYTES && field.number === ENTRY_VALUE)
      value = bytes.toString('utf8', field.begin, end);
    at = end;
  }
  return [key, value];
}

interface Field {
  number: number;
  type: number;
  /** Where its content begins, and how long it is. */
  begin: number;
  length: number;
}

function fieldAt(bytes: Buffer, at: number): Field | undefined {
  const tag = varintAt(bytes, at);
  if (tag === undefined) return undefined;
  const number = Math.floor(tag.value / 8);
  const type = tag.value % 8;
  if (type === FIXED64) return { number, type, begin: tag.end, length: 8 };
  if (type === FIXED32) return { number, type, begin: tag.end, length: 4 };
  const next = varintAt(bytes, tag.end);
  if (next === undefined) return undefined;
  if (type === VARINT) return { number, type, begin: next.end, length: 0 };
  return type === BYTES ? { number, type, begin: next.end, length: next.value } : undefined;
}

function varintAt(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return undefined;
}

/**
 * Class names as exporters write them: a Python dictionary (`{0: 'person', 1: "driver's car"}`), a JSON object or a JSON or
 * Python list. Undefined when it is none of these or when numbers are missing.
 */
export function namesOf(text: string | undefined): string[] | undefined {
  const body = /^\s*([[{])([\s\S]*)[\]}]\s*$/.exec(text ?? '');
  if (body === null) return undefined;
  const [, bracket, inner = ''] = body;
  const names: string[] = [];
  const item = /\s*(?:["']?(\d+)["']?\s*:\s*)?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*(?:,|$)/y;
  while (item.lastIndex < inner.trimEnd().length) {
    const found = item.exec(inner);
    if (found === null || (found[1] === undefined) !== (bracket === '[')) return undefined;
    names[found[1] === undefined ? names.length : Number(found[1])] = unquoted(found[2] ?? '');
  }
  return names.length > 0 && Object.keys(names).length === names.length ? names : undefined;
}

function unquoted(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/\\u([0-9a-f]{4})|\\(.)/gi, (_all, hex: string | undefined, plain: string) =>
      hex === undefined ? plain : String.fromCharCode(parseInt(hex, 16)),
    );
}

/** Width and height for a model whose input's size is dynamic, from `[height, width]` or one number. */
export function inputSizeOf(text: string | undefined): [number, number] | undefined {
  const numbers = (text?.match(/\d+/g) ?? []).map(Number);
  const [height, width = height] = numbers;
  return height === undefined || width === undefined || numbers.length > 2 ? undefined : [width, height];
}
