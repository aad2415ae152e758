import { fileURLToPath } from 'node:url';
import { UsageError } from '@faascam/core/errors';
import { redact } from '@faascam/core/redact';

/** Where a camera's picture comes from. */
export type Source =
  | { kind: 'file'; path: string }
  /** `url` as given, so with its password: redact it before it is shown. */
  | { kind: 'rtsp'; url: string };

const SUPPORTED = 'give rtsp://user:password@host/path, or file:PATH of a video';

/**
 * Reads a camera's `source` setting: `rtsp://...`, `file:PATH`, or a bare path.
 * Throws `UsageError` `bad-source` that names what is supported.
 */
export function parseSource(text: string): Source {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      return { kind: 'file', path: requirePath(text, text) };
    case 'file':
      return { kind: 'file', path: requirePath(filePath(text), text) };
    case 'rtsp':
      requireHost(text);
      return { kind: 'rtsp', url: text };
    default:
      throw new UsageError(
        'bad-source',
        `The source ${redact(text)} cannot be used, ${scheme}: is not supported yet: ${SUPPORTED}.`,
      );
  }
}

/** The source for people: no password. */
export function shownSource(source: Source): string {
  return source.kind === 'rtsp' ? redact(source.url) : source.path;
}

function filePath(text: string): string {
  return text.startsWith('file://') ? fileUrlPath(text) : text.slice('file:'.length);
}

function fileUrlPath(text: string): string {
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new UsageError('bad-source', `The source ${text} is no file of this machine: ${SUPPORTED}.`, {
      cause,
    });
  }
}

function requirePath(path: string, text: string): string {
  if (path === '' || path.includes('\0')) {
    throw new UsageError('bad-source', `The source ${JSON.stringify(text)} names no file: ${SUPPORTED}.`);
  }
  return path;
}

function requireHost(text: string): void {
  const host = URL.canParse(text) ? new URL(text).hostname : '';
  if (host === '') {
    throw new UsageError(
      'bad-source',
      `The source ${redact(text)} is no RTSP address: ${SUPPORTED}; write special characters of a password as %XX.`,
    );
  }
}
