#!/bin/sh
# Runs in MinIO's client image. Keys go through stdin: neither `ps` nor a log shows them.
set -eu

mkdir -p "$MC_CONFIG_DIR/certs/CAs"
cp /var/secrets/nats-ca "$MC_CONFIG_DIR/certs/CAs/faascam.crt"

lines() { # of two files
  cat "$1"
  echo
  cat "$2"
  echo
}

lines /var/secrets/user /var/secrets/password | mc --quiet alias set site "$SITE" >/dev/null
mc --quiet mb --ignore-existing site/clips

for who in clip viewer; do
  mc --quiet admin policy create site "faascam-$who" "/etc/faascam/$who-policy.json"
  lines "/var/secrets/$who-access-key" "/var/secrets/$who-secret-key" | mc --quiet admin user add site >/dev/null
  # It says no where the policy is attached already.
  mc --quiet admin policy attach site "faascam-$who" --user "$(cat "/var/secrets/$who-access-key")" >/dev/null 2>&1 || true
done
echo 'The bucket clips is there, with a user for the clip function and one for the page.'
