#!/usr/bin/env bash
# Adds faascam's NATS, connector and, where asked for, MinIO to faasd on this host, with keys for all of them. Run it again to
# add an agent, to renew certificates, or after an update of faasd has replaced its docker-compose.yaml: what is there
# stays as it is. It never prints a key.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: sudo deploy/faasd/install.sh --host NAME --agent ID:CAMERA,CAMERA ... [options]
  --host NAME       name or address by which agents reach this host; may be repeated; to
                    take one away, remove its line from the file hosts among the keys
  --agent ID:CAMS   an agent and its cameras, as its faascam.yml has them; may be repeated
  --remove ID       an agent that may come in no more
  --minio           run MinIO here as well; without it the store is one of your own (docs/install-faasd.md)
  --retention no    with --minio: the clip function's key may remove no clip, so FAASCAM_RETENTION cannot; default yes
  --folder DIR      faasd's folder; default /var/lib/faasd
  --no-restart      write everything, but leave faasd and its secrets as they are
  --uninstall       take the services out again; keys, events and clips stay in DIR/faascam
TEXT
}
die() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
faascam=$here/../../bin/faascam.js
# shellcheck source=deploy/k3s/keys.sh
. "$here/../k3s/keys.sh"
folder=/var/lib/faasd
restart=yes
minio=
retention=
uninstall=
hosts=()
agents=()
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage && exit 0 ;;
    --minio) minio=yes && shift ;;
    --retention)
      [[ ${2:-} == yes || ${2:-} == no ]] || die '--retention is yes or no.'
      retention=$2
      shift 2
      ;;
    --no-restart) restart= && shift ;;
    --uninstall) uninstall=yes && shift ;;
    --host | --agent | --remove | --folder)
      [ $# -ge 2 ] || die "$1 needs a value; --help tells which."
      case $1 in
        --host) hosts+=("$2") ;;
        --agent | --remove) agents+=("$1" "$2") ;;
        --folder) folder=$2 ;;
      esac
      shift 2
      ;;
    *) die "$1 is no option of this script; --help tells which are." ;;
  esac
done
for program in openssl node; do
  command -v "$program" >/dev/null || die "$program is not installed."
done
folder=$(cd "$folder" 2>/dev/null && pwd) || die 'there is no such folder as --folder names: install faasd first.'
compose=$folder/docker-compose.yaml
[ -s "$compose" ] || die "there is no $compose: install faasd first, or name its folder with --folder."
[ -w "$folder" ] || die "$folder may only be written by root: run this with sudo."

# What the containers run as; faasd's own NATS does too.
nobody=65534
own() { [ "$(id -u)" -ne 0 ] || chown -R "$nobody:$nobody" "$@"; }

merge() { # what is to be in, or --remove
  local new=$folder/.docker-compose.yaml.faascam
  node "$here/merge.mjs" "$compose" "$@" >"$new" || die "$compose could not be changed; it is as it was."
  if cmp -s "$new" "$compose"; then
    rm "$new"
    return
  fi
  local backup
  backup=$compose.$(date -u +%Y%m%dT%H%M%SZ)
  cp -p "$compose" "$backup"
  chmod --reference="$compose" "$new"
  mv "$new" "$compose"
  printf '%s is changed; as it was: %s\n' "$compose" "$backup"
}

restart_faasd() {
  [ -n "$restart" ] || return 0
  systemctl restart faasd
  for _ in $(seq 120); do
    if curl -fsS -o /dev/null http://127.0.0.1:8080/healthz 2>/dev/null; then return 0; fi
    sleep 1
  done
  die 'the gateway does not answer at http://127.0.0.1:8080: journalctl -u faasd tells why.'
}

if [ -n "$uninstall" ]; then
  merge --remove
  restart_faasd
  printf 'Keys, and what NATS and MinIO hold, are still in %s/faascam.\n' "$folder"
  exit 0
fi

umask 077
mkdir -p "$folder/faascam/keys/s3"
cd "$folder/faascam/keys"
more_hosts "${hosts[@]}"
[ -z "$minio" ] || touch minio
[ -z "$retention" ] || printf '%s' "$retention" >retention
[ -s retention ] || printf yes >retention
nats_users "${agents[@]}"
page_users
authority
mapfile -t outside <hosts
certificate nats faascam-nats localhost "${outside[@]}"

cd ..
mkdir -p nats/auth nats/tls nats-data connector
# Health and figures for this container alone: no network policy keeps functions out here.
sed 's|"0.0.0.0:8222"|"127.0.0.1:8222"|' "$here/../k3s/base/nats.conf" >nats/nats.conf
cp keys/nats-auth/auth.conf nats/auth/auth.conf
cp keys/nats.crt nats/tls/tls.crt
cp keys/nats.key nats/tls/tls.key
cp keys/nats-auth/secrets/nats-connector connector/nats-connector
cp keys/ca.crt connector/nats-ca
for name in basic-auth-user basic-auth-password; do
  [ -s "$folder/secrets/$name" ] || die "there is no $folder/secrets/$name: start faasd once, which makes it."
  cp "$folder/secrets/$name" "connector/$name"
done
own nats nats-data connector
additions=("$here/faascam.yaml")
if [ -e keys/minio ]; then
  (
    cd keys
    store_keys
    certificate minio faascam-minio localhost
  )
  mkdir -p minio/certs minio-data
  cp keys/minio.crt minio/certs/public.crt
  cp keys/minio.key minio/certs/private.key
  cp keys/s3/user minio/user
  cp keys/s3/password minio/password
  own minio minio-data
  cp keys/ca.crt keys/s3/nats-ca
  additions+=("$here/minio.yaml")
fi
merge "${additions[@]}"
restart_faasd

# --- secrets of the functions
secret() { # name, file
  faas-cli secret create "$1" --from-file "$2" --trim=false >/dev/null 2>&1 ||
    faas-cli secret update "$1" --from-file "$2" --trim=false >/dev/null ||
    die "the secret $1 could not be made; the lines above say why."
  printf 'secret %s\n' "$1"
}
if [ -n "$restart" ]; then
  command -v faas-cli >/dev/null || die 'faas-cli is not installed: it makes the secrets of functions.'
  faas-cli login --password-stdin <"$folder/secrets/basic-auth-password" >/dev/null
  for name in motion detect events clip viewer notify; do
    secret "nats-$name" "keys/nats-auth/secrets/nats-$name"
  done
  secret nats-ca keys/ca.crt
  secret viewer-users keys/viewer-users.yml
  for name in live share; do
    secret "viewer-$name-secret" "keys/$name-secret"
  done
  if [ -e keys/minio ]; then
    secret s3-access-key keys/s3/clip-access-key
    secret s3-secret-key keys/s3/clip-secret-key
    secret viewer-s3-access-key keys/s3/viewer-access-key
    secret viewer-s3-secret-key keys/s3/viewer-secret-key
    # Midnight Commander has the same name.
    if [[ $(mc --version 2>/dev/null) == *MinIO* ]]; then
      FOLDER=$PWD/keys/s3 MC_CONFIG_DIR=$PWD/keys/mc SITE=https://localhost:9000 RETENTION=$(cat keys/retention) \
        "$here/../s3/make-bucket.sh" || die 'the bucket could not be made; the lines above say why. Then run this again.'
    else
      printf '%s\n' "The bucket is still to be made. Install MinIO's client as mc (Debian's package mc is another program)" \
        'from https://dl.min.io/client/mc/release/ and run this again.'
    fi
  fi
fi

cat <<TEXT
Keys are in $folder/faascam/keys. Keep a copy of it: who has it may do everything.
  agents get   ca.crt, nats-auth/secrets/nats-agent-ID, live-secret for live view, and tls://${outside[0]}:4222 as the address of NATS
  the page     user faascam, password in page-password
TEXT
