import { readFileSync } from 'node:fs';
import { configSchema, type Config } from '@faascam/core/config';
import { messageOf, systemCodeOf, UsageError } from '@faascam/core/errors';

/** One setting of the environment-only mode. */
interface Variable {
  name: string;
  /** The key of faascam.yml that it stands for; `*` is the camera. */
  key: string;
  /** `seconds` are milliseconds in the config. */
  kind: 'text' | 'number' | 'seconds' | 'truth';
}

/** docs/environment.md explains them. */
export const variables: readonly Variable[] = [
  { name: 'RTSP_URL', key: 'cameras.*.source', kind: 'text' },
  { name: 'SOURCE', key: 'cameras.*.source', kind: 'text' },
  { name: 'SUBSTREAM_URL', key: 'cameras.*.substream', kind: 'text' },
  { name: 'DECODE', key: 'cameras.*.decode', kind: 'text' },
  { name: 'FRAME_FPS', key: 'cameras.*.frames.fps', kind: 'number' },
  { name: 'FRAME_IDLE_FPS', key: 'cameras.*.frames.idleFps', kind: 'number' },
  { name: 'FRAME_WIDTH', key: 'cameras.*.frames.width', kind: 'number' },
  { name: 'RING_MINUTES', key: 'cameras.*.ring.minutes', kind: 'number' },
  { name: 'RING_MEGABYTES', key: 'cameras.*.ring.megabytes', kind: 'number' },
  { name: 'RING_DIR', key: 'agent.ringPath', kind: 'text' },
  { name: 'AGENT_ID', key: 'agent.id', kind: 'text' },
  { name: 'DATA_DIR', key: 'data', kind: 'text' },
  { name: 'NATS_URL', key: 'nats.url', kind: 'text' },
  { name: 'NATS_NKEY_FILE', key: 'nats.nkeyFile', kind: 'text' },
  { name: 'NATS_CA_FILE', key: 'nats.caFile', kind: 'text' },
  { name: 'NATS_CERTIFICATE_FILE', key: 'nats.certificateFile', kind: 'text' },
  { name: 'NATS_KEY_FILE', key: 'nats.keyFile', kind: 'text' },
  { name: 'PAGE_HOST', key: 'page.host', kind: 'text' },
  { name: 'PAGE_PORT', key: 'page.port', kind: 'number' },
  { name: 'MODEL', key: 'detect.model', kind: 'text' },
  { name: 'PRE_ROLL_S', key: 'events.preRollMs', kind: 'seconds' },
  { name: 'POST_ROLL_S', key: 'events.postRollMs', kind: 'seconds' },
  { name: 'CLIP_TRANSCODE', key: 'clip.transcode', kind: 'text' },
  { name: 'CLIP_DIR', key: 'store.path', kind: 'text' },
  { name: 'S3_ENDPOINT', key: 'store.endpoint', kind: 'text' },
  { name: 'S3_BUCKET', key: 'store.bucket', kind: 'text' },
  { name: 'S3_REGION', key: 'store.region', kind: 'text' },
  { name: 'S3_PREFIX', key: 'store.prefix', kind: 'text' },
  { name: 'S3_CA_FILE', key: 'store.caFile', kind: 'text' },
  { name: 'S3_ACCESS_KEY_FILE', key: 'store.accessKeyFile', kind: 'text' },
  { name: 'S3_SECRET_KEY_FILE', key: 'store.secretKeyFile', kind: 'text' },
  { name: 'S3_SESSION_TOKEN_FILE', key: 'store.sessionTokenFile', kind: 'text' },
  { name: 'S3_CREATE_BUCKET', key: 'store.createBucket', kind: 'truth' },
  { name: 'RETENTION_DAYS', key: 'retention.days', kind: 'number' },
];

/** Not a key of its own: the camera's name in all of them. */
const CAMERA_ID = 'CAMERA_ID';
/** Addresses hold passwords, so each may be in a file instead. */
const IN_FILES = ['RTSP_URL', 'SOURCE', 'SUBSTREAM_URL', 'NATS_URL'];

/** What begins like this is meant for us; a name that we do not know is a slip of the pen. */
const OURS = /^(RTSP|CLIP|CLIPS|CAMERA|FRAME|RING|S3|PRE_?ROLL|POST_?ROLL|SUBSTREAM)_/;
/** What Kubernetes and Docker put into the environment of a container for every service beside it. */
const LINKED = /_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP)(_\w+)?)?$/;

/** Any of these asks for the mode. Others, such as `MODEL`, may stand there for someone else. */
const ASKS = [
  'RTSP_URL',
  'RTSP_URL_FILE',
  'SOURCE',
  'SOURCE_FILE',
  CAMERA_ID,
  'CLIP_DIR',
  'FRAME_FPS',
  'RING_MINUTES',
];

/** Whether the environment describes a camera. */
export function asksForEnvironment(env: NodeJS.ProcessEnv): boolean {
  return Object.keys(env).some(
    (name) => (env[name] ?? '') !== '' && (ASKS.includes(name) || /^RTSP_/.test(name)),
  );
}

/**
 * The config that the environment describes: one camera. `defaultsOf` a source are its name and its detector.
 * Throws `UsageError` with a line for each mistake, which names the variable and never tells an address.
 */
export function environmentConfig(
  env: NodeJS.ProcessEnv,
  defaultsOf: (source: string) => { id: string; model: string },
): Config {
  const mistakes = unknownNames(env);
  const given = new Map<string, string>();
  for (const { name } of variables) {
    const value = valueOf(env, name, mistakes);
    if (value !== undefined) given.set(name, value);
  }
  const source = given.get('RTSP_URL') ?? given.get('SOURCE');
  if (given.has('RTSP_URL') && given.has('SOURCE')) mistakes.push('SOURCE: RTSP_URL says the same, give one');
  else if (source === undefined && mistakes.length === 0) {
    mistakes.push('RTSP_URL: is not set; give the address of the camera (or another source as SOURCE)');
  }
  const bucket = given.has('S3_ENDPOINT') || given.has('S3_BUCKET');
  if (bucket && given.has('CLIP_DIR'))
    mistakes.push('CLIP_DIR: clips go to the bucket of S3_ENDPOINT, give one');
  const camera = env[CAMERA_ID] ?? '';
  const defaults = defaultsOf(source ?? '');
  const id = camera !== '' ? camera : defaults.id;

  const tree: Tree = {};
  put(tree, ['detect', 'model'], defaults.model);
  put(tree, ['store', 'kind'], bucket ? 's3' : 'directory');
  for (const variable of variables) {
    const text = given.get(variable.name);
    const path = pathOf(variable, id);
    if (text === undefined || (!bucket && variable.name.startsWith('S3_'))) continue;
    const value = read(variable, text);
    if (value === undefined) mistakes.push(`${variable.name}: is not ${WANTED[variable.kind]}`);
    else put(tree, path, value);
  }
  if (mistakes.length === 0) {
    const parsed = configSchema.safeParse(tree);
    if (parsed.success) return parsed.data;
    mistakes.push(...parsed.error.issues.map((issue) => mistakeOf(issue, id)));
  }
  throw new UsageError(
    'environment-invalid',
    mistakes.map((mistake) => `Environment variable ${mistake}.`).join('\n'),
  );
}

function unknownNames(env: NodeJS.ProcessEnv): string[] {
  const known = [CAMERA_ID, ...variables.map(({ name }) => name), ...IN_FILES.map((name) => `${name}_FILE`)];
  return Object.keys(env)
    .filter((name) => OURS.test(name) && !LINKED.test(name) && !known.includes(name))
    .map((name) => {
      const prefix = name.slice(0, 2);
      const close = known.filter((each) => each.startsWith(prefix));
      return `${name}: is none of faascam's; there is ${(close.length > 0 ? close : known).join(', ')}`;
    });
}

function valueOf(env: NodeJS.ProcessEnv, name: string, mistakes: string[]): string | undefined {
  const value = env[name] ?? '';
  const file = IN_FILES.includes(name) ? (env[`${name}_FILE`] ?? '') : '';
  if (file === '') return value === '' ? undefined : value;
  if (value !== '') mistakes.push(`${name}_FILE: ${name} is given as well, give one`);
  try {
    const [line = ''] = readFileSync(file, 'utf8').split('\n');
    if (line.trim() !== '') return line.trim();
    mistakes.push(`${name}_FILE: ${file} has nothing in its first line`);
  } catch (error) {
    mistakes.push(`${name}_FILE: ${file} cannot be read (${systemCodeOf(error) ?? messageOf(error)})`);
  }
  return undefined;
}

const WANTED = { text: 'a text', number: 'a number', seconds: 'a number of seconds', truth: 'true or false' };

function read({ kind }: Variable, text: string): string | number | boolean | undefined {
  if (kind === 'text') return text;
  if (kind === 'truth') return text === 'true' ? true : text === 'false' ? false : undefined;
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) return undefined;
  return kind === 'seconds' ? Math.round(number * 1000) : number;
}

function mistakeOf(issue: { path: PropertyKey[]; message: string; code?: string }, id: string): string {
  const path = issue.path.map(String).join('.');
  if (path === `cameras.${id}` || path === 'cameras') {
    return `${CAMERA_ID}: ${issue.code === 'invalid_key' ? 'must be made of a-z, 0-9, _ and -, and begin with a letter or digit' : issue.message}`;
  }
  const variable = variables.find((each) => pathOf(each, id).join('.') === path);
  if (variable === undefined) return `for ${path}: ${issue.message}`;
  const missing = issue.code === 'invalid_type' && issue.message.endsWith('undefined');
  if (missing) return `${variable.name}: is not set`;
  // The schema speaks of milliseconds.
  const message =
    variable.kind === 'seconds'
      ? issue.message.replace(
          /([<>]=?)(\d+)/,
          (_all, than: string, ms: string) => `${than}${Number(ms) / 1000}`,
        )
      : issue.message;
  return `${variable.name}: ${message}`;
}

interface Tree {
  [key: string]: Tree | string | number | boolean;
}

function pathOf({ key }: Variable, id: string): string[] {
  return key.split('.').map((part) => (part === '*' ? id : part));
}

function put(tree: Tree, [key = '', ...rest]: string[], value: string | number | boolean): void {
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const branch = tree[key];
  const below = typeof branch === 'object' ? branch : {};
  tree[key] = below;
  put(below, rest, value);
}
