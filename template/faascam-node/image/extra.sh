#!/bin/sh
# Packs the programs that a function needs beside Node into the folder OUT.
# Usage: extra.sh OUT small|debian [package] ...
#   small    `ffmpeg` is the one that ffmpeg.sh has compiled
#   debian   `ffmpeg` is Debian's, with all that it links: 200 MB more
set -eu
out=$1 ffmpeg=$2
shift 2
mkdir -p "$out"
[ $# -gt 0 ] || exit 0

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
for package; do
  if [ "$package" = ffmpeg ] && [ "$ffmpeg" = small ]; then
    # shellcheck disable=SC2046 # a name a line
    apt-get install -y -qq --no-install-recommends $(cat /usr/local/share/ffmpeg/packages) >/dev/null
    BASE=/packed sh /image/pack.sh "$out" /usr/local/bin/ffmpeg /usr/local/bin/ffprobe \
      /usr/local/share/ffmpeg/source /usr/local/share/ffmpeg/copyright
  else
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null
    BASE=/packed sh /image/pack.sh "$out" "$package"
  fi
done
