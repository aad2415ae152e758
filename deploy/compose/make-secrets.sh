#!/bin/sh
# Makes the secrets of compose.yaml: random, each once, in `secrets` beside it. What is there already stays.
# Usage: deploy/compose/make-secrets.sh [FOLDER]
set -eu
folder=${1:-$(dirname "$0")/secrets}
umask 077
mkdir -p "$folder"
# Compose hands the files over as they are, and the services run as the user 10001: nobody else gets into the folder.
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { # name, value
  if [ ! -s "$folder/$1" ]; then
    printf '%s\n' "$2" >"$folder/$1.part"
    chmod 644 "$folder/$1.part"
    mv "$folder/$1.part" "$folder/$1"
  fi
}
put minio-root-user "root-$(random | cut -c 1-12)"
put minio-root-password "$(random)"
put s3-access-key "faascam-$(random | cut -c 1-12)"
put s3-secret-key "$(random)"
put nats-password "$(random)"
# NATS has it in its own words.
rm -f "$folder/nats-auth.conf"
put nats-auth.conf "authorization { user: faascam, password: \"$(cat "$folder/nats-password")\" }"
printf 'The secrets are in %s.\n' "$folder"
