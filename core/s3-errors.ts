import { FaascamError, messageOf, StoreError, systemCodeOf } from './errors.ts';
import { redact } from './redact.ts';

/** What a message may say of an S3 store. */
export interface S3Place {
  endpoint: string;
  bucket: string;
  region: string;
  pathStyle: boolean;
  /** Files or environment variables that hold the keys. */
  keysFrom: { accessKey: string; secretKey: string; sessionToken: string };
  /** Settings that not every server can follow, as far as they are set. */
  extras: string[];
  /** The server's clock less ours, as of its last answer. */
  clockAheadMs: number;
}

/** What was being done, as it goes after "cannot", and the right that it needs. */
export interface S3Deed {
  what: string;
  right: string;
}

export type S3Trouble =
  | 'missing'
  | 'precondition-failed'
  | 'conflict'
  | 'not-implemented'
  | 'denied'
  | 'access-key'
  | 'secret-key'
  | 'token'
  | 'wrong-region'
  | 'clock'
  | 'no-bucket'
  | 'full'
  | 'busy'
  | 'damaged'
  | 'certificate'
  | 'scheme'
  | 'name'
  | 'refused'
  | 'silent'
  | 'unreachable'
  | 'other';

/** S3's error codes (a HEAD has only the status, which the client turns into a code) and Node's, by what they mean. */
const troubles: Record<string, S3Trouble> = {
  NoSuchKey: 'missing',
  NotFound: 'missing',
  PreconditionFailed: 'precondition-failed',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  ConcurrentModification: 'conflict',
  NotImplemented: 'not-implemented',
  // What the client makes of a 501 without a body.
  MethodNotAllowed: 'not-implemented',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  InvalidAccessKeyId: 'access-key',
  SignatureDoesNotMatch: 'secret-key',
  ExpiredToken: 'token',
  InvalidToken: 'token',
  TokenRefreshRequired: 'token',
  AuthorizationHeaderMalformed: 'wrong-region',
  PermanentRedirect: 'wrong-region',
  MovedPermanently: 'wrong-region',
  TemporaryRedirect: 'wrong-region',
  IllegalLocationConstraintException: 'wrong-region',
  InvalidLocationConstraint: 'wrong-region',
  RequestTimeTooSkewed: 'clock',
  NoSuchBucket: 'no-bucket',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  InsufficientStorage: 'full',
  InsufficientCapacity: 'full',
  RequestTimeout: 'busy',
  InternalError: 'busy',
  ServiceUnavailable: 'busy',
  SlowDown: 'busy',
  BadDigest: 'damaged',
  IncompleteBody: 'damaged',
  XAmzContentSHA256Mismatch: 'damaged',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate',
  CERT_SIGNATURE_FAILURE: 'certificate',
  CERT_UNTRUSTED: 'certificate',
  CERT_NOT_YET_VALID: 'certificate',
  CERT_HAS_EXPIRED: 'certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate',
  EPROTO: 'scheme',
  ERR_SSL_WRONG_VERSION_NUMBER: 'scheme',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'scheme',
  HPE_INVALID_CONSTANT: 'scheme',
  HPE_INVALID_VERSION: 'scheme',
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'silent',
  ECONNRESET: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EPIPE: 'unreachable',
};

/** What S3 servers allow. */
const MOST_SKEW_MS = 15 * 60_000;

/** What kind of failure an error of the S3 client is. */
export function s3Trouble(error: unknown): S3Trouble {
  const known = troubles[systemCodeOf(error) ?? ''];
  if (known !== undefined) return known;
  if (error instanceof Error && error.name === 'S3BusyError') return 'busy';
  // A HEAD into another region answers 400 without a word, but with the region.
  const bare = (systemCodeOf(error) ?? '') === '';
  return bare && regionOf(error) !== undefined ? 'wrong-region' : 'other';
}

/** Whether other keys would have helped. */
export function isAboutKeys(error: unknown): boolean {
  return ['denied', 'access-key', 'secret-key', 'token'].includes(s3Trouble(error));
}

/** What a failure of the S3 client means to whoever runs the store. Our own errors stay what they are. */
export function s3ErrorOf(error: unknown, deed: S3Deed, place: S3Place): Error {
  if (error instanceof FaascamError || error instanceof RangeError) return error;
  const { endpoint, bucket, keysFrom } = place;
  const code = systemCodeOf(error) ?? '';
  const what = `Clip store: cannot ${deed.what} in bucket ${bucket} at ${endpoint}`;
  const told = (kind: StoreError['code'], sentence: string): StoreError =>
    new StoreError(kind, `${what}: ${sentence}`, { cause: error });
  // The answer to a HEAD says no more than that access is denied, and some servers never do.
  const skewed = isAboutKeys(error) && Math.abs(place.clockAheadMs) > MOST_SKEW_MS;
  switch (skewed ? 'clock' : s3Trouble(error)) {
    case 'denied':
      return told(
        'store-denied',
        `access denied (${code}). Allow ${deed.right} there to the user whose keys are in ${keysFrom.accessKey} and ${keysFrom.secretKey}, or correct the keys; docs/stores.md has the policy.`,
      );
    case 'access-key':
      return told(
        'store-denied',
        `the server does not know the access key (${code}). Correct it in ${keysFrom.accessKey}, with its secret key in ${keysFrom.secretKey}.`,
      );
    case 'secret-key':
      return told(
        'store-denied',
        `the secret key does not belong to the access key (${code}). Correct ${keysFrom.secretKey} or ${keysFrom.accessKey}.`,
      );
    case 'token':
      return told(
        'store-denied',
        `the session token has expired or is wrong (${code}). Put new keys into ${keysFrom.accessKey}, ${keysFrom.secretKey} and ${keysFrom.sessionToken}.`,
      );
    case 'clock':
      return told(
        'store-denied',
        `this machine's clock is ${clockOf(place)}. Set the clock, or let NTP do so.`,
      );
    case 'no-bucket':
      return told(
        'store-failed',
        'there is no such bucket. Make it, correct store.bucket, or set store.createBucket to true.',
      );
    case 'wrong-region': {
      const region = regionOf(error);
      return told(
        'store-failed',
        region === undefined || region === place.region
          ? `the bucket is not in region ${place.region}, or not at this endpoint (${code}). Correct store.region or store.endpoint.`
          : `the bucket is in region ${region}, not ${place.region}. Set store.region to ${region}.`,
      );
    }
    case 'full':
      return told('store-full', `the store is full (${code}). Free space or shorten the retention.`);
    case 'busy':
      return told(
        'store-unreachable',
        `the server is busy or out of order (${code}). It is tried again later.`,
      );
    case 'damaged':
      return told(
        'store-unreachable',
        `the bytes did not arrive as they were sent (${code}). It is tried again later; look at the network if this stays.`,
      );
    case 'conflict':
      return told('store-failed', `another writer is at the same object (${code}). It is tried again later.`);
    case 'not-implemented':
      return told('not-supported', `the server does not know how (${code}).`);
    case 'certificate':
      return told(
        'store-unreachable',
        `its certificate is not trusted (${code}). Name the file of the authority that signed it in store.caFile, and correct the host in store.endpoint if it is another one's.`,
      );
    case 'scheme':
      return told(
        'store-unreachable',
        endpoint.startsWith('https:')
          ? `the server does not speak TLS there (${code}). Begin store.endpoint with http:// or correct its port.`
          : `the server does not speak HTTP there (${code}). Begin store.endpoint with https:// or correct its port.`,
      );
    case 'name':
      return told(
        'store-unreachable',
        `no address is known for its name (${code}). Check store.endpoint and the name server` +
          `${place.pathStyle ? '' : ', or set store.pathStyle to true, so that the bucket is no part of the name'}.`,
      );
    case 'refused':
      return told(
        'store-unreachable',
        `nothing listens there (${code}). Start the server, or correct the host and port in store.endpoint.`,
      );
    case 'silent':
      return told(
        'store-unreachable',
        `the server does not answer (${code}). Check store.endpoint, firewalls on the way, and the server.`,
      );
    case 'unreachable':
      return told(
        'store-unreachable',
        `the server is out of reach or hangs up (${code}). Check store.endpoint, its scheme (https?) and port, and the server.`,
      );
    case 'missing':
      // A HEAD cannot say which of the two is missing; what is missing below a bucket is no error to anyone.
      return told('store-failed', 'not found. Check store.bucket.');
    default:
      return told('store-failed', otherOf(error, code, place.extras));
  }
}

function otherOf(error: unknown, code: string, extras: string[]): string {
  const message = redact(messageOf(error)).trim();
  if (code === '' && message === '') {
    return 'the answer is not one of S3. Check that store.endpoint is an S3 server, with https:// if it speaks TLS.';
  }
  if (extras.length > 0 && code.startsWith('Invalid')) {
    return `the server refuses the request (${code}), perhaps for ${extras.join(' or ')}, which it may not know or only over https. Change or remove it.`;
  }
  return `${[code, message].filter((part) => part !== '').join(', ')}.`;
}

/** The region in which a server says that the bucket is. */
function regionOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const name of ['amzBucketRegion', 'region'] as const) {
    const region: unknown = Object.entries(error).find(([key]) => key === name)?.[1];
    if (typeof region === 'string' && region !== '') return region;
  }
  return undefined;
}

function clockOf({ clockAheadMs }: S3Place): string {
  const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
  if (minutes === 0) return "too far from the server's";
  return `${minutes} minutes ${clockAheadMs > 0 ? 'behind' : 'ahead of'} the server's`;
}
