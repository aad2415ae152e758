// The scheme's length is bounded, or a long run of letters would cost its square.
const USER_INFO = /([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/?#'"]*)@/gi;
// Some cameras take user and password in the path: /user=admin&password=secret&channel=1, also with _ for &.
const SECRET_PARAMETER =
  /([?&;/_](?:[a-z]{1,12}[_-])?(?:passphrase|password|passwd|passwort|pwd|psw|pass|token|secret|apikey|key|auth|signature|sig)=)[^&;\s'"]*/gi;

// Who knows the last part of an RTMP address may send to it, or watch; what ends a sentence is no part of it.
const STREAM_KEY = /(rtmp[a-z]{0,2}:\/\/[^\s/?#'"]+\/[^\s?#'"]*\/)[^\s/?#'"]*[^\s/?#'":,;.]/gi;

// A private key of NATS (nkey seed): whose it is shows in its second letter.
const SEED = /\b(S[ACNOUX])[A-Z2-7]{56}\b/g;

/**
 * Text in which no URL carries a password: `user:password@` becomes `user:***@`, secret query values and RTMP stream keys
 * become `***`, and so do private keys of NATS.
 */
export function redact(text: string): string {
  return text
    .replaceAll(USER_INFO, (_match, scheme: string, info: string) => {
      const colon = info.indexOf(':');
      return colon < 0 ? `${scheme}${info}@` : `${scheme}${info.slice(0, colon)}:***@`;
    })
    .replaceAll(SECRET_PARAMETER, '$1***')
    .replaceAll(STREAM_KEY, '$1***')
    .replaceAll(SEED, '$1***');
}
