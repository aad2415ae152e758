import type { Pool } from 'undici';
import { z } from 'zod';
import { FaascamError } from '@faascam/core/errors';

/** A function with topics, as the gateway lists it. */
export interface ListedFunction {
  name: string;
  topic: string | undefined;
}

const functionList = z.array(
  z.looseObject({
    name: z.string().min(1),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
);

export interface BasicAuth {
  user: string;
  password: string;
}

const TIMEOUT_MS = 5000;

/**
 * Asks the gateway for its functions (`GET /system/functions`).
 * Throws `FaascamError` `gateway-denied` or `gateway-malformed`, and what the HTTP client throws when it is away.
 */
export async function listFunctions(
  pool: Pool,
  basePath: string,
  basicAuth: BasicAuth | undefined,
  signal: AbortSignal,
): Promise<ListedFunction[]> {
  const answer = await pool.request({
    path: `${basePath}/system/functions`,
    method: 'GET',
    headers: basicAuth ? { authorization: authorization(basicAuth) } : {},
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    signal,
  });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    const denied = answer.statusCode === 401 || answer.statusCode === 403;
    throw new FaascamError(
      denied ? 'gateway-denied' : 'gateway-failed',
      denied
        ? 'The gateway refused to list its functions: set basic_auth and its user and password files.'
        : `The gateway answered the question for its functions with status ${answer.statusCode}.`,
    );
  }
  let value: unknown;
  try {
    value = await answer.body.json();
  } catch (cause) {
    throw new FaascamError(
      'gateway-malformed',
      "The gateway's list of functions is not JSON: check gateway_url.",
      {
        cause,
      },
    );
  }
  const parsed = functionList.safeParse(value);
  if (!parsed.success) {
    throw new FaascamError(
      'gateway-malformed',
      "What the gateway sent is no list of functions: check that gateway_url is OpenFaaS's.",
      { cause: parsed.error },
    );
  }
  return parsed.data.map(({ name, annotations }) => ({ name, topic: annotations?.['topic'] }));
}

function authorization({ user, password }: BasicAuth): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
