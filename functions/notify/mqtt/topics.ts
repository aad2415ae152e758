import { software } from '@faascam/core/version';
import { isoTime } from '@faascam/core/clock';
import type { MqttTarget } from '@faascam/core/notify-settings';
import type { Visit } from '../visits.ts';

/** A message to the broker. All go with QoS 1. */
export interface MqttMessage {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
}

type Names = Pick<MqttTarget, 'prefix' | 'discoveryPrefix'>;

/** The topics, as docs/notifications.md lists them. */
export const topics = {
  /** `online` or `offline`: whether faascam speaks to this broker. */
  bridge: ({ prefix }: Names) => `${prefix}/availability`,
  camera: ({ prefix }: Names, camera: string) => `${prefix}/${camera}/availability`,
  occupancy: ({ prefix }: Names, camera: string) => `${prefix}/${camera}/occupancy`,
  label: ({ prefix }: Names, camera: string, label: string) => `${prefix}/${camera}/${levelOf(label)}`,
  event: ({ prefix }: Names, camera: string) => `${prefix}/${camera}/event`,
  snapshot: ({ prefix }: Names, camera: string) => `${prefix}/${camera}/snapshot`,
  notifications: ({ prefix }: Names) => `${prefix}/notifications`,
};

/** Names below a camera that are not a label's. */
const TAKEN = new Set(['availability', 'occupancy', 'event', 'snapshot']);

/** A label as one level of a topic, and as part of an id. */
export function levelOf(label: string): string {
  const level = label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_') || '_';
  return TAKEN.has(level) ? `${level}_` : level;
}

export const ONLINE = 'online';
export const OFFLINE = 'offline';

/** Whether a camera can be seen: `online` only while its agent reports that pictures come. */
export function availabilityMessage(names: Names, camera: string, online: boolean): MqttMessage {
  return { topic: topics.camera(names, camera), payload: online ? ONLINE : OFFLINE, retain: true };
}

/** What is so at a camera now: somebody there, each label there, and the last event. Pure. */
export function stateMessages(
  names: Names,
  camera: string,
  labels: readonly string[],
  last: Visit | undefined,
): MqttMessage[] {
  const there = last === undefined || last.ended ? [] : last.labels;
  const state = (topic: string, on: boolean): MqttMessage => ({
    topic,
    payload: on ? 'ON' : 'OFF',
    retain: true,
  });
  return [
    state(topics.occupancy(names, camera), there.length > 0),
    ...labels.map((label) => state(topics.label(names, camera, label), there.includes(label))),
    ...(last === undefined ? [] : [eventMessage(names, last)]),
  ];
}

function eventMessage(
  names: Names,
  { id, camera, startUs, endUs, ended, labels, zones, score }: Visit,
): MqttMessage {
  return {
    topic: topics.event(names, camera),
    payload: JSON.stringify({
      ...{ id, camera, state: ended ? 'ended' : 'ongoing' },
      ...{ labels, zones, score, startedAt: isoTime(startUs), lastSeenAt: isoTime(endUs) },
    }),
    retain: true,
  };
}

/** A camera as a device of Home Assistant, by MQTT discovery; nothing where no discovery is wanted. Pure. */
export function discoveryMessages(
  names: Names & { pictures: boolean },
  camera: string,
  labels: readonly string[],
): MqttMessage[] {
  if (names.discoveryPrefix === '') return [];
  const device = {
    identifiers: [`${idPart(names.prefix)}_${camera}`],
    name: camera,
    manufacturer: 'faascam',
    model: 'Camera',
    sw_version: software,
  };
  const entity = (component: string, object: string, rest: object): MqttMessage => ({
    topic: `${names.discoveryPrefix}/${component}/${idPart(names.prefix)}_${camera}/${object}/config`,
    payload: JSON.stringify({
      ...rest,
      unique_id: `${idPart(names.prefix)}_${camera}_${object}`,
      availability: [{ topic: topics.bridge(names) }, { topic: topics.camera(names, camera) }],
      availability_mode: 'all',
      device,
      origin: { name: 'faascam', sw_version: software },
    }),
    retain: true,
  });
  return [
    entity('binary_sensor', 'occupancy', {
      name: 'Occupancy',
      device_class: 'occupancy',
      state_topic: topics.occupancy(names, camera),
    }),
    ...labels.map((label) =>
      entity('binary_sensor', `label_${levelOf(label)}`, {
        name: label.charAt(0).toUpperCase() + label.slice(1),
        device_class: 'occupancy',
        state_topic: topics.label(names, camera, label),
      }),
    ),
    entity('sensor', 'event', {
      name: 'Last event',
      device_class: 'timestamp',
      state_topic: topics.event(names, camera),
      value_template: '{{ value_json.startedAt }}',
      json_attributes_topic: topics.event(names, camera),
    }),
    ...(names.pictures
      ? [
          entity('image', 'snapshot', {
            name: 'Last event',
            image_topic: topics.snapshot(names, camera),
            content_type: 'image/jpeg',
          }),
        ]
      : []),
  ];
}

function idPart(prefix: string): string {
  return prefix.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}
