import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '@faascam/core/errors';
import { afterAll, describe, expect, it } from 'vitest';
import { variables } from './environment.ts';
import { configOf } from './quick-config.ts';

const directory = mkdtempSync(join(tmpdir(), 'faascam-environment-'));
afterAll(() => rmSync(directory, { recursive: true }));

function mistakesOf(env: NodeJS.ProcessEnv): string[] {
  try {
    configOf({}, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a camera described by the environment', () => {
  it('needs no more than its address and a folder for clips', () => {
    const clips = join(directory, 'clips');
    const config = configOf({}, { RTSP_URL: 'file:/srv/yard.mp4', CLIP_DIR: clips });
    expect(config.cameras).toMatchObject({ yard: { source: 'file:/srv/yard.mp4', frames: { fps: 5 } } });
    expect(config.store).toEqual({ kind: 'directory', path: clips });
    expect(config.detect.model).toBe('yolox-nano');
  });

  it('can be told the rest as well', () => {
    const config = configOf(
      {},
      {
        ...{ SOURCE: 'demo:', CAMERA_ID: 'gate', SUBSTREAM_URL: 'rtsp://h/sub', DECODE: 'keyframes' },
        ...{ FRAME_FPS: '2.5', FRAME_IDLE_FPS: '0.5', FRAME_WIDTH: '640', RING_MINUTES: '3' },
        ...{ RING_MEGABYTES: '300', RING_DIR: '/dev/shm/ring', AGENT_ID: 'pi', DATA_DIR: '/srv/data' },
        ...{ NATS_URL: 'nats://hub:4222', PAGE_HOST: '0.0.0.0', PAGE_PORT: '9000', MODEL: 'faascam-demo' },
        ...{ PRE_ROLL_S: '2.5', POST_ROLL_S: '7', S3_ENDPOINT: 'https://s3.example.org', S3_BUCKET: 'clips' },
        ...{ S3_REGION: 'eu', S3_ACCESS_KEY_FILE: '/a', S3_SECRET_KEY_FILE: '/s', S3_CREATE_BUCKET: 'true' },
      },
    );
    expect(config).toMatchObject({
      cameras: {
        gate: {
          ...{ source: 'demo:', substream: 'rtsp://h/sub', decode: 'keyframes' },
          frames: { fps: 2.5, idleFps: 0.5, width: 640 },
          ring: { minutes: 3, megabytes: 300 },
        },
      },
      agent: { id: 'pi', ringPath: '/dev/shm/ring' },
      data: '/srv/data',
      nats: { url: 'nats://hub:4222' },
      page: { host: '0.0.0.0', port: 9000 },
      detect: { model: 'faascam-demo' },
      events: { preRollMs: 2500, postRollMs: 7000 },
      store: {
        ...{ kind: 's3', endpoint: 'https://s3.example.org', bucket: 'clips', region: 'eu' },
        ...{ accessKeyFile: '/a', secretKeyFile: '/s', createBucket: true },
      },
    });
  });

  it('goes behind the command line, and leaves a config file alone', () => {
    const env = { RTSP_URL: 'rtsp://h/1', DATA_DIR: '/srv/one', PRE_ROLL_S: '1' };
    expect(configOf({ data: '/srv/two' }, env).data).toBe('/srv/two');
    expect(Object.keys(configOf({ source: 'demo:' }, env).cameras)).toEqual(['demo']);
    const path = join(directory, 'faascam.yml');
    writeFileSync(path, 'cameras: { yard: { source: "demo:" } }');
    expect(configOf({ config: path }, env).events.preRollMs).toBe(5000);
  });

  it('is the demo when the environment says nothing of cameras', () => {
    for (const env of [{}, { MODEL: 'x', NATS_URL: 'nats://h', PAGE_PORT: 'tcp://1' }, { RTSP_URL: '' }]) {
      expect(Object.keys(configOf({}, env).cameras)).toEqual(['demo']);
    }
  });

  it('may have its address, which holds a password, in a file', () => {
    const file = join(directory, 'url');
    writeFileSync(file, 'rtsp://cam:geheim@h/1\n');
    expect(configOf({}, { RTSP_URL_FILE: file, CAMERA_ID: 'a' }).cameras['a']?.source).toBe(
      'rtsp://cam:geheim@h/1',
    );
    expect(mistakesOf({ RTSP_URL_FILE: join(directory, 'none') })).toEqual([
      `Environment variable RTSP_URL_FILE: ${join(directory, 'none')} cannot be read (ENOENT).`,
    ]);
  });
});

describe('a wrong environment', () => {
  const url = 'rtsp://cam:geheim@h/1';

  it.each([
    [{ RTSP_URL: url, PRE_ROLL_S: '90' }, /^Environment variable PRE_ROLL_S: .*<=60\.$/],
    [{ RTSP_URL: url, FRAME_FPS: 'fast' }, /variable FRAME_FPS: is not a number\.$/],
    [{ RTSP_URL: url, FRAME_FPS: '99' }, /variable FRAME_FPS: .*<=30/],
    [{ RTSP_URL: url, DECODE: 'some' }, /variable DECODE: .*"keyframes"/],
    [{ RTSP_URL: url, CAMERA_ID: 'Front Door' }, /variable CAMERA_ID: must be made of a-z/],
    [{ RTSP_URL: url, S3_ENDPOINT: 'https://s3' }, /variable S3_BUCKET: is not set/],
    [{ RTSP_URL: url, S3_ENDPOINT: 'ftp://s3', S3_BUCKET: 'clips' }, /variable S3_ENDPOINT: /],
    [{ RTSP_URL: url, S3_BUCKET: 'clips', CLIP_DIR: '/c' }, /variable CLIP_DIR: clips go to the bucket/],
    [{ RTSP_URL: url, SOURCE: url }, /variable SOURCE: RTSP_URL says the same/],
    [{ CLIP_DIR: '/clips' }, /variable RTSP_URL: is not set/],
    [{ RTSP_URL: url, S3_CREATE_BUCKET: 'yes', S3_ENDPOINT: 'https://s', S3_BUCKET: 'bkt' }, /true or false/],
    [{ RTSP_URL: 'gopher://cam:geheim@h' }, /gopher: is not supported|cannot be used/],
  ])('is told by the name of the variable (%#)', (env, expected) => {
    const mistakes = mistakesOf(env);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(expected);
    expect(mistakes[0]).not.toContain('geheim');
  });

  it('is also one with a name that is nearly right', () => {
    expect(mistakesOf({ RTSP_URI: url })[0]).toMatch(/RTSP_URI: is none of faascam's; there is RTSP_URL/);
    expect(mistakesOf({ RTSP_URL: url, CLIPS_DIR: '/clips', PREROLL_S: '3' })).toHaveLength(2);
    expect(mistakesOf({ RTSP_URL: url, S3_SECRET_KEY: 'x' })[0]).toMatch(/S3_SECRET_KEY_FILE/);
    // What Kubernetes says of services with such names.
    const linked = { CAMERA_PORT: 'tcp://10.0.0.1:80', CLIP_SERVICE_HOST: '10.0.0.1', CLIP_PORT_80_TCP: 'x' };
    expect(mistakesOf({ RTSP_URL: url, ...linked })).toEqual([]);
  });
});

const repository = new URL('..', import.meta.url).pathname;
const docs = (name: string): string => readFileSync(join(repository, 'docs', name), 'utf8');

it('docs/environment.md explains every variable of a camera', () => {
  const [camera = ''] = docs('environment.md').split('## What each part reads');
  const rows = [...camera.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(['CAMERA_ID', ...variables.map(({ name }) => name)].sort());
});

it("docs/environment.md, or the connector's page, names every variable that a part reads", () => {
  const parts = ['core', 'connector', 'edge-agent', 'functions', 'template/faascam-node', 'local'];
  const read = parts.flatMap((part) =>
    readdirSync(join(repository, part), { recursive: true, encoding: 'utf8' })
      .filter(
        (path) =>
          path.endsWith('.ts') && !/node_modules|dist\/|\.test\.ts$|\.d\.ts$|testing\/|test-/.test(path),
      )
      .flatMap((path) => variablesIn(readFileSync(join(repository, part, path), 'utf8'))),
  );
  const settings = readFileSync(join(repository, 'connector/settings.ts'), 'utf8');
  const ofConnector = [...settings.matchAll(/^ {2}(\w+): (?:z$|z\b|milliseconds)/gm)].map(([, name]) => name);
  const told = docs('environment.md') + docs('connector.md');
  const names = [...new Set([...read, ...ofConnector])];
  expect(names).toEqual(
    expect.arrayContaining(['NATS_CA_FILE', 'DRAIN_SERVE_MS', 'REPLICA_NAME', 'AWS_SESSION_TOKEN']),
  );
  expect(
    names.filter((name) => !['PATH', 'INIT_CWD'].includes(name ?? '') && !told.includes(`\`${name ?? ''}\``)),
  ).toEqual([]);
});

/** Names that a program's text asks the environment for, or has in its own list of such names. */
function variablesIn(program: string): string[] {
  return [
    ...program.matchAll(/\benv\['(\w+)'\]/g),
    ...program.matchAll(/\b(?:settingsFromEnv|integer)\(\w+, '(\w+)'/g),
    ...program.matchAll(/'((?:NATS|AWS|FAASCAM)_[A-Z0-9_]+)'/g),
  ].map(([, name = '']) => name);
}
