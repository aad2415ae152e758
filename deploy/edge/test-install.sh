#!/usr/bin/env bash
# Installs, upgrades and removes the agent in fresh Debians that are booted with a systemd of their own, as root:
# script/test install [bookworm|trixie ...]. Not among the other tests: it fetches some 150 MB a Debian and takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."

die() { printf 'Error: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || die 'booting a Debian in a container needs root.'
for program in mmdebstrap systemd-nspawn nsenter; do
  command -v "$program" >/dev/null ||
    die "$program is missing: apt-get install --no-install-recommends mmdebstrap systemd-container util-linux"
done
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
mirror=${FAASCAM_DEBIAN_MIRROR:-http://deb.debian.org/debian}
cache=$PWD/.cache/install
mkdir -p "$cache"
work=$(mktemp -d)
container=
cleanup() {
  if [ -n "$container" ]; then
    kill -TERM "$container" 2>/dev/null || :
    wait "$container" 2>/dev/null || :
  fi
  # What is mounted below would be emptied with it.
  if ! grep -q " $work" /proc/self/mountinfo; then rm -rf "$work"; fi
}
trap cleanup EXIT

arch=$(dpkg --print-architecture)
echo 'Making releases ...'
GZIP_LEVEL=1 deploy/edge/build.sh --out "$work/releases" "$arch" >/dev/null
release=$(echo "$work"/releases/*.tar.gz)
name=$(basename "$release" .tar.gz)
# A newer one that works, and one that ends at once.
variant() { # version, change
  mkdir "$work/variant"
  tar -xzf "$release" -C "$work/variant"
  (cd "$work/variant/$name" && echo "$1" >VERSION && eval "$2")
  tar -C "$work/variant" -I 'gzip -1' -cf "$work/releases/$1.tar.gz" "$name"
  (cd "$work/releases" && sha256sum "$1.tar.gz" >"$1.tar.gz.sha256")
  rm -r "$work/variant"
}
variant 0.1.1 true
# shellcheck disable=SC2016 # for the program in the release
variant 0.2.0 'printf "#!/bin/sh\n[ \"\$1\" != agent ] || { echo \"Error: something is broken\" >&2; exit 1; }\nexec \$(dirname \$(readlink -f \$0))/node \$(dirname \$(readlink -f \$0))/../lib/program.js \"\$@\"\n" >bin/faascam'

passed=0 failed=0
in_root() { nsenter -t "$leader" -a -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
sh_in() { in_root sh -c "$1"; }
check() { # what, command in the container
  if sh_in "$2" >"$work/check.log" 2>&1; then
    passed=$((passed + 1))
    printf '  ok    %s: %s\n' "$suite" "$1"
  else
    failed=$((failed + 1))
    printf '  FAIL  %s: %s\n' "$suite" "$1"
    sed 's/^/        /' "$work/check.log"
  fi
}
# Until it is so, for half a minute.
# shellcheck disable=SC2016 # for the shell in the container
until_so() { printf 'for i in $(seq 60); do if %s; then exit 0; fi; sleep 0.5; done; exit 1' "$1"; }

for suite in "${suites[@]}"; do
  if [ ! -f "$cache/$suite.tar" ]; then
    echo "Making a Debian $suite ..."
    mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,ca-certificates,curl,nats-server \
      "$suite" "$cache/$suite.part.tar" "$mirror"
    mv "$cache/$suite.part.tar" "$cache/$suite.tar"
  fi
  root=$work/$suite
  mkdir "$root"
  tar -xf "$cache/$suite.tar" -C "$root"
  mkdir -p "$root/srv/releases"
  cp "$work"/releases/* "$root/srv/releases/"
  rm -f "$root"/etc/systemd/system/multi-user.target.wants/nats-server.service
  touch "$root/etc/resolv.conf"

  # The network is this host's, for apt; NATS is on its loopback alone.
  port=$(node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  cat >"$root/etc/systemd/system/site-nats.service" <<END
[Service]
ExecStart=/usr/bin/env PATH=/usr/sbin:/usr/bin nats-server -a 127.0.0.1 -p $port -js -sd /var/lib/site-nats
[Install]
WantedBy=multi-user.target
END
  ln -sfn ../site-nats.service "$root/etc/systemd/system/multi-user.target.wants/site-nats.service"
  echo "Booting Debian $suite ..."
  SYSTEMD_LOG_LEVEL=err systemd-nspawn -q -b -D "$root" --register=no --keep-unit --resolv-conf=copy-host --machine="faascam-$$" \
    </dev/null >"$work/$suite.log" 2>&1 &
  container=$!
  leader=
  for _ in $(seq 120); do
    leader=$(tr -d ' ' 2>/dev/null <"/proc/$container/task/$container/children" || :)
    if [ -n "$leader" ] && sh_in 'systemctl is-system-running 2>/dev/null | grep -qE "running|degraded"' 2>/dev/null; then break; fi
    sleep 0.5
  done
  sh_in 'test -d /run/systemd/system' || { tail -20 "$work/$suite.log"; die "Debian $suite did not boot."; }

  installer=/srv/releases/install.sh
  from=/srv/releases/$name.tar.gz
  unit=faascam-agent.service
  check 'a release whose digest is wrong changes nothing' \
    "! cat $installer | sh -s -- --from $from --sha256 00 && test ! -e /opt/faascam -a ! -e /etc/faascam && ! id faascam"
  check 'a dry run changes nothing' "$installer --dry-run --from $from && test ! -e /opt/faascam -a ! -e /etc/faascam"
  check 'it is installed without a terminal, with ffmpeg, and waits for its cameras' \
    "cat $installer | sh -s -- --from $from --agent porch && command -v ffmpeg && systemctl is-enabled $unit && ! systemctl is-active $unit"
  check 'and is taken away with all that is its own' \
    "$installer --uninstall --purge && test ! -e /opt/faascam -a ! -e /etc/faascam -a ! -e /var/lib/faascam -a ! -e /usr/local/bin/faascam && ! id faascam"
  sh_in 'ffmpeg -loglevel error -f lavfi -i testsrc2=size=640x360:rate=10 -t 20 -c:v libx264 -g 10 -pix_fmt yuv420p /srv/cam.mp4'
  install="$installer --from $from --nats nats://127.0.0.1:$port --agent porch --camera yard=file:/srv/cam.mp4 --wait 5"
  check 'a camera that is none is refused before anything is changed' \
    "! $installer --from $from --nats nats://127.0.0.1:$port --camera yard=nonsense://x && test ! -e /etc/faascam -a ! -e /opt/faascam"
  check 'it comes up with its camera' "$install && systemctl is-active $unit"
  check 'systemd is told when it is ready, and how its cameras are' \
    "$(until_so "systemctl show -p StatusText --value $unit | grep -q '1 of 1 cameras stream'")"
  check 'systemd is told that it is alive' \
    "$(until_so "[ \$(systemctl show -p WatchdogTimestampMonotonic --value $unit) -gt 0 ]")"
  check 'it runs as its own user, and records to its own folder' \
    "test \$(ps -o user= -p \$(systemctl show -p MainPID --value $unit)) = faascam || grep -q \"\$(id -u faascam)\" /proc/\$(systemctl show -p MainPID --value $unit)/status; $(until_so "ls /var/lib/faascam/ring/yard/*.mkv")"
  check 'its log has levels and no times of its own' "journalctl -u $unit -p info -o cat | grep -qv '^<'"
  check 'its config is not for everyone to read' "test \$(stat -c %a:%G /etc/faascam/faascam.yml) = 640:faascam"
  check 'installing once more changes nothing that was set' \
    "sum=\$(sha256sum /etc/faascam/faascam.yml); echo geheim >/etc/faascam/secrets/yard; pid=\$(systemctl show -p MainPID --value $unit); $install && test \$pid = \$(systemctl show -p MainPID --value $unit) && test \"\$sum\" = \"\$(sha256sum /etc/faascam/faascam.yml)\" && systemctl is-active $unit"
  check 'secrets reach the agent, and it alone' \
    "sed -i 's|/srv/cam.mp4|/srv/\${secret:clip}|' /etc/faascam/faascam.yml && echo cam.mp4 >/etc/faascam/secrets/clip && chmod 600 /etc/faascam/secrets/clip && systemctl restart $unit && $(until_so "systemctl show -p StatusText --value $unit | grep -q '1 of 1 cameras stream'")"
  check 'an agent that stands still is started anew by the watchdog' \
    "mkdir -p /run/systemd/system/$unit.d && printf '[Service]\nWatchdogSec=4\n' >/run/systemd/system/$unit.d/test.conf && systemctl daemon-reload && systemctl restart $unit && pid=\$(systemctl show -p MainPID --value $unit) && sleep 9 && test \$pid = \$(systemctl show -p MainPID --value $unit) && kill -STOP \$pid && $(until_so "[ \$(systemctl show -p NRestarts --value $unit) -gt 0 ] && [ \$(systemctl is-active $unit) = active ] && [ \$(systemctl show -p MainPID --value $unit) != \$pid ]")"
  check 'an agent that crashes is started anew' \
    "rm /run/systemd/system/$unit.d/test.conf && systemctl daemon-reload && systemctl restart $unit && kill -KILL \$(systemctl show -p MainPID --value $unit) && $(until_so "[ \$(systemctl is-active $unit) = active ]")"
  check 'an upgrade keeps config, footage and keys' \
    "keys=\$(sha256sum /var/lib/faascam/evidence/*key*) && $installer --upgrade --from /srv/releases/0.1.1.tar.gz --wait 5 && grep -qx 0.1.1 /opt/faascam/current/VERSION && test \"\$keys\" = \"\$(sha256sum /var/lib/faascam/evidence/*key*)\" && systemctl is-active $unit"
  check 'a version that does not come up is taken back, and says why' \
    "out=\$($installer --upgrade --from /srv/releases/0.2.0.tar.gz --wait 5 2>&1) && exit 1; echo \"\$out\"; echo \"\$out\" | grep -q 'something is broken' && echo \"\$out\" | grep -q 'runs again' && grep -qx 0.1.1 /opt/faascam/current/VERSION && systemctl is-active $unit && ! ls -d /opt/faascam/0.2.0*"
  check 'a config that is wrong stops an upgrade before it begins' \
    "cp /etc/faascam/faascam.yml /root/yml && echo 'nonsense: 1' >>/etc/faascam/faascam.yml && ! $installer --upgrade --from $from && cat /root/yml >/etc/faascam/faascam.yml && grep -qx 0.1.1 /opt/faascam/current/VERSION && systemctl is-active $unit"
  check 'it ends in order, without being killed' \
    "systemctl stop $unit && test \$(systemctl show -p Result --value $unit) = success && test \$(systemctl show -p ExecMainCode --value $unit) = 1"
  check 'it starts while NATS is away, says so, and records' \
    "systemctl stop site-nats && rm -f /var/lib/faascam/ring/yard/*.mkv && timeout 60 systemctl start $unit && ($(until_so "systemctl show -p StatusText --value $unit | grep -q '1 of 1 cameras stream; NATS is away'")) && $(until_so "ls /var/lib/faascam/ring/yard/*.mkv")"
  check 'an upgrade while NATS is away is kept' \
    "out=\$($installer --upgrade --from $from --wait 5) && echo \"\$out\" | grep 'NATS is away' && ! grep -qx 0.1.1 /opt/faascam/current/VERSION && systemctl is-active $unit"
  check 'and has NATS without a start when that is back' \
    "restarts=\$(systemctl show -p NRestarts --value $unit) && systemctl start site-nats && ($(until_so "[ \"\$(systemctl show -p StatusText --value $unit)\" = '1 of 1 cameras stream' ]")) && test \$restarts = \$(systemctl show -p NRestarts --value $unit)"
  check 'uninstall keeps config and footage' \
    "$installer --uninstall && test -e /etc/faascam/faascam.yml -a -e /var/lib/faascam/ring -a ! -e /opt/faascam -a ! -e /etc/systemd/system/$unit && ! systemctl is-active $unit"
  check 'what was uninstalled is there again with all it had' \
    "$installer --from $from --wait 5 && systemctl is-active $unit"
  check 'purge leaves nothing' \
    "$installer --uninstall --purge && test ! -e /etc/faascam -a ! -e /var/lib/faascam -a ! -e /opt/faascam && ! id faascam && ! ls /etc/systemd/system/faascam* /etc/sysusers.d/faascam*"

  # systemd's own wish to a container to power off.
  kill -s RTMIN+4 "$leader" 2>/dev/null || :
  wait "$container" 2>/dev/null || :
  container=
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
