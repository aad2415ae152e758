import { deadLetterStream } from '@faascam/connector/dead-letter';
import { consumerName } from '@faascam/connector/topics';
import { inboxOf } from '@faascam/core/nats-access';
import { agentUser, natsUsers } from '@faascam/core/nats-users';
import { auditLog, buckets, streams, subjects } from '@faascam/core/subjects';

/** Subjects that a user may publish on and listen to. What is denied counts before what is allowed. */
export interface Rights {
  publish: { allow: string[]; deny?: string[] };
  subscribe: { allow: string[] };
}

/** Agents by id, each with its cameras. */
export type Agents = Readonly<Record<string, readonly string[]>>;

const API = '$JS.API';
const OBJECTS = `OBJ_${buckets.segments}`;
const STREAMS = Object.values(streams);
const kv = (bucket: string): string => `KV_${bucket}`;
const STATES = [
  kv(buckets.motion),
  kv(buckets.tracks),
  kv(buckets.agents),
  kv(buckets.cameras),
  kv(buckets.activity),
  kv(buckets.sessions),
  kv(buckets.notify),
  kv(buckets.push),
];

/**
 * What each user of a site may do, by name. JetStream is asked over subjects too, and answers on the asker's inbox.
 *
 * Whoever may ask for a message as it is (`DIRECT.GET`, or a consumer) can have it sent to any subject, for the server does
 * not look at where an answer goes. So an agent has no such right over what it writes itself: it could write in another
 * camera's name. It reads these with `MSG.GET`, whose answer is wrapped and refused by every part.
 *
 * `own`: further streams from which the connector brings the site's own functions their messages.
 */
export function rightsOf(agents: Agents, own: readonly string[] = []): Record<string, Rights> {
  const rights: Record<string, Rights> = {
    [natsUsers.connector]: connector(own),
    [natsUsers.motion]: part(natsUsers.motion, [
      ...info(...STREAMS),
      subjects.motion('*'),
      ...ownStates(buckets.motion),
      ...ownStates(buckets.activity),
      ...watchesCameras(),
    ]),
    [natsUsers.detect]: part(natsUsers.detect, [
      ...info(...STREAMS),
      subjects.detections('*'),
      `${API}.STREAM.MSG.GET.${streams.detections}`,
    ]),
    [natsUsers.events]: part(natsUsers.events, [
      ...info(...STREAMS),
      subjects.events('*'),
      subjects.clipsWanted('*'),
      `${API}.STREAM.MSG.GET.${streams.events}`,
      subjects.tracks('*'),
      ...ownStates(buckets.tracks),
      ...watchesCameras(),
    ]),
    [natsUsers.clip]: part(natsUsers.clip, [
      ...info(...STREAMS, OBJECTS),
      subjects.clipsStored('*'),
      // Requests that no agent has taken.
      `${API}.STREAM.MSG.GET.${streams.clips}`,
      `${API}.STREAM.MSG.GET.${OBJECTS}`,
      ...reads(OBJECTS, `$O.${buckets.segments}.C.>`),
    ]),
    [natsUsers.viewer]: part(
      natsUsers.viewer,
      [
        subjects.liveControl('*'),
        ...info(kv(buckets.agents), kv(buckets.sessions), auditLog.stream),
        `${API}.STREAM.MSG.GET.${streams.frames}`,
        `${API}.STREAM.MSG.GET.${kv(buckets.agents)}`,
        `${API}.STREAM.MSG.GET.${kv(buckets.cameras)}`,
        `${API}.STREAM.MSG.GET.${kv(buckets.activity)}`,
        `${API}.STREAM.MSG.GET.${kv(buckets.sessions)}`,
        `${API}.STREAM.MSG.GET.${auditLog.stream}`,
        `$KV.${buckets.sessions}.*`,
        auditLog.subject,
        // Footage that somebody asks for on the page.
        subjects.clipsWanted('*'),
        ...pushSubscriptions(),
      ],
      [
        subjects.clipsStored('*'),
        subjects.events('*'),
        subjects.livePictures('*'),
        subjects.liveAnswer('*', '*'),
        subjects.tracks('*'),
      ],
    ),
    [natsUsers.notify]: part(natsUsers.notify, [
      ...info(...STREAMS, kv(buckets.agents)),
      subjects.notices('>'),
      `${API}.STREAM.MSG.GET.${streams.frames}`,
      `${API}.STREAM.MSG.GET.${kv(buckets.agents)}`,
      ...ownStates(buckets.notify),
      // What was sent to a browser that is gone.
      ...purges(kv(buckets.notify)),
      ...pushSubscriptions(),
    ]),
    [natsUsers.reader]: part(natsUsers.reader, [
      ...info(streams.events, kv(buckets.agents)),
      ...reads(streams.events, '>'),
      ...reads(kv(buckets.agents), `$KV.${buckets.agents}.>`),
      `${API}.STREAM.MSG.GET.${kv(buckets.agents)}`,
      `${API}.DIRECT.GET.${kv(buckets.agents)}.>`,
    ]),
    [natsUsers.admin]: { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } },
  };
  for (const id of Object.keys(agents)) rights[agentUser(id)] = agent(id, agents);
  return rights;
}

function part(name: string, publish: string[], subscribe: string[] = []): Rights {
  return {
    publish: { allow: [`${API}.INFO`, ...publish] },
    subscribe: { allow: [`${inboxOf(name)}.>`, ...subscribe] },
  };
}

function info(...names: string[]): string[] {
  return names.map((name) => `${API}.STREAM.INFO.${name}`);
}

/** A function's own state of each camera. */
function ownStates(bucket: string): string[] {
  return [...info(kv(bucket)), `$KV.${bucket}.*`, ...gets(kv(bucket))];
}

/** Browsers that asked to be told: the page notes them, and who tells them takes out those that are gone. */
function pushSubscriptions(): string[] {
  const stream = kv(buckets.push);
  return [...info(stream), `$KV.${buckets.push}.*`, `${API}.STREAM.MSG.GET.${stream}`, ...purges(stream)];
}

/** Takes keys out wholly, as many as there are: no more than it could overwrite. */
function purges(stream: string): string[] {
  return [`${API}.STREAM.PURGE.${stream}`];
}

function gets(stream: string): string[] {
  return [`${API}.DIRECT.GET.${stream}.>`, `${API}.STREAM.MSG.GET.${stream}`];
}

function watchesCameras(): string[] {
  const stream = kv(buckets.cameras);
  return [...info(stream), ...gets(stream), ...reads(stream, `$KV.${buckets.cameras}.>`)];
}

/** Consumers of its own, pulled or pushed, of what the filter lets through. */
function reads(stream: string, filter: string): string[] {
  return [
    `${API}.CONSUMER.CREATE.${stream}.*${filter === '>' ? '' : `.${filter}`}`,
    ...(filter === '>' ? [`${API}.CONSUMER.CREATE.${stream}.*.>`] : []),
    `${API}.CONSUMER.INFO.${stream}.*`,
    `${API}.CONSUMER.MSG.NEXT.${stream}.*`,
    `${API}.CONSUMER.DELETE.${stream}.*`,
    `$JS.ACK.${stream}.>`,
    `$JS.FC.${stream}.>`,
  ];
}

/** It brings every message to the functions, and makes the streams and buckets that are missing; it can remove none. */
function connector(own: readonly string[]): Rights {
  const made = [
    ...STREAMS,
    deadLetterStream.name,
    ...STATES,
    kv(buckets.connector),
    auditLog.stream,
    OBJECTS,
  ];
  return part(natsUsers.connector, [
    `${API}.STREAM.NAMES`,
    ...info('*'),
    ...made.map((name) => `${API}.STREAM.CREATE.${name}`),
    ...[...STREAMS, ...own].flatMap((stream) => [
      `${API}.CONSUMER.CREATE.${stream}.>`,
      `${API}.CONSUMER.DURABLE.CREATE.${stream}.*`,
      `${API}.CONSUMER.INFO.${stream}.*`,
      `${API}.CONSUMER.MSG.NEXT.${stream}.*`,
      `$JS.ACK.${stream}.>`,
    ]),
    'deadletter.>',
    // Which of its replicas brings which function its messages.
    ...ownStates(buckets.connector),
  ]);
}

function agent(id: string, agents: Agents): Rights {
  const own = agents[id] ?? [];
  const requests = (camera: string): string => `edge-agent-${camera}`;
  const others = Object.values(agents)
    .flat()
    .filter((camera) => !own.includes(camera))
    .map(requests);
  // Consumers of others on the same stream: what was stored is read through one of any name.
  const foreign = [...new Set(others), consumerName('clip', subjects.clipsReady('*'))];
  const { publish, subscribe } = part(
    agentUser(id),
    [
      ...info(...STREAMS, kv(buckets.agents), kv(buckets.cameras), OBJECTS),
      ...own.flatMap((camera) => [
        subjects.frames(camera),
        subjects.clipsReady(camera),
        subjects.livePictures(camera),
        subjects.liveAnswer(camera, '*'),
        `$KV.${buckets.cameras}.${camera}`,
        `${API}.CONSUMER.CREATE.${streams.clips}.${requests(camera)}.${subjects.clipsWanted(camera)}`,
        `${API}.CONSUMER.CREATE.${streams.clips}.*.${subjects.clipsStored(camera)}`,
        `$JS.ACK.${streams.clips}.${requests(camera)}.>`,
      ]),
      `$KV.${buckets.agents}.${id}`,
      `${API}.STREAM.MSG.GET.${kv(buckets.cameras)}`,
      `${API}.CONSUMER.INFO.${streams.clips}.*`,
      `${API}.CONSUMER.MSG.NEXT.${streams.clips}.*`,
      `${API}.CONSUMER.DELETE.${streams.clips}.*`,
      `$O.${buckets.segments}.C.>`,
      `$O.${buckets.segments}.M.*`,
      `${API}.STREAM.MSG.GET.${OBJECTS}`,
      `${API}.STREAM.PURGE.${OBJECTS}`,
    ],
    own.flatMap((camera) => [subjects.events(camera), subjects.liveControl(camera)]),
  );
  // To create a consumer that is there changes it: with another filter it would bring its owner nothing more.
  const deny = foreign.flatMap((name) => [
    ...['INFO', 'MSG.NEXT', 'DELETE'].map((verb) => `${API}.CONSUMER.${verb}.${streams.clips}.${name}`),
    `${API}.CONSUMER.CREATE.${streams.clips}.${name}.>`,
  ]);
  return { publish: { ...publish, deny }, subscribe };
}
