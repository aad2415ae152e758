import { FaascamError, systemCodeOf } from '@faascam/core/errors';

/** Why a source could not be opened, before any ffmpeg. `retry` as in `Cause`. */
export class SourceError extends FaascamError {
  override readonly name = 'SourceError';
  readonly retry: 'soon' | 'slow';

  constructor(code: string, message: string, retry: 'soon' | 'slow', options?: ErrorOptions) {
    super(code, message, options);
    this.retry = retry;
  }
}

/** What a failed connection to a camera means. Codes and words are those that ffmpeg's own failures get. */
export function connectionError(error: unknown): SourceError {
  const make = (code: string, says: string): SourceError =>
    new SourceError(code, says, 'soon', { cause: error });
  const systemCode = systemCodeOf(error) ?? '';
  switch (systemCode) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return make('unknown-host', 'has a host name that no name server knows: check the host in its source');
    case 'ECONNREFUSED':
      return make(
        'unreachable',
        'does not listen on this port: check that it runs, and the host and port in its source',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
      return make('unreachable', 'cannot be reached: check the network and the host in its source');
    case 'ETIMEDOUT':
      return make('timeout', 'does not answer: check that it runs, and the host and port in its source');
    case 'ECONNRESET':
    case 'EPIPE':
      return make('cut-off', 'cut the connection');
    default:
      return systemCode.startsWith('HPE_') || systemCode === 'EPROTO' || systemCode.startsWith('ERR_SSL')
        ? make('no-answer', 'does not answer as a web server does: check the scheme and port in its source')
        : make('failed', `cannot be asked (${systemCode === '' ? 'unknown reason' : systemCode})`);
  }
}

/** What a camera's HTTP status says that is no success. */
export function statusError(status: number): SourceError {
  switch (status) {
    case 401:
      return new SourceError(
        'wrong-password',
        'refused the login: check the user and password in its source',
        'slow',
      );
    case 403:
      return new SourceError(
        'forbidden',
        'does not allow this user to watch: check the rights of the user on the camera',
        'slow',
      );
    case 404:
      return new SourceError(
        'not-found',
        'has no stream under this path: check the path in its source',
        'soon',
      );
    default:
      return new SourceError('refused-stream', `refused to send its stream (HTTP status ${status})`, 'soon');
  }
}
