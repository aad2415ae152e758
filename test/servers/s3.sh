#!/bin/bash
# A small Ceph on loopback that speaks S3, for tests: one monitor, one object store in memory, one radosgw.
#   s3.sh DIRECTORY S3_PORT MONITOR_PORT MONITOR_PORT_V1 ACCESS_KEY SECRET_KEY [TLS_PORT CERTIFICATE KEY]
# Buckets are also parts of the host name s3.test, and the user may ask for session tokens.
# Says "ready" on stdout once S3 answers, and serves until its stdin ends: so it ends with whoever started it,
# however that one ended. Then its processes are gone, and so is DIRECTORY.
set -euo pipefail

directory=$1 s3_port=$2 monitor_port=$3 monitor_port_v1=$4 access_key=$5 secret_key=$6
tls_port=${7-} certificate=${8-} private_key=${9-}
cluster=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
daemons=()

clean_up() {
  trap '' TERM INT HUP EXIT
  for pid in "${daemons[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 1' TERM INT HUP

mkdir -p "$directory"/{mon,osd,rgw,log}
cd "$directory"

cat >ceph.conf <<EOF
[global]
fsid = $cluster
mon host = [v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$monitor_port_v1]
public network = 127.0.0.0/8
ms bind ipv6 = false
keyring = $directory/admin.keyring
run dir = $directory
admin socket = $directory/\$name.asok
log file = $directory/log/\$name.log
crash dir = $directory/log
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
[mon.a]
mon data = $directory/mon
[osd.0]
osd data = $directory/osd
keyring = $directory/osd/keyring
[client.rgw]
rgw data = $directory/rgw
keyring = $directory/rgw/keyring
rgw frontends = beast endpoint=127.0.0.1:$s3_port${tls_port:+ ssl_endpoint=127.0.0.1:$tls_port ssl_certificate=$certificate ssl_private_key=$private_key}
rgw dns name = s3.test
rgw s3 auth use sts = true
rgw sts key = $(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
rgw lc debug interval = 10
EOF
export CEPH_CONF=$directory/ceph.conf

ceph-authtool --create-keyring admin.keyring --gen-key --name client.admin \
  --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' >/dev/null
ceph-authtool --create-keyring mon.keyring --gen-key --name mon. --cap mon 'allow *' >/dev/null
ceph-authtool mon.keyring --import-keyring admin.keyring >/dev/null
monmaptool --create --fsid "$cluster" \
  --addv a "[v2:127.0.0.1:$monitor_port,v1:127.0.0.1:$monitor_port_v1]" monmap >/dev/null
ceph-mon --id a --mkfs --monmap monmap --keyring mon.keyring
ceph-mon --id a --foreground >log/mon.out 2>&1 </dev/null & daemons+=($!)

ceph --connect-timeout 60 osd new "$osd" >/dev/null </dev/null
ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' --out-file osd/keyring </dev/null
ceph-osd --id 0 --mkfs --osd-uuid "$osd" >log/osd-mkfs.out 2>&1 </dev/null
ceph-osd --id 0 --foreground >log/osd.out 2>&1 </dev/null & daemons+=($!)
ceph auth get-or-create client.rgw mon 'allow *' osd 'allow *' --out-file rgw/keyring </dev/null
radosgw --name client.rgw --foreground >log/rgw.out 2>&1 </dev/null & daemons+=($!)

# The user is made beside the gateway's own start; both make the pools that are missing.
radosgw-admin --name client.rgw user create --uid faascam --display-name faascam \
  --access-key "$access_key" --secret "$secret_key" >log/user.out 2>&1 </dev/null
until (exec 3<>"/dev/tcp/127.0.0.1/$s3_port") 2>/dev/null; do
  kill -0 "${daemons[2]}" 2>/dev/null || { tail -n 20 log/rgw.out >&2; exit 1; }
  sleep 0.1
done

echo ready
cat >/dev/null
