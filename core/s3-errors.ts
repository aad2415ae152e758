import { messageOf, StoreError, systemCodeOf } from './errors.ts';
import { redact } from './redact.ts';

/** What a message may say of an S3 store. */
export interface S3Place {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyFile: string;
  secretKeyFile: string;
}

export type S3Trouble =
  | 'missing'
  | 'precondition-failed'
  | 'conflict'
  | 'not-implemented'
  | 'denied'
  | 'wrong-region'
  | 'clock'
  | 'no-bucket'
  | 'full'
  | 'certificate'
  | 'unreachable'
  | 'other';

/** S3's error codes (a HEAD has only the status, which the client turns into a code) and Node's, by what they mean. */
const troubles: Record<string, S3Trouble> = {
  NoSuchKey: 'missing',
  NotFound: 'missing',
  PreconditionFailed: 'precondition-failed',
  ConditionalRequestConflict: 'conflict',
  OperationAborted: 'conflict',
  NotImplemented: 'not-implemented',
  // What the client makes of a 501 without a body.
  MethodNotAllowed: 'not-implemented',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  ExpiredToken: 'denied',
  InvalidToken: 'denied',
  AuthorizationHeaderMalformed: 'wrong-region',
  PermanentRedirect: 'wrong-region',
  MovedPermanently: 'wrong-region',
  TemporaryRedirect: 'wrong-region',
  RequestTimeTooSkewed: 'clock',
  NoSuchBucket: 'no-bucket',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  InsufficientStorage: 'full',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate',
  CERT_HAS_EXPIRED: 'certificate',
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ETIMEDOUT: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EPIPE: 'unreachable',
  EPROTO: 'unreachable',
};

/** What kind of failure an error of the S3 client is. */
export function s3Trouble(error: unknown): S3Trouble {
  return troubles[systemCodeOf(error) ?? ''] ?? 'other';
}

/** What a failure of the S3 client means to whoever runs the store. `StoreError` and `RangeError` stay what they are. */
export function s3ErrorOf(error: unknown, doing: string, place: S3Place): Error {
  if (error instanceof StoreError || error instanceof RangeError) return error;
  const { endpoint, bucket } = place;
  const code = systemCodeOf(error);
  const what = `Clip store: cannot ${doing} in bucket ${bucket} at ${endpoint}`;
  const cause = { cause: error };
  switch (s3Trouble(error)) {
    case 'denied':
      return new StoreError(
        'store-denied',
        `${what}: access denied (${code ?? '403'}). Check the keys in ${place.accessKeyFile} and ` +
          `${place.secretKeyFile}, and that their user may read, write and list there.`,
        cause,
      );
    case 'clock':
      return new StoreError(
        'store-denied',
        `${what}: this machine's clock differs too much from the server's. Set the clock.`,
        cause,
      );
    case 'no-bucket':
      return new StoreError(
        'store-failed',
        `${what}: there is no such bucket. Make it, correct store.bucket, or set store.createBucket to true.`,
        cause,
      );
    case 'wrong-region':
      return new StoreError(
        'store-failed',
        `${what}: the bucket is not in region ${place.region}. Correct store.region or store.endpoint.`,
        cause,
      );
    case 'full':
      return new StoreError(
        'store-full',
        `${what}: the store is full (${code ?? ''}). Free space or shorten the retention.`,
        cause,
      );
    case 'certificate':
      return new StoreError(
        'store-unreachable',
        `${what}: its certificate is not trusted (${code ?? ''}). Name your authority's file in NODE_EXTRA_CA_CERTS.`,
        cause,
      );
    case 'unreachable':
      return new StoreError(
        'store-unreachable',
        `${what}: no S3 server answers (${code ?? ''}). Check store.endpoint, its scheme and port, and the server.`,
        cause,
      );
    case 'missing':
      // A HEAD cannot say which of the two is missing; what is missing below a bucket is no error to anyone.
      return new StoreError('store-failed', `${what}: not found. Check store.bucket.`, cause);
    default:
      return new StoreError('store-failed', `${what}: ${code ?? redact(messageOf(error))}.`, cause);
  }
}
