#!/bin/sh
# Makes the bucket of the clips and a user for faascam that may use it, and nothing else. Doing it again is harmless.
set -eu
secret() { cat "/run/secrets/$1"; }
mc --quiet alias set site http://minio:9000 "$(secret minio-root-user)" "$(secret minio-root-password)" >/dev/null
mc --quiet mb --ignore-existing "site/$BUCKET"
cat >/tmp/policy.json <<END
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads",
        "s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"
      ],
      "Resource": ["arn:aws:s3:::$BUCKET"]
    },
    {
      "Effect": "Allow",
      "Action": [
        "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging", "s3:PutObjectTagging",
        "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"
      ],
      "Resource": ["arn:aws:s3:::$BUCKET/*"]
    }
  ]
}
END
mc --quiet admin policy create site faascam /tmp/policy.json
mc --quiet admin user add site "$(secret s3-access-key)" "$(secret s3-secret-key)"
# It says no where the user has the policy already.
mc --quiet admin policy attach site faascam --user "$(secret s3-access-key)" ||
  mc --quiet admin user info site "$(secret s3-access-key)" | grep -q faascam
