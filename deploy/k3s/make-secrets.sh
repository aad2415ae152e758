#!/usr/bin/env bash
# Makes every key that faascam needs on a cluster and puts it there as a secret. Run it again to add an agent or a name, or
# to renew certificates that end soon: what is there stays as it is. It never prints a key.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: deploy/k3s/make-secrets.sh --host NAME [--host NAME ...] --agent ID:CAMERA,CAMERA ... [options]
  --host NAME       name or address by which agents and browsers reach the cluster; may be repeated; to
                    take one away, remove its line from the file hosts among the keys
  --agent ID:CAMS   an agent and its cameras, as its faascam.yml has them; may be repeated
  --remove ID       an agent that may come in no more
  --folder DIR      where keys are kept, for nobody but you; default ~/.config/faascam/k3s
  --s3-keys DIR     keys of a store of your own, in place of MinIO: files access-key and secret-key, and, for the page,
                    viewer-access-key and viewer-secret-key if it has its own
  --ca FILE         certificate (PEM) of the authority of that store, beside our own
What was said once holds for later runs too.
TEXT
}
die() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}
absolute() {
  case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
faascam=$here/../../bin/faascam.js
# shellcheck source=deploy/k3s/keys.sh
. "$here/keys.sh"
folder=${XDG_CONFIG_HOME:-$HOME/.config}/faascam/k3s
s3_keys=
store_ca=
hosts=()
agents=()
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage && exit 0 ;;
    --host | --agent | --remove | --folder | --s3-keys | --ca)
      [ $# -ge 2 ] || die "$1 needs a value; --help tells which."
      case $1 in
        --host) hosts+=("$2") ;;
        --agent | --remove) agents+=("$1" "$2") ;;
        --folder) folder=$2 ;;
        --s3-keys) s3_keys=$(absolute "$2") ;;
        --ca) store_ca=$(absolute "$2") ;;
      esac
      shift 2
      ;;
    *) die "$1 is no option of this script; --help tells which are." ;;
  esac
done
for program in kubectl openssl node; do
  command -v "$program" >/dev/null || die "$program is not installed."
done

umask 077
mkdir -p "$folder/s3"
cd "$folder"
more_hosts "${hosts[@]}"

nats_users "${agents[@]}"
authority
mapfile -t outside <hosts
inside() { printf '%s\n' "$1" "$1.openfaas" "$1.openfaas.svc" "$1.openfaas.svc.cluster.local"; }
mapfile -t nats_names < <(inside faascam-nats)
mapfile -t minio_names < <(inside faascam-minio)
certificate nats "${nats_names[@]}" "${outside[@]}"
certificate minio "${minio_names[@]}"
certificate viewer "${outside[@]}"
if [ -n "$store_ca" ]; then
  openssl x509 -in "$store_ca" -noout 2>/dev/null || die "$store_ca is no certificate in PEM."
  cp "$store_ca" store-ca.pem
fi
touch store-ca.pem
cat ca.crt store-ca.pem >trusted.crt

# --- the store's keys, and the page's login
if [ -n "$s3_keys" ]; then
  for name in access-key secret-key; do
    [ -s "$s3_keys/$name" ] || die "$s3_keys/$name is missing or empty."
    cp "$s3_keys/$name" "s3/clip-$name"
    if [ -s "$s3_keys/viewer-$name" ]; then cp "$s3_keys/viewer-$name" "s3/viewer-$name"; else cp "$s3_keys/$name" "s3/viewer-$name"; fi
  done
  touch s3-external
fi
[ -e s3-external ] || store_keys
page_users

# --- onto the cluster
secret() { # namespace, name, then arguments of kubectl create secret
  local namespace=$1 name=$2
  shift 2
  # Server-side: kubectl would otherwise put a copy of the keys into an annotation.
  kubectl create secret "$1" "$name" --namespace "$namespace" "${@:2}" --dry-run=client -o yaml |
    kubectl label --local -f - -o yaml app.kubernetes.io/part-of=faascam app.kubernetes.io/managed-by=openfaas |
    kubectl apply --server-side --force-conflicts --field-manager=faascam -f - >/dev/null ||
    die "the secret $name could not be put into namespace $namespace; the lines above say why."
  printf 'secret %s in %s\n' "$name" "$namespace"
}
secret openfaas faascam-nats-auth generic --from-file=auth.conf=nats-auth/auth.conf
secret openfaas faascam-nats-tls tls --cert=nats.crt --key=nats.key
secret openfaas faascam-connector generic --from-file=nats-connector=nats-auth/secrets/nats-connector \
  --from-file=nats-ca=ca.crt
secret openfaas faascam-viewer-tls tls --cert=viewer.crt --key=viewer.key
if [ ! -e s3-external ]; then
  secret openfaas faascam-minio-tls tls --cert=minio.crt --key=minio.key
  secret openfaas faascam-minio-root generic --from-file=user=s3/user --from-file=password=s3/password
  secret openfaas faascam-s3-keys generic --from-file=nats-ca=ca.crt \
    --from-file=clip-access-key=s3/clip-access-key --from-file=clip-secret-key=s3/clip-secret-key \
    --from-file=viewer-access-key=s3/viewer-access-key --from-file=viewer-secret-key=s3/viewer-secret-key
fi
for name in motion detect events clip viewer notify; do
  secret openfaas-fn "nats-$name" generic --from-file="nats-$name=nats-auth/secrets/nats-$name"
done
secret openfaas-fn nats-ca generic --from-file=nats-ca=trusted.crt
secret openfaas-fn viewer-users generic --from-file=viewer-users=viewer-users.yml
for name in live share; do
  secret openfaas-fn "viewer-$name-secret" generic --from-file="viewer-$name-secret=$name-secret"
done
secret openfaas-fn s3-access-key generic --from-file=s3-access-key=s3/clip-access-key
secret openfaas-fn s3-secret-key generic --from-file=s3-secret-key=s3/clip-secret-key
secret openfaas-fn viewer-s3-access-key generic --from-file=viewer-s3-access-key=s3/viewer-access-key
secret openfaas-fn viewer-s3-secret-key generic --from-file=viewer-s3-secret-key=s3/viewer-secret-key

cat <<TEXT
Keys are in $folder. Keep a copy of it: who has it may do everything.
  agents get   ca.crt, nats-auth/secrets/nats-agent-ID, and live-secret for live view
  the page     https://${outside[0]}/function/viewer/, user faascam, password in page-password
What is new for NATS counts after: kubectl -n openfaas rollout restart statefulset/faascam-nats
TEXT
