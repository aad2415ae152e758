import { halfBits } from '../pixels.ts';

/** Numbers of ONNX's TensorProto.DataType. */
const types = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 } as const;
export type TinyType = keyof typeof types;

export interface TinyInput {
  name: string;
  type: TinyType;
  /** A dimension that is a string is dynamic. */
  shape: readonly (number | string)[];
}

export interface TinyOutput {
  name: string;
  type: TinyType;
  dims: readonly number[];
  values: readonly number[] | Float32Array;
  /** What the model says of the output's shape, if not `dims`. */
  shape?: readonly (number | string)[];
}

/** An ONNX file of a model that answers the same numbers whatever it is shown: a layout without a network. */
export function tinyModel(
  inputs: readonly TinyInput[],
  outputs: readonly TinyOutput[],
  metadata: Record<string, string> = {},
): Buffer {
  const graph = Buffer.concat([
    ...outputs.map(({ name }) =>
      // NodeProto: input, output, op_type.
      bytes(1, Buffer.concat([text(1, `${name}.values`), text(2, name), text(4, 'Identity')])),
    ),
    text(2, 'tiny'),
    ...outputs.map((output) => bytes(5, tensorOf(output))),
    ...inputs.map((input) => bytes(11, valueInfo(input))),
    ...outputs.map(({ name, type, dims, shape = dims }) => bytes(12, valueInfo({ name, type, shape }))),
  ]);
  const operators = Buffer.concat([text(1, ''), number(2, 13)]);
  const entries = Object.entries(metadata).map(([key, value]) =>
    bytes(14, Buffer.concat([text(1, key), text(2, value)])),
  );
  return Buffer.concat([number(1, 8), bytes(7, graph), bytes(8, operators), ...entries]);
}

function tensorOf({ name, type, dims, values }: TinyOutput): Buffer {
  const raw = Buffer.concat([...values].map((value) => rawOf(type, value)));
  return Buffer.concat([
    ...dims.map((dimension) => number(1, dimension)),
    number(2, types[type]),
    text(8, `${name}.values`),
    bytes(9, raw),
  ]);
}

function rawOf(type: TinyType, value: number): Buffer {
  const raw = Buffer.alloc(type === 'int64' ? 8 : type === 'float16' ? 2 : type === 'uint8' ? 1 : 4);
  if (type === 'float32') raw.writeFloatLE(value);
  else if (type === 'float16') raw.writeUInt16LE(halfBits(value));
  else if (type === 'int64') raw.writeBigInt64LE(BigInt(value));
  else if (type === 'int32') raw.writeInt32LE(value);
  else raw.writeUInt8(value);
  return raw;
}

function valueInfo({ name, type, shape }: TinyInput): Buffer {
  const dimensions = shape.map((dimension) =>
    bytes(1, typeof dimension === 'number' ? number(1, dimension) : text(2, dimension)),
  );
  const tensor = Buffer.concat([number(1, types[type]), bytes(2, Buffer.concat(dimensions))]);
  return Buffer.concat([text(1, name), bytes(2, bytes(1, tensor))]);
}

/** Fields of protocol buffers. */
function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

function text(field: number, content: string): Buffer {
  return bytes(field, Buffer.from(content));
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const parts: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    parts.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Buffer.from(parts);
  }
}
