import { readFileSync } from 'node:fs';
import mqtt, { Store, type MqttClient } from 'mqtt';
import { UsageError } from '@faascam/core/errors';
import type { MqttTarget } from '@faascam/core/notify-settings';
import { readSecret } from '@faascam/core/settings';
import { OFFLINE, topics } from './topics.ts';

const RECONNECT_MS = 2000;

/**
 * Keeps nothing of what a broker has not answered. mqtt.js would send it again by itself once the connection is back, as
 * old as it is then; but states are told anew by then, and notifications are tried again by whoever wants them sent.
 */
class NothingKept extends Store {
  override put(_packet: Parameters<Store['put']>[0], done: Parameters<Store['put']>[1]): this {
    done();
    return this;
  }

  override del(_packet: Parameters<Store['del']>[0], done: Parameters<Store['del']>[1]): this {
    done();
    return this;
  }
}

/**
 * A connection to the target's broker that is kept, and made again whenever it is lost. Its last will tells `offline` where
 * we cannot. `will: false` is for one that comes beside the one that is kept. Throws `UsageError` for files that cannot be read.
 */
export function connectMqtt(
  target: MqttTarget,
  { will, clientId }: { will: boolean; clientId: string },
): MqttClient {
  const { url, userFile, passwordFile, caFile, timeoutMs } = target;
  return mqtt.connect(url, {
    clientId,
    clean: true,
    keepalive: 30,
    connectTimeout: timeoutMs,
    reconnectPeriod: RECONNECT_MS,
    outgoingStore: new NothingKept(),
    ...(userFile === '' ? {} : { username: readSecret(userFile, "broker's login") }),
    ...(passwordFile === '' ? {} : { password: readSecret(passwordFile, "broker's login") }),
    ...(caFile === '' ? {} : { ca: authority(caFile) }),
    ...(will
      ? { will: { topic: topics.bridge(target), payload: Buffer.from(OFFLINE), qos: 1, retain: true } }
      : {}),
  });
}

function authority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UsageError('secret-missing', `The file ${path} (caFile) cannot be read: put it there.`, {
      cause,
    });
  }
}
