import { existsSync, statSync } from 'node:fs';
import { readSecret } from './settings.ts';
import { type S3Settings, storeSettings } from './store-settings.ts';

export interface S3Keys {
  accessKey: string;
  secretKey: string;
  sessionToken?: string;
}

const ACCESS_VARIABLE = 'AWS_ACCESS_KEY_ID';
const SECRET_VARIABLE = 'AWS_SECRET_ACCESS_KEY';
const TOKEN_VARIABLE = 'AWS_SESSION_TOKEN';

/**
 * The keys of an S3 store: from the files that the settings name, read again when those change, as they do where
 * keys are rotated. Where the settings name none and there are none at the usual place either, the keys are those of
 * the environment (`AWS_ACCESS_KEY_ID` and so on).
 */
export class S3Credentials {
  /** Where the keys come from, for messages: one name for each. */
  readonly from: { accessKey: string; secretKey: string; sessionToken: string };
  /** Counts up each time that the keys became others. */
  version = 0;
  readonly #read: () => S3Keys;
  readonly #files: string[];
  #keys: S3Keys;
  #stamp: string;

  /** Throws `UsageError` that names the file or variable that is missing. */
  constructor(settings: S3Settings, env: NodeJS.ProcessEnv) {
    const { accessKeyFile, secretKeyFile, sessionTokenFile } = settings;
    const accessKey = env[ACCESS_VARIABLE] ?? '';
    const secretKey = env[SECRET_VARIABLE] ?? '';
    const sessionToken = env[TOKEN_VARIABLE] ?? '';
    if (accessKey !== '' && secretKey !== '' && namesNoFiles(settings)) {
      this.#files = [];
      this.from = { accessKey: ACCESS_VARIABLE, secretKey: SECRET_VARIABLE, sessionToken: TOKEN_VARIABLE };
      this.#read = () => ({ accessKey, secretKey, ...(sessionToken === '' ? {} : { sessionToken }) });
    } else {
      this.#files = [
        accessKeyFile,
        secretKeyFile,
        ...(sessionTokenFile === undefined ? [] : [sessionTokenFile]),
      ];
      this.from = {
        accessKey: accessKeyFile,
        secretKey: secretKeyFile,
        sessionToken: sessionTokenFile ?? 'store.sessionTokenFile',
      };
      this.#read = () => ({
        accessKey: readSecret(accessKeyFile, 'access key of the clip store'),
        secretKey: readSecret(secretKeyFile, 'secret key of the clip store'),
        ...(sessionTokenFile === undefined
          ? {}
          : { sessionToken: readSecret(sessionTokenFile, 'session token of the clip store') }),
      });
    }
    this.#stamp = this.#stampNow();
    this.#keys = this.#read();
  }

  /** The keys as they are now. */
  get(): S3Keys {
    const stamp = this.#stampNow();
    if (stamp !== this.#stamp) this.refresh(stamp);
    return this.#keys;
  }

  /** Reads the files, whether they seem to have changed or not: a server has refused the keys. */
  refresh(stamp = this.#stampNow()): void {
    let keys: S3Keys;
    try {
      keys = this.#read();
    } catch {
      // Whoever rotates them may have a file away for a moment. Keys that stay away expire, and the server says so.
      return;
    }
    this.#stamp = stamp;
    if (JSON.stringify(keys) !== JSON.stringify(this.#keys)) this.version++;
    this.#keys = keys;
  }

  #stampNow(): string {
    return this.#files
      .map((path) => {
        // Kubernetes swaps a link above the files: so their inode tells, not only their time.
        const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
        return stat === undefined ? '' : `${stat.ino}-${stat.size}-${stat.mtimeNs}`;
      })
      .join();
  }
}

const usual = storeSettings.parse({ kind: 's3', endpoint: 'https://any', bucket: 'any' });

function namesNoFiles(settings: S3Settings): boolean {
  return (
    usual.kind === 's3' &&
    settings.sessionTokenFile === undefined &&
    settings.accessKeyFile === usual.accessKeyFile &&
    settings.secretKeyFile === usual.secretKeyFile &&
    !existsSync(settings.accessKeyFile) &&
    !existsSync(settings.secretKeyFile)
  );
}
