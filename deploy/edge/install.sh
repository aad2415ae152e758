#!/bin/sh
# Installs the faascam edge agent on Debian 12 or newer and Raspberry Pi OS (64 bit), arm64 or amd64, as a service.
# What it does and how to go on: docs/install-edge.md. Everything is in functions, so that half a script does nothing.
set -eu

version=0.1.0
releases=${FAASCAM_RELEASES:-https://github.com/faascam/faascam/releases/download}

usage() {
  cat <<'END'
Usage: install.sh [options]                 installs, or brings what is installed to this version
       install.sh --upgrade [options]       the same, but only where it is installed already
       install.sh --uninstall [--purge]     takes it away; footage, keys and config stay unless --purge

  --nats URL           NATS server: nats://host:4222 or tls://host:4222
  --nkey FILE          this agent's key for it, of "faascam nats-auth"
  --ca FILE            certificates of your own authority, for TLS
  --agent ID           this agent's name (default: the host's)
  --camera NAME=SOURCE a camera, such as front-door=rtsp://user:password@192.0.2.10/stream1; several times
  --ring DIR           footage goes there, such as a second disk
  --from FILE|URL      the release's archive (default: fetched for this version and platform)
  --sha256 HEX         what it must be (default: what FILE.sha256 or URL.sha256 says)
  --no-start           installs without starting
  --wait SECONDS       for how long it must run to have come up (default: 10)
  --root DIR           puts the files below DIR and starts nothing, for those who build images
  --arch ARCH          with --root: arm64 or amd64 (default: this host's)
  --dry-run            says what would be done
END
}

say() { printf '%s\n' "$*"; }
die() { printf 'Error: %s\n' "$*" >&2; told=yes; exit 1; }

unit=faascam-agent.service
mode=install purge='' dry='' root='' arch='' start=yes wait=10
nats='' nkey='' ca='' agent='' ring='' from='' sha256='' cameras=''
work='' fresh='' made='' told='' changed=''

main() {
  parse "$@"
  opt=$root/opt/faascam etc=$root/etc/faascam state=$root/var/lib/faascam
  units=$root/etc/systemd/system link=$root/usr/local/bin/faascam users=$root/etc/sysusers.d/faascam.conf
  trap 'clean $?' EXIT
  trap 'told=yes; exit 130' INT TERM HUP
  check_host
  if [ "$mode" = uninstall ]; then uninstall; else install; fi
}

parse() {
  while [ $# -gt 0 ]; do
    case $1 in
      --upgrade) mode=upgrade ;;
      --uninstall) mode=uninstall ;;
      --purge) purge=yes ;;
      --dry-run) dry=yes ;;
      --no-start) start='' ;;
      --help | -h) usage; exit 0 ;;
      --nats | --nkey | --ca | --agent | --camera | --ring | --from | --sha256 | --wait | --root | --arch)
        [ $# -ge 2 ] || die "$1 needs a value; --help tells which."
        value=$2
        # Each becomes a line of the config or of a unit.
        case $value in *[[:cntrl:]]*) die "The value of $1 must be one line." ;; esac
        case $1 in
          --nats) nats=$value ;;
          --nkey) nkey=$value ;;
          --ca) ca=$value ;;
          --agent) agent=$value ;;
          --camera) cameras="$cameras$value
" ;;
          --ring) ring=${value%/} ;;
          --from) from=$value ;;
          --sha256) sha256=$value ;;
          --wait) wait=$value ;;
          --root) root=${value%/} ;;
          --arch) arch=$value ;;
        esac
        shift
        ;;
      *) die "There is no option $1; --help tells which there are." ;;
    esac
    shift
  done
  case $ring in '' | /*) ;; *) die '--ring needs a whole path, such as /mnt/disk/faascam.' ;; esac
  case $ring in *[!A-Za-z0-9/._-]*) die '--ring: the path may have letters, digits and / . _ - alone.' ;; esac
  case $wait in '' | *[!0-9]*) die '--wait needs a number of seconds.' ;; esac
  case $agent in [!a-z0-9]* | *[!a-z0-9_-]*) die "--agent $agent: an agent's name has a-z, 0-9, _ and - alone." ;; esac
  for file in "$nkey" "$ca"; do
    [ -z "$file" ] || [ -r "$file" ] || die "The file $file cannot be read: check its path."
  done
  [ -z "$purge" ] || [ "$mode" = uninstall ] || die '--purge goes with --uninstall.'
  # Of a folder, not of this host: whoever gives / means this host.
  if [ -n "$root" ]; then [ -d "$root" ] || die "The folder $root of --root is not there: make it first."; fi
}

# --- what is needed -----------------------------------------------------------------------------------------------

check_host() {
  if [ -z "$root" ]; then
    [ -n "$dry" ] || [ "$(id -u)" -eq 0 ] || die 'Only root may do this: run it with sudo.'
    [ -z "$arch" ] || die '--arch goes with --root.'
    if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
      die 'This is no Debian: run the agent as a container instead, see docs/install-edge.md.'
    fi
    [ -d /run/systemd/system ] || die 'systemd does not run here: run the agent as a container instead, see docs/install-edge.md.'
  fi
  # A 64-bit kernel may run a 32-bit system: what counts is what programs are built for.
  [ -n "$arch" ] || arch=$(dpkg --print-architecture 2>/dev/null || uname -m)
  case $arch in
    arm64 | aarch64) arch=arm64 ;;
    amd64 | x86_64) arch=amd64 ;;
    armhf | armel) die 'This system is 32 bit: faascam needs the 64-bit Raspberry Pi OS.' ;;
    *) die "There is no release for $arch: arm64 and amd64 alone." ;;
  esac
}

# What was made half is taken away again.
clean() {
  [ -z "$work" ] || rm -rf "$work"
  if [ "$1" -ne 0 ] && [ -n "$made" ] && [ "$(readlink "$opt/current" 2>/dev/null)" != "$(basename "$made")" ]; then
    rm -rf "$made"
    rmdir "$opt" 2>/dev/null || :
  fi
  [ "$1" -eq 0 ] || [ -n "$told" ] || printf 'Error: the lines above say what failed; the agent is as it was.\n' >&2
}

would() {
  [ -n "$dry" ] || return 1
  say "Would $*."
}

# --- install and upgrade ------------------------------------------------------------------------------------------

install() {
  old=$(readlink "$opt/current" 2>/dev/null || :)
  [ "$mode" = install ] || [ -n "$old" ] || die 'The agent is not installed here: leave --upgrade out.'
  [ -n "$from" ] || from=$releases/v$version/faascam-agent-$version-linux-$arch.tar.gz
  if [ -n "$dry" ]; then plan; return; fi

  work=$(mktemp -d)
  fetch
  unpack
  need_ffmpeg
  # The new program judges the config before anything that runs is touched.
  new_config
  check_config
  make_user
  place_config
  switch_to "$(basename "$fresh")"
  if [ -n "$root" ]; then
    wanted_by
    say "faascam $(cat "$opt/current/VERSION") lies in $root; it needs ffmpeg there and starts with the system."
    return
  fi
  bring_up
}

plan() {
  would "fetch $from and compare it with its sha256"
  if ! command -v ffmpeg >/dev/null && [ -z "$root" ]; then would 'install ffmpeg with apt-get'; fi
  if [ -f "$etc/faascam.yml" ]; then would "keep $etc/faascam.yml as it is"; else would "write $etc/faascam.yml"; fi
  would "make the user faascam, unless it is there"
  would "put the agent into $opt and $unit into $units${old:+, in place of $old}"
  if [ -n "$root" ] || [ -z "$start" ]; then return; fi
  would "start $unit${old:+, and go back to $old if it does not come up}"
}

download() { # URL, file
  if command -v curl >/dev/null; then
    curl -fsSL --retry 3 --connect-timeout 20 -o "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -t 3 -T 20 -O "$2" "$1"
  else
    die 'Neither curl nor wget is there to fetch the release: sudo apt-get install curl'
  fi
}

fetch() {
  case $from in
    http://* | https://*)
      archive=$work/archive.tar.gz
      say "Fetching $from ..."
      download "$from" "$archive" || die "$from cannot be fetched: check the network and the address."
      if [ -z "$sha256" ]; then
        download "$from.sha256" "$archive.sha256" ||
          die "$from.sha256 cannot be fetched, and without it nobody knows what the archive should be; give --sha256."
      fi
      ;;
    *)
      archive=$from
      [ -r "$archive" ] || die "The archive $archive cannot be read: check its path."
      [ -n "$sha256" ] || [ -r "$archive.sha256" ] ||
        die "There is no $archive.sha256, and without it nobody knows what the archive should be; give --sha256."
      ;;
  esac
  [ -n "$sha256" ] || read -r sha256 _ <"$archive.sha256" || :
  found=$(sha256sum "$archive")
  found=${found%% *}
  [ "$found" = "$sha256" ] || die "The archive is not what it should be (sha256 $found, not $sha256): fetch it again."
}

unpack() {
  mkdir -p "$opt"
  # On the disk where it is to stay, so that it is there as a whole or not at all.
  fresh=$opt/.new.$$
  made=$fresh
  mkdir "$fresh"
  tar -xzf "$archive" -C "$fresh" --strip-components=1 --no-same-owner 2>/dev/null ||
    die "The archive cannot be unpacked to $opt: check the free space (about 200 MB)."
  if [ ! -x "$fresh/bin/faascam" ] || [ ! -r "$fresh/VERSION" ]; then die 'The archive is no release of the agent.'; fi
  # Two builds of one version are not the same thing.
  name=$(cat "$fresh/VERSION")-$(printf %.8s "$sha256")
  if [ -d "$opt/$name" ]; then
    rm -rf "$fresh"
    # It was here before, and stays whatever happens.
    made=
  else
    # With --root it may be for another platform.
    [ -n "$root" ] || "$fresh/bin/faascam" --version >/dev/null 2>&1 ||
      die "The archive does not run on this host ($arch): take the one for its platform."
    mv "$fresh" "$opt/$name"
    made=$opt/$name
  fi
  fresh=$opt/$name
}

need_ffmpeg() {
  [ -z "$root" ] || return 0
  if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then return 0; fi
  say 'Installing ffmpeg ...'
  if ! apt update || ! apt install -y --no-install-recommends ffmpeg; then
    tail -n 5 "$work/apt.log" >&2
    die 'ffmpeg could not be installed; the lines above say why. Nothing else was changed.'
  fi
}

# On a host that has just started, apt's own timers are at work. apt-get waits for dpkg's lock where told to, but never
# for those of its lists and archives.
apt() {
  tries=60
  until DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$work/apt.log" 2>&1 </dev/null; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! grep -qE '/(lists|archives)/lock' "$work/apt.log"; then return 1; fi
    sleep 5
  done
}

quoted() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

# A config of what the command line says; an empty file where there is a config already.
new_config() {
  config=$work/faascam.yml
  : >"$config"
  chmod 600 "$config"
  if [ -f "$etc/faascam.yml" ]; then
    [ -z "$nats$agent$cameras$ring" ] ||
      say "Kept $etc/faascam.yml as it is; what --nats, --agent, --camera and --ring say is not taken over."
    return 0
  fi
  [ -n "$agent" ] || agent=$(uname -n | tr '[:upper:]' '[:lower:]' | sed 's/\..*//; s/[^a-z0-9_-]/-/g; s/^[_-]*//')
  {
    cat "$fresh/share/faascam.yml"
    printf 'agent:\n  id: %s\n' "$(quoted "${agent:-local}")"
    [ -z "$ring" ] || printf '  ringPath: %s\n' "$(quoted "$ring")"
    printf 'nats:\n  url: %s\n' "$(quoted "$nats")"
    # shellcheck disable=SC2016 # faascam puts in the path.
    [ -z "$nkey" ] || printf '  nkeyFile: ${secret-file:nats-nkey}\n'
    [ -z "$ca" ] || printf '  caFile: nats-ca.pem\n'
    if [ -n "$cameras" ]; then
      printf 'cameras:\n'
      printf %s "$cameras" | while IFS= read -r camera; do
        case $camera in
          ?*=?*) printf '  %s:\n    source: %s\n' "$(quoted "${camera%%=*}")" "$(quoted "${camera#*=}")" ;;
          *) printf '%s\n' "$camera" >"$work/no-camera" ;;
        esac
      done
    else
      cat <<'END'
# cameras:
#   front-door:
#     source: rtsp://user:${secret:front-door}@192.0.2.10/stream1
END
    fi
  } >"$config"
  [ ! -e "$work/no-camera" ] || die "--camera $(cat "$work/no-camera"): write its name and its source, like front-door=rtsp://192.0.2.10/stream1."
}

# Whether there is enough in a config to run by; a config without cameras is one that is yet to be written.
is_complete() { grep -q '^cameras:' "$1" && ! grep -q "^  url: ''" "$1"; }

check_config() {
  subject=$etc/faascam.yml
  [ -f "$subject" ] || subject=$config
  if [ -n "$root" ] || ! is_complete "$subject"; then return 0; fi
  # Secrets are looked for beside the config.
  mkdir "$work/check" "$work/check/secrets"
  cp "$subject" "$work/check/faascam.yml"
  [ ! -d "$etc/secrets" ] || cp "$etc/secrets/"* "$work/check/secrets/" 2>/dev/null || :
  [ -z "$nkey" ] || cp "$nkey" "$work/check/secrets/nats-nkey"
  [ -z "$ca" ] || cp "$ca" "$work/check/nats-ca.pem"
  (cd "$work/check" && "$fresh/bin/faascam" check --offline faascam.yml) >"$work/check.log" 2>&1 </dev/null && return 0
  cat "$work/check.log" >&2
  if [ "$subject" = "$config" ]; then die 'What was given makes no config; the lines above say why. Nothing was changed.'; fi
  die "$subject is wrong for faascam $(cat "$fresh/VERSION"); mend it and try again. Nothing was changed."
}

make_user() {
  mkdir -p "$(dirname "$users")"
  cp "$fresh/share/faascam-agent.sysusers" "$users"
  if [ -n "$root" ]; then
    # In a system that has users already; an image without them gets its own at its first start.
    if [ -f "$root/etc/passwd" ] && [ "$(id -u)" -eq 0 ] && command -v systemd-sysusers >/dev/null; then
      systemd-sysusers --root="$root" "$users" >/dev/null 2>&1 || :
    fi
  else
    systemd-sysusers "$users" || die 'The user faascam could not be made; the lines above say why.'
  fi
}

# The group is looked up where the files go.
own() { # mode, group, file
  chmod "$1" "$3"
  [ "$(id -u)" -eq 0 ] || return 0
  gid=$(sed -n "s/^$2:[^:]*:\([0-9]*\):.*/\1/p" "$root/etc/group" 2>/dev/null || :)
  [ -z "$gid" ] || chown "0:$gid" "$3"
}

# By a new file, so that no reader sees half of it.
put() { # mode, group, from, to
  cmp -s "$3" "$4" || changed=yes
  cp "$3" "$4.part"
  own "$1" "$2" "$4.part"
  mv "$4.part" "$4"
}

place_config() {
  mkdir -p "$etc/secrets" "$state"
  own 750 faascam "$etc"
  own 700 root "$etc/secrets"
  [ -z "$nkey" ] || put 600 root "$nkey" "$etc/secrets/nats-nkey"
  [ -z "$ca" ] || put 644 root "$ca" "$etc/nats-ca.pem"
  [ ! -s "$config" ] || put 640 faascam "$config" "$etc/faascam.yml"
  # Also where an editor has left it to root alone.
  own 640 faascam "$etc/faascam.yml"
  if [ -n "$ring" ] && grep -qF "ringPath: '$ring'" "$etc/faascam.yml"; then
    mkdir -p "$root$ring" "$units/$unit.d"
    [ -n "$root" ] || chown faascam:faascam "$ring"
    cat >"$work/20-ring.conf" <<END
# Where the footage goes; $unit lets the agent write nowhere else. Without the disk it does not start: below its
# mount point is the system's.
[Unit]
RequiresMountsFor=$ring
[Service]
ReadWritePaths=$ring
END
    put 644 root "$work/20-ring.conf" "$units/$unit.d/20-ring.conf"
  fi
}

# Puts a version that lies in /opt/faascam in the place of the one that is there.
switch_to() {
  ln -sfn "$1" "$opt/.current.$$"
  mv -T "$opt/.current.$$" "$opt/current"
  mkdir -p "$units/$unit.d" "$(dirname "$link")"
  cp "$opt/current/share/$unit" "$units/$unit.part"
  mv "$units/$unit.part" "$units/$unit"
  # systemd 254 and newer can wait longer and longer; older ones would warn about the words.
  if [ -z "$root" ] && [ "$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')" -ge 254 ]; then
    printf '[Service]\nRestartSteps=5\nRestartMaxDelaySec=60\n' >"$units/$unit.d/10-restart.conf"
  fi
  ln -sfn /opt/faascam/current/bin/faascam "$link"
  [ -n "$root" ] || systemctl daemon-reload
}

wanted_by() {
  mkdir -p "$units/multi-user.target.wants"
  ln -sfn "../$unit" "$units/multi-user.target.wants/$unit"
}

bring_up() {
  now="faascam $(cat "$opt/current/VERSION")"
  was=$(systemctl is-active "$unit" 2>/dev/null || :)
  systemctl enable -q "$unit" || die "$unit could not be enabled; the lines above say why."
  if [ -z "$start" ]; then
    say "$now is installed. Start it with: sudo systemctl restart $unit"
    next_steps
    return
  fi
  if ! is_complete "$etc/faascam.yml"; then
    say "$now is installed; it waits for its NATS server and cameras in $etc/faascam.yml."
    next_steps
    return
  fi
  if [ "$was" = active ] && [ -z "$changed" ] && runs_current; then
    say "$now runs already, and was let run."
    its_status
    next_steps
    return
  fi
  if comes_up; then
    say "$now runs."
    its_status
    tidy
    next_steps
    return
  fi
  why=$(last_words)
  if [ -n "$old" ] && [ "$was" = active ] && [ "$old" != "$(readlink "$opt/current")" ]; then
    failed=$(readlink "$opt/current")
    switch_to "$old"
    if comes_up; then again='which runs again'; else again='which does not come up either'; fi
    rm -rf "${opt:?}/$failed"
    die "$now did not come up ($why), so this host is back at $(cat "$opt/current/VERSION"), $again."
  fi
  die "$now is installed and will be tried again and again, but has not come up yet: $why
Look with: journalctl -u $unit -e; check the config with: sudo faascam check $etc/faascam.yml"
}

# What was installed without a start is not what runs.
runs_current() {
  running=$(readlink "/proc/$(systemctl show -p MainPID --value "$unit")/exe" || :)
  [ "$running" = "$(readlink -f "$opt/current/bin/node")" ]
}

# Whether it starts, and still runs a while later.
comes_up() {
  say "Starting $unit ..."
  systemctl restart "$unit" >/dev/null 2>&1 </dev/null || return 1
  restarts=$(systemctl show -p NRestarts --value "$unit")
  left=$wait
  while [ "$left" -gt 0 ]; do
    sleep 1
    left=$((left - 1))
    [ "$(systemctl is-active "$unit")" = active ] || return 1
    [ "$(systemctl show -p NRestarts --value "$unit")" = "$restarts" ] || return 1
  done
}

# It also runs while NATS or a camera is away, which is no reason to go back to another version, but worth a word.
its_status() {
  status=$(systemctl show -p StatusText --value "$unit" 2>/dev/null || :)
  [ -z "$status" ] || say "It says: $status."
}

# What the agent said last; it tells no secrets.
last_words() {
  words=$(journalctl -u "$unit" -n 50 -o cat --no-pager 2>/dev/null | sed -n 's/^Error: //p' | tail -n 1)
  [ -n "$words" ] || words=$(journalctl -u "$unit" -n 1 -p err -o cat --no-pager 2>/dev/null | tail -n 1)
  printf %s "${words:-its journal does not say why}"
}

# The version before stays, for a way back by hand; after the same one once more it is not $old, so nothing goes.
tidy() {
  [ "$old" != "$(readlink "$opt/current")" ] || return 0
  for each in "$opt"/* "$opt"/.new.*; do
    case $(basename "$each") in
      current | "$(readlink "$opt/current")" | "$old") ;;
      *) rm -rf "$each" ;;
    esac
  done
}

next_steps() {
  cat <<END

  how it is     systemctl status $unit
  its log       journalctl -u $unit -f
  its config    $etc/faascam.yml (passwords: $etc/secrets)
  check it      sudo faascam check $etc/faascam.yml
  find cameras  sudo faascam discover --write $etc/faascam.yml
  start again   sudo systemctl restart $unit
END
}

# --- uninstall ----------------------------------------------------------------------------------------------------

uninstall() {
  elsewhere=$(sed -n 's/^ReadWritePaths=//p' "$units/$unit.d/20-ring.conf" 2>/dev/null || :)
  if [ -n "$dry" ]; then
    would "stop $unit and remove $opt"
    if [ -n "$purge" ]; then would "remove $etc and $state, with footage and keys"; fi
    return
  fi
  if [ ! -e "$opt" ] && [ ! -e "$units/$unit" ] && [ -z "$purge" ]; then say 'The agent is not installed here.'; return; fi
  if [ -z "$root" ]; then systemctl disable -q --now "$unit" 2>/dev/null || :; fi
  rm -rf "$opt" "${units:?}/$unit" "$units/$unit.d" "$units/multi-user.target.wants/$unit" "$link" "$users"
  if [ -z "$root" ]; then
    systemctl daemon-reload
    systemctl reset-failed "$unit" 2>/dev/null || :
  fi
  if [ -z "$purge" ]; then
    say "The agent is gone. Its config, keys and footage are still in $etc and $state; --uninstall --purge removes them."
    return
  fi
  rm -rf "$etc" "$state"
  if [ -z "$root" ] && id faascam >/dev/null 2>&1; then userdel faascam 2>/dev/null || :; fi
  say 'The agent is gone, with its config, keys and footage.'
  [ -z "$elsewhere" ] || say "Footage in $elsewhere is still there: that folder is yours to remove."
}

main "$@"
