import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { coco80 } from './coco.ts';
import { listModels, pullModel, resolveModel } from './registry.ts';

const content = randomBytes(1_500_000);
const sha256 = createHash('sha256').update(content).digest('hex');
const sizeBytes = content.length;

const common = {
  title: 'A detector',
  file: 'far.onnx',
  sizeBytes,
  licence: 'Apache-2.0',
  family: 'yolox',
  input: { width: 416, height: 416, colours: 'bgr', white: 255, letterbox: 'top-left', padding: 114 },
  labels: 'coco80',
  demo: false,
};

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let folder: string;
let models: string;
let server: Server;
let address: string;
/** The ranges that were asked for, '' for the whole file. */
let ranges: string[];
/** What the server does with each request in turn; the last one stays. */
let answers: Answer[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faascam-models-'));
  models = join(folder, 'models');
  ranges = [];
  answers = [withRanges];
  server = createServer((request, response) => {
    ranges.push(request.headers.range ?? '');
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}/far.onnx`;
  await catalogue({ sha256 });
});

afterEach(async () => {
  delete process.env['FAASCAM_MODELS'];
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function catalogue(digest: { sha256?: string; sha256Prefix?: string }): Promise<void> {
  const path = join(folder, 'models.json');
  await writeFile(path, JSON.stringify({ models: [{ ...common, name: 'far', address, ...digest }] }));
  process.env['FAASCAM_MODELS'] = path;
}

function withRanges(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = { 'Content-Range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` };
  response.writeHead(from > 0 ? 206 : 200, {
    'Content-Length': sizeBytes - from,
    ...(from > 0 ? range : {}),
  });
  response.end(content.subarray(from));
}

/** Sends some bytes, and then nothing while the connection stays open. */
function stalls(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Length': sizeBytes });
  response.write(content.subarray(0, 400_000));
}

function breaksOff(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Length': sizeBytes });
  response.write(content.subarray(0, 400_000), () => response.destroy());
}

function sends(body: Buffer): Answer {
  return (_request, response) => response.writeHead(200, { 'Content-Length': body.length }).end(body);
}

describe('pulling a model', () => {
  it('downloads it, tells how far it is, and gives it its name only when it is whole', async () => {
    const steps: { receivedBytes: number; totalBytes: number }[] = [];
    const model = await pullModel('far', models, { onProgress: (step) => steps.push(step) });
    expect(model).toEqual({
      name: 'far',
      path: join(models, 'far.onnx'),
      sha256,
      demo: false,
      labels: coco80,
    });
    expect(steps.at(-1)).toEqual({ receivedBytes: sizeBytes, totalBytes: sizeBytes });
    expect(await readdir(models)).toEqual(['far.onnx']);
    expect(await resolveModel('far', models)).toEqual(model);
  });

  it('does not download again what is there, and replaces what is damaged', async () => {
    await pullModel('far', models);
    await pullModel('far', models);
    expect(ranges).toEqual(['']);
    await writeFile(join(models, 'far.onnx'), 'damaged');
    await expect(resolveModel('far', models)).rejects.toMatchObject({ code: 'model-damaged' });
    expect((await pullModel('far', models)).sha256).toBe(sha256);
  });

  it('goes on in the next call where an abort ended the last one', async () => {
    answers = [stalls, withRanges];
    const abort = new AbortController();
    const reason = new Error('Ctrl-C');
    const first = pullModel('far', models, {
      signal: abort.signal,
      onProgress: ({ receivedBytes }) => {
        if (receivedBytes === 400_000) abort.abort(reason);
      },
    });
    await expect(first).rejects.toBe(reason);
    expect(await readdir(models)).toEqual(['far.onnx.part']);
    expect((await pullModel('far', models)).sha256).toBe(sha256);
    expect(ranges).toEqual(['', 'bytes=400000-']);
    expect((await readFile(join(models, 'far.onnx'))).equals(content)).toBe(true);
  });

  it('goes on by itself when the connection breaks or stalls', async () => {
    answers = [breaksOff, withRanges];
    await pullModel('far', models);
    expect(ranges).toEqual(['', expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    await rm(models, { recursive: true });
    answers = [stalls, withRanges];
    await pullModel('far', models, { stallTimeoutMs: 200 });
    expect(ranges.slice(2)).toEqual(['', 'bytes=400000-']);
  });

  it('starts over when the server knows no ranges', async () => {
    answers = [breaksOff, sends(content)];
    expect((await pullModel('far', models)).sha256).toBe(sha256);
    expect(ranges).toEqual(['', expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  it('starts over when the server has no such range, and when more is there than the file can have', async () => {
    await mkdir(models);
    await writeFile(join(models, 'far.onnx.part'), content.subarray(0, 1000));
    answers = [(_request, response) => response.writeHead(416).end(), withRanges];
    expect((await pullModel('far', models)).sha256).toBe(sha256);
    expect(ranges).toEqual(['bytes=1000-', '']);
    await rm(join(models, 'far.onnx'));
    await writeFile(join(models, 'far.onnx.part'), Buffer.alloc(sizeBytes + 1));
    expect((await pullModel('far', models)).sha256).toBe(sha256);
  });

  it('refuses and removes a file of another digest or size', async () => {
    const changed = Buffer.from(content);
    changed[77] = (changed[77] ?? 0) ^ 1;
    for (const body of [changed, content.subarray(1), Buffer.concat([content, content])]) {
      answers = [sends(body)];
      await expect(pullModel('far', models)).rejects.toMatchObject({ code: 'download-wrong' });
      expect(await readdir(models)).toEqual([]);
    }
    answers = [(_request, response) => response.writeHead(200).end(Buffer.concat([content, content]))];
    await expect(pullModel('far', models)).rejects.toThrow(/more than 1500000 bytes came/);
    expect(await readdir(models)).toEqual([]);
  });

  it('keeps the whole digest of the first download where only its start is known', async () => {
    await catalogue({ sha256Prefix: 'ffffffffff' });
    await expect(pullModel('far', models)).rejects.toThrow(/does not start with ffffffffff/);
    await catalogue({ sha256Prefix: sha256.slice(0, 8) });
    await pullModel('far', models);
    expect(await readFile(join(models, 'far.onnx.sha256'), 'utf8')).toBe(`${sha256}  far.onnx\n`);
    await writeFile(join(models, 'far.onnx.sha256'), `${sha256.slice(0, 8)}${'0'.repeat(56)}  far.onnx\n`);
    await expect(resolveModel('far', models)).rejects.toMatchObject({ code: 'model-damaged' });
  });

  it('says that the server has no such file, or that it cannot be reached', async () => {
    answers = [(_request, response) => response.writeHead(404).end('no')];
    await expect(pullModel('far', models)).rejects.toThrow(/answered 404.*download .*far\.onnx elsewhere/);
    server.close();
    server.closeAllConnections();
    await expect(pullModel('far', models)).rejects.toMatchObject({
      code: 'download-offline',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ cannot be reached .*ECONNREFUSED/) as string,
    });
  });

  it('says that the disk is full, or that the folder cannot be written', async () => {
    await mkdir(models);
    await symlink('/dev/full', join(models, 'far.onnx.part'));
    await expect(pullModel('far', models)).rejects.toThrow(/The disk is full: .* 2 MB/);
    await writeFile(join(folder, 'file'), '');
    await expect(pullModel('far', join(folder, 'file'))).rejects.toMatchObject({
      code: 'download-not-writable',
    });
  });
});

describe('resolving a model', () => {
  it('lists the names there are when it knows none such, and how to get one that is not there', async () => {
    await expect(resolveModel('yolo99', models)).rejects.toThrow(
      'There is no model "yolo99": choose one of far, or',
    );
    await expect(resolveModel('far', models)).rejects.toThrow('run: faascam model pull far');
    await expect(resolveModel('./gone.onnx', models)).rejects.toMatchObject({ code: 'model-missing' });
    await expect(pullModel('yolo99', models)).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it('takes a file of the user, with the labels that lie beside it', async () => {
    const path = join(folder, 'yard.onnx');
    await writeFile(path, 'weights');
    const model = {
      name: 'yard',
      path,
      sha256: createHash('sha256').update('weights').digest('hex'),
      demo: false,
    };
    expect(await resolveModel(path, models)).toEqual(model);
    await writeFile(join(folder, 'yard.labels.txt'), 'hen\nfox\n');
    expect(await resolveModel(path, models)).toEqual({ ...model, labels: ['hen', 'fox'] });
    await writeFile(join(folder, 'yard.labels.txt'), 'hen\n\nfox\n');
    await expect(resolveModel(path, models)).rejects.toMatchObject({ code: 'model-labels' });
  });

  it('takes one that lies beside the list, as in an image, and looks at its digest all the same', async () => {
    await writeFile(join(folder, 'far.onnx'), content);
    expect(await resolveModel('far', models)).toMatchObject({ path: join(folder, 'far.onnx'), sha256 });
    await writeFile(join(folder, 'far.onnx'), randomBytes(sizeBytes));
    await expect(resolveModel('far', models)).rejects.toMatchObject({ code: 'model-damaged' });
  });

  it('says what is wrong with a list of models', async () => {
    await writeFile(join(folder, 'models.json'), '{"models": [{"name": "far"}]}');
    await expect(resolveModel('far', models)).rejects.toThrow(/models\.json is not valid: .*title/);
    process.env['FAASCAM_MODELS'] = join(folder, 'none');
    await expect(resolveModel('far', models)).rejects.toMatchObject({ code: 'models-json' });
  });
});

describe('the models that come with faascam', () => {
  beforeEach(() => {
    delete process.env['FAASCAM_MODELS'];
  });

  it('hold the demo model, which stays one under any name', async () => {
    const model = await resolveModel('faascam-demo', models);
    expect(model).toMatchObject({ name: 'faascam-demo', demo: true, labels: ['person', 'car'] });
    expect((await stat(model.path)).size).toBeLessThan(2_000_000);
    const copy = join(folder, 'mine.onnx');
    await copyFile(model.path, copy);
    expect(await resolveModel(copy, models)).toEqual({ ...model, path: copy });
    expect(await pullModel('faascam-demo', models)).toEqual(model);
  });

  it('are listed with what is there and what would have to be downloaded', async () => {
    const listed = await listModels(models);
    expect(listed.map(({ name, demo, bundled, present }) => ({ name, demo, bundled, present }))).toEqual([
      { name: 'faascam-demo', demo: true, bundled: true, present: true },
      { name: 'yolox-nano', demo: false, bundled: false, present: false },
    ]);
  });
});
