# Keys and certificates of a site, for make-secrets.sh and deploy/faasd/install.sh, which source this file. All of it works in
# the current folder, makes what is not there, and never prints a key.
# shellcheck shell=bash
: "${faascam:?the path of bin/faascam.js}"

# NATS: users with their rights, in the folder nats-auth. Arguments: as of "faascam nats-auth".
nats_users() {
  node "$faascam" nats-auth nats-auth "$@" >/dev/null ||
    die 'faascam nats-auth could not make the users of NATS; the lines above say why.'
}

# An authority of our own: ca.key and ca.crt.
authority() {
  [ ! -s ca.crt ] || return 0
  # Cut off between the two, the next run goes on from the key.
  [ -s ca.key ] || openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -sha256 -days 3650 -subj '/CN=faascam' -out ca.crt.part \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'
  mv ca.crt.part ca.crt
}

# Names and addresses as a certificate lists them.
alternatives() {
  local name list=
  for name in "$@"; do
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then list+=",IP:$name"; else list+=",DNS:$name"; fi
  done
  printf '%s' "${list:1}"
}

# NAME...: adds names by which the site is reached to those in the file hosts, which may be edited by hand. Nothing is written
# where one is no name.
more_hosts() {
  local name names=()
  if [ -f hosts ]; then
    while read -r name || [ -n "$name" ]; do [ -z "$name" ] || names+=("$name"); done <hosts
  fi
  names+=("$@")
  [ ${#names[@]} -gt 0 ] || die 'give --host at least once: the name or address by which agents get here.'
  for name in "${names[@]}"; do
    [[ $name =~ ^[A-Za-z0-9.:-]+$ ]] || die "$name is no name or address of a host."
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then
      node -e 'process.exit(require("node:net").isIP(process.argv[1]) ? 0 : 1)' "$name" || die "$name is no IP address."
    fi
  done
  printf '%s\n' "${names[@]}" | awk '!seen[$0]++' >hosts.part
  mv hosts.part hosts
}

# FILE NAME...: FILE.crt and FILE.key, signed by the authority; made anew when its names change or it ends within 30 days.
certificate() {
  local file=$1 names
  shift
  names=$(alternatives "$@")
  if [ -s "$file.crt" ] && [ "$(cat "$file.names" 2>/dev/null)" = "$names" ] &&
    openssl x509 -in "$file.crt" -noout -checkend $((30 * 86400)) >/dev/null; then
    return
  fi
  [ -s "$file.key" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$file.key"
  openssl req -new -key "$file.key" -subj "/CN=faascam $file" -out "$file.csr"
  openssl x509 -req -in "$file.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 -days 397 -out "$file.crt.part" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$names") 2>keys.log ||
    { cat keys.log >&2; rm -f keys.log "$file.csr" "$file.crt.part"; die "no certificate can be made for $*: check these names."; }
  mv "$file.crt.part" "$file.crt"
  rm "$file.csr" keys.log
  printf '%s' "$names" >"$file.names"
}

# BYTES FILE: so many random bytes, in hexadecimal, into a file that is not there yet.
random() {
  [ -s "$2" ] || openssl rand -hex "$1" | tr -d '\n' >"$2"
}

# Keys of the store: of its administrator, of the clip function, and of the page.
store_keys() {
  local who
  random 10 s3/user
  random 20 s3/password
  for who in clip viewer; do
    random 10 "s3/$who-access-key"
    random 20 "s3/$who-secret-key"
  done
}

# Who may come to the page, in viewer-users.yml: the admin "faascam", whose password is page-password, and a token that may
# look, page-token, for the contract suite. More of them: "faascam user add NAME --file viewer-users.yml".
page_users() {
  random 9 page-password
  # Agents have the first as well, as live.secret; the second signs links that are given away.
  random 24 live-secret
  random 32 share-secret
  [ ! -s viewer-users.yml ] || return 0
  rm -f viewer-users.yml.part
  { node "$faascam" user add faascam --role admin --file viewer-users.yml.part <page-password &&
    node "$faascam" token add contract --scope read --file viewer-users.yml.part >page-token; } >/dev/null 2>keys.log ||
    { cat keys.log >&2; rm -f viewer-users.yml.part; die 'the users of the page could not be made; the lines above say why.'; }
  mv viewer-users.yml.part viewer-users.yml
  rm keys.log
}
