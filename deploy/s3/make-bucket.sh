#!/bin/sh
# Makes the bucket on a MinIO of our own, and its users with their rights, as the policies beside this file say. For the Job on
# k3s, deploy/faasd/install.sh and deploy/compose. Doing it again is harmless. MinIO's client image has a shell and little
# else. Keys go through stdin: neither `ps` nor a log shows them.
#   SITE       the server's address
#   BUCKET     the bucket, which is faascam's alone; default faascam
#   FOLDER     folder with user, password (of the administrator), clip-access-key and clip-secret-key, the same for viewer
#              where the page has a key of its own, and nats-ca where the authority is ours
#   RETENTION  yes, the default: the clip function's key may remove clips, which FAASCAM_RETENTION needs; no: it may not
#   CHANGES    yes, the default: the page's key may keep and remove events, for people whose role allows it; no: it only reads
set -eu
keys=${FOLDER:-/var/secrets}
bucket=${BUCKET:-faascam}
here=$(dirname "$0")

mkdir -p "$MC_CONFIG_DIR/certs/CAs"
[ ! -e "$keys/nats-ca" ] || cp "$keys/nats-ca" "$MC_CONFIG_DIR/certs/CAs/faascam.crt"

lines() { # of files, each of which is one line
  for file in "$@"; do printf '%s\n' "$(cat "$file")"; done
}

# A server that has just been started needs a moment.
said=$MC_CONFIG_DIR/said
tries=30
until lines "$keys/user" "$keys/password" | mc --quiet alias set site "$SITE" >"$said" 2>&1; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    cat "$said" >&2
    printf 'Error: MinIO at %s does not let us in after a minute; the lines above say why.\n' "$SITE" >&2
    exit 1
  fi
  sleep 2
done
mc --quiet mb --ignore-existing "site/$bucket"

# A policy of this folder, for all of our bucket in place of a prefix in "clips".
policy() {
  while IFS= read -r line; do
    case $line in
      *'"Condition"'*) continue ;;
      *:::clips/cameras/*) line="${line%%:::*}:::$bucket/${line#*:::clips/cameras/}" ;;
      *:::clips*) line="${line%%:::*}:::$bucket\"" ;;
    esac
    printf '%s\n' "$line"
  done <"$here/$1.json"
}
for name in clip viewer retention viewer-changes; do
  policy "$name" >"$MC_CONFIG_DIR/$name.json"
  mc --quiet admin policy create site "faascam-$name" "$MC_CONFIG_DIR/$name.json"
done
policies() { # attach or detach, whose key, policy
  if mc --quiet admin policy "$1" site "faascam-$3" --user "$(cat "$keys/$2-access-key")" >"$said" 2>&1; then return; fi
  case $(cat "$said") in *'already in effect'*) return ;; esac
  cat "$said" >&2
  printf 'Error: MinIO does not %s the policy faascam-%s; the lines above say why.\n' "$1" "$3" >&2
  exit 1
}
either() { # yes or no, whose key, policy
  if [ "$1" = yes ]; then policies attach "$2" "$3"; else policies detach "$2" "$3"; fi
}
for who in clip viewer; do
  [ -e "$keys/$who-access-key" ] || continue
  lines "$keys/$who-access-key" "$keys/$who-secret-key" | mc --quiet admin user add site >/dev/null
  policies attach "$who" "$who"
done
either "${RETENTION:-yes}" clip retention
if [ -e "$keys/viewer-access-key" ]; then changes=viewer; else changes=clip; fi
either "${CHANGES:-yes}" "$changes" viewer-changes
printf 'The bucket %s is there, with the users of faascam.\n' "$bucket"
