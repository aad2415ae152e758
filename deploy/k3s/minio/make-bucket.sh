#!/bin/sh
# Runs in MinIO's client image. Keys go through stdin: neither `ps` nor a log shows them.
set -eu
keys=${KEYS:-/var/secrets}
here=$(dirname "$0")

mkdir -p "$MC_CONFIG_DIR/certs/CAs"
cp "$keys/nats-ca" "$MC_CONFIG_DIR/certs/CAs/faascam.crt"

lines() { # of two files
  cat "$1"
  echo
  cat "$2"
  echo
}

lines "$keys/user" "$keys/password" | mc --quiet alias set site "$SITE" >/dev/null
mc --quiet mb --ignore-existing site/faascam

for who in clip viewer; do
  mc --quiet admin policy create site "faascam-$who" "$here/$who-policy.json"
  lines "$keys/$who-access-key" "$keys/$who-secret-key" | mc --quiet admin user add site >/dev/null
  # It says no where the policy is attached already.
  mc --quiet admin policy attach site "faascam-$who" --user "$(cat "$keys/$who-access-key")" >/dev/null 2>&1 || true
done
echo 'The bucket faascam is there, with a user for the clip function and one for the page.'
