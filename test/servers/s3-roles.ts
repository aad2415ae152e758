import { execFile } from 'node:child_process';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Makes a role with a policy on the radosgw of `s3.sh` in `directory`, and asks its STS for keys of that role
 * (AssumeRole), which need their session token with every request.
 */
export async function temporaryKeys(
  directory: string,
  endpoint: string,
  keys: { accessKey: string; secretKey: string },
  statement: unknown,
): Promise<{ accessKey: string; secretKey: string; sessionToken: string }> {
  const role = `role-${randomUUID()}`;
  const admin = (...args: string[]) =>
    run('radosgw-admin', ['--name', 'client.rgw', ...args], {
      env: { ...process.env, CEPH_CONF: join(directory, 'ceph.conf') },
    });
  const policyOf = (Statement: unknown): string => JSON.stringify({ Version: '2012-10-17', Statement });
  const trust = {
    Effect: 'Allow',
    Principal: { AWS: ['arn:aws:iam:::user/faascam'] },
    Action: ['sts:AssumeRole'],
  };
  await admin(
    'role',
    'create',
    `--role-name=${role}`,
    '--path=/',
    `--assume-role-policy-doc=${policyOf([trust])}`,
  );
  await admin(
    'role-policy',
    'put',
    `--role-name=${role}`,
    '--policy-name=it',
    `--policy-doc=${policyOf(statement)}`,
  );
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    RoleArn: `arn:aws:iam:::role/${role}`,
    RoleSessionName: 'test',
    DurationSeconds: '900',
    Version: '2011-06-15',
  }).toString();
  const answer = await fetch(endpoint, { method: 'POST', headers: signed(endpoint, keys, body), body });
  const text = await answer.text();
  const valueOf = (name: string): string => {
    const [, value] = new RegExp(`<${name}>([^<]+)</${name}>`).exec(text) ?? [];
    if (value === undefined) throw new Error(`No ${name} in the answer of STS: ${answer.status} ${text}`);
    return value;
  };
  return {
    accessKey: valueOf('AccessKeyId'),
    secretKey: valueOf('SecretAccessKey'),
    sessionToken: valueOf('SessionToken'),
  };
}

/** The headers of a POST to STS, signed by AWS Signature Version 4. */
function signed(
  endpoint: string,
  keys: { accessKey: string; secretKey: string },
  body: string,
): Record<string, string> {
  const date = new Date().toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const scope = `${date.slice(0, 8)}/us-east-1/sts/aws4_request`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-amz-date': date };
  const canonical = [
    ...['POST', '/', ''],
    ...[
      `content-type:${headers['content-type']}`,
      `host:${new URL(endpoint).host}`,
      `x-amz-date:${date}`,
      '',
    ],
    ...['content-type;host;x-amz-date', createHash('sha256').update(body).digest('hex')],
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', date, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  const hmac = (key: string | Buffer, data: string): Buffer =>
    createHmac('sha256', key).update(data).digest();
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${keys.secretKey}`);
  const signature = hmac(key, text).toString('hex');
  const names = 'content-type;host;x-amz-date';
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
