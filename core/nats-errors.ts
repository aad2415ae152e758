import { PermissionViolationError } from '@nats-io/transport-node';
import { FaascamError, messageOf, systemCodeOf, UsageError } from './errors.ts';
import { asksForTls, type NatsAccess } from './nats-access.ts';
import { natsUsers } from './nats-users.ts';
import { redact } from './redact.ts';

const UNKNOWN_AUTHORITY = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

/** Why a first connection failed, for people: `nats-denied`, `nats-certificate` or `nats-unreachable`. */
export function connectionError(cause: unknown, access: NatsAccess): FaascamError {
  const { code, sentence } = troubleOf(cause, access);
  return cause instanceof UsageError ? cause : new FaascamError(code, sentence, { cause });
}

/** Why a connection that stood cannot be made again, as far as it is not that nobody answers. */
export function refusal(cause: unknown, access: NatsAccess): string | undefined {
  const { code, sentence } = troubleOf(cause, access);
  return code === 'nats-denied' ? sentence : undefined;
}

/** What a part lacks the right for. */
export function violationSentence(
  { operation, subject }: PermissionViolationError,
  access: NatsAccess,
): string {
  const who = access.identity ?? 'this user';
  if (subject.startsWith('$JS.API.STREAM.CREATE.') && access.identity !== natsUsers.connector) {
    const name = subject.slice('$JS.API.STREAM.CREATE.'.length);
    return `NATS has no stream ${name} yet, and does not let ${who} make it: the connector makes all of them; check that it runs and reaches this NATS.`;
  }
  const deed = operation === 'publish' ? 'publish on' : 'listen to';
  return `NATS does not let ${who} ${deed} ${subject}: its key is another part's, or the server's auth.conf is older than a change of cameras or version; run "faascam nats-auth" again and reload the server.`;
}

function troubleOf(cause: unknown, access: NatsAccess): { code: string; sentence: string } {
  const where = `NATS at ${redact(access.url)}`;
  const causes = causesOf(cause);
  const text = causes.map(messageOf).join(' ');
  const codes = causes.map((each) => systemCodeOf(each) ?? '');
  const certificate = (sentence: string): { code: string; sentence: string } => ({
    code: 'nats-certificate',
    sentence,
  });
  if (/authorization|authentication/i.test(text)) {
    const key = access.nkeyFile ?? '';
    return {
      code: 'nats-denied',
      sentence:
        key === ''
          ? `${where} refused the login: give this part's key in nats.nkeyFile (NATS_NKEY_FILE), or check the user and password in the address.`
          : `${where} refused the key in ${key}: check that the server includes the newest auth.conf of "faascam nats-auth" and was told to reload it.`,
    };
  }
  if (codes.includes('CERT_HAS_EXPIRED')) {
    return certificate(
      `The certificate of ${where} has expired: renew it there, and check this host's clock.`,
    );
  }
  if (codes.includes('CERT_NOT_YET_VALID')) {
    return certificate(`The certificate of ${where} is not valid yet: check this host's clock.`);
  }
  if (codes.some((code) => UNKNOWN_AUTHORITY.has(code))) {
    return certificate(
      `The certificate of ${where} is not trusted: give the authority that signed it in nats.caFile (NATS_CA_FILE).`,
    );
  }
  if (codes.includes('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return certificate(
      `The certificate of ${where} is for another name: use a name of the certificate in the address.`,
    );
  }
  if (codes.some((code) => /^ERR_SSL_.*ALERT|^ERR_SSL_.*CERTIFICATE/.test(code))) {
    return certificate(
      `${where} did not accept this side's certificate: give one that it trusts in nats.certificateFile and nats.keyFile.`,
    );
  }
  if (/server does not support 'tls'/.test(text)) {
    return certificate(
      `${where} speaks no TLS, which was asked for: set it up there; without TLS begin the address with nats:// and give no nats.caFile.`,
    );
  }
  if (codes.some((code) => /^ERR_(SSL|OSSL)/.test(code))) {
    return certificate(
      `TLS with ${where} failed (${codes.find((code) => code !== '')}): check the certificates.`,
    );
  }
  if (
    /timeout|closed|disconnect/i.test(text) &&
    asksForTls(access) &&
    (access.certificateFile ?? '') === ''
  ) {
    return {
      code: 'nats-unreachable',
      sentence: `${where} does not answer over TLS: check that it runs; where it asks for a certificate, give one in nats.certificateFile (NATS_CERTIFICATE_FILE).`,
    };
  }
  return {
    code: 'nats-unreachable',
    sentence: `No NATS server answers at ${redact(access.url)}: check the address and that nats-server is running.`,
  };
}

function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let each = error; each !== undefined && causes.length < 8;) {
    causes.push(each);
    each = each instanceof Error ? each.cause : undefined;
  }
  return causes;
}
