import { env, InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { FaascamError, messageOf, UsageError } from '@faascam/core/errors';
import type { DetectSettings } from '@faascam/core/settings';
import type { PictureInput, SeenOutput, TensorShape } from './layout.ts';
import { floatsOfHalves, type InputArray } from './pixels.ts';

/** A model in memory, ready to run, and what runs it. */
export interface OpenedModel {
  session: InferenceSession;
  provider: string;
  inputs: TensorShape[];
  outputs: TensorShape[];
  /** Why a better provider does not run it, where one was tried. */
  fallback?: string;
}

/** What `auto` tries, best first. Others only run when asked for: they may bring the process down where no driver is. */
const automatic = ['cuda', 'openvino', 'rocm', 'migraphx', 'coreml', 'dml'];

/**
 * Threads of the runtime that have nothing to do sleep. Waiting in a loop, as they do otherwise, makes a run some
 * milliseconds quicker and takes two to three times the processor's time, which motion and other cameras need.
 */
const withoutSpinning = { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } };

/** Providers that this runtime was built with; whether their libraries are there, only loading a model shows. */
export function providersHere(): string[] {
  return [...new Set([...listSupportedBackends().map(({ name }) => name), 'cpu'])];
}

/** The providers to try for a setting, in order. Throws `UsageError` `provider-unknown` that names those there are. */
export function providersToTry(wanted: string, here: readonly string[]): string[] {
  if (wanted === 'auto') return [...automatic.filter((name) => here.includes(name)), 'cpu'];
  if (here.includes(wanted)) return [wanted];
  throw new UsageError(
    'provider-unknown',
    `detect.provider is "${wanted}", which this runtime does not have: choose one of ${here.join(', ')}, or auto.`,
  );
}

/**
 * Loads a model with the first provider that can. Throws `FaascamError` `model-unreadable`, or `provider-unavailable` when
 * the one that was asked for does not work on this host.
 */
export async function openModel(
  path: string,
  { provider: wanted, threads }: Pick<DetectSettings, 'provider' | 'threads'>,
): Promise<OpenedModel> {
  const here = providersHere();
  // The runtime would print on stderr what its exceptions say anyway.
  env.logLevel = 'fatal';
  const failures: string[] = [];
  for (const provider of providersToTry(wanted, here)) {
    try {
      const session = await InferenceSession.create(path, {
        executionProviders: [provider],
        logSeverityLevel: 4,
        ...(threads > 0 ? { intraOpNumThreads: threads } : {}),
        extra: withoutSpinning,
      });
      return {
        session,
        provider,
        inputs: session.inputMetadata.flatMap(tensorShape),
        outputs: session.outputMetadata.flatMap(tensorShape),
        ...(failures.length > 0 ? { fallback: failures.join('; ') } : {}),
      };
    } catch (cause) {
      const reason = withoutSource(cause);
      if (provider === 'cpu') throw unreadable(path, reason, cause);
      if (wanted !== 'auto') {
        throw new FaascamError(
          'provider-unavailable',
          `detect.provider ${provider} does not work on this host (${reason}): install its libraries, or choose cpu or auto.`,
          { cause },
        );
      }
      failures.push(`${provider}: ${reason}`);
    }
  }
  throw new FaascamError('provider-unavailable', 'No provider can run a model here.');
}

function unreadable(path: string, reason: string, cause: unknown): FaascamError {
  return new FaascamError(
    'model-unreadable',
    `${path} is no ONNX model that onnxruntime can load (${reason}): choose another file, or pull the model again.`,
    { cause },
  );
}

/** The runtime's words without the place in its own source where they were said. */
function withoutSource(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line.replace(/^.*\) /, '').replace(/\.$/, '');
}

function tensorShape(metadata: InferenceSession.ValueMetadata): TensorShape[] {
  return metadata.isTensor ? [{ name: metadata.name, type: metadata.type, shape: metadata.shape }] : [];
}

/** The array that a model's picture is written into. */
export function inputArrayOf({ type, width, height }: PictureInput): InputArray {
  const size = 3 * width * height;
  if (type === 'float32') return new Float32Array(size);
  return type === 'float16' ? new Uint16Array(size) : new Uint8Array(size);
}

/** Tensors over `array`, to be used for each run: what is written into the array is what the model sees. */
export function feedsOf(input: PictureInput, array: InputArray): Record<string, Tensor> {
  const { width, height, sizeInput } = input;
  const dims = input.channelsLast ? [1, height, width, 3] : [1, 3, height, width];
  const picture = new Tensor(input.type, array, dims);
  // Where JavaScript has half-precision floats of its own, the tensor holds those, which the runtime cannot read yet.
  if (input.type === 'float16') Object.defineProperty(picture, 'data', { value: array });
  const feeds = { [input.name]: picture };
  if (sizeInput === undefined) return feeds;
  const sizes = {
    int64: () => BigInt64Array.of(BigInt(width), BigInt(height)),
    int32: () => Int32Array.of(width, height),
    float32: () => Float32Array.of(width, height),
  };
  return { ...feeds, [sizeInput.name]: new Tensor(sizeInput.type, sizes[sizeInput.type](), [1, 2]) };
}

/** An output's numbers; halves become ordinary floats. Undefined of whole numbers and of what is not there. */
export function floatsOf(tensor: Tensor | undefined): Float32Array | undefined {
  const data: unknown = tensor?.data;
  if (data instanceof Float32Array) return data;
  if (tensor?.type !== 'float16') return undefined;
  // Where JavaScript has half-precision floats of its own, these are ordinary numbers to it.
  if (data instanceof Uint16Array) return floatsOfHalves(data);
  return ArrayBuffer.isView(data)
    ? floatsOfHalves(new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2))
    : undefined;
}

export function seenOutputs(outputs: InferenceSession.ReturnType): SeenOutput[] {
  return Object.entries(outputs).flatMap(([name, value]) =>
    value instanceof Tensor ? [{ name, type: value.type, dims: value.dims, values: floatsOf(value) }] : [],
  );
}
