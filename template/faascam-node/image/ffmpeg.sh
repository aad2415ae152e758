#!/bin/sh
# Compiles Debian's source package of ffmpeg with fewer options, if `ffmpeg` is asked for: all that ffmpeg itself can
# read and write, x264 to encode and dav1d to decode AV1, but no screens, sound cards, networks or other libraries,
# which Debian's own build brings along in 200 MB. The result lies in OUT/usr/local; ffmpeg is GPL with x264 in it, so
# the licence and what it was built from lie beside it.
# Usage: ffmpeg.sh OUT amd64|arm64 small|debian [package] ...
set -eu
out=$1 arch=$2 kind=$3
shift 3
mkdir -p "$out/usr/local"
case " $* " in *' ffmpeg '*) ;; *) exit 0 ;; esac
[ "$kind" = small ] || exit 0

export DEBIAN_FRONTEND=noninteractive
own=$(dpkg --print-architecture)
compiler=gcc cross=
if [ "$arch" != "$own" ]; then
  dpkg --add-architecture "$arch"
  case $arch in
  arm64) triplet=aarch64-linux-gnu compiler=gcc-aarch64-linux-gnu ;;
  amd64) triplet=x86_64-linux-gnu compiler=gcc-x86-64-linux-gnu ;;
  *) echo "There is no ffmpeg for $arch: amd64 or arm64." >&2 && exit 1 ;;
  esac
  cross="--enable-cross-compile --target-os=linux --arch=${triplet%%-*} --cross-prefix=$triplet- --pkg-config=pkgconf"
  export PKG_CONFIG_LIBDIR="/usr/lib/$triplet/pkgconfig:/usr/share/pkgconfig"
fi

# Docker's images of Debian say which key signs their sources: an entry beside them that does not is refused.
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
  sed -i 's/^Types: deb$/Types: deb deb-src/' /etc/apt/sources.list.d/debian.sources
else
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  printf 'deb-src http://deb.debian.org/debian %s main\ndeb-src http://deb.debian.org/debian-security %s-security main\n' \
    "$codename" "$codename" >/etc/apt/sources.list.d/source.list
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends dpkg-dev make nasm pkgconf "$compiler" "libc6-dev:$arch" \
  "libx264-dev:$arch" "libdav1d-dev:$arch" "zlib1g-dev:$arch" >/dev/null
mkdir /source
cd /source
apt-get source -qq ffmpeg >/dev/null
cd ffmpeg-*/
options="--prefix=/usr/local --enable-gpl --enable-libx264 --enable-libdav1d --enable-zlib --disable-autodetect
  --enable-shared --disable-static --enable-rpath --disable-network --disable-avdevice --disable-ffplay --disable-doc
  --disable-debug"
# shellcheck disable=SC2086 # options, one a word
./configure $options $cross >/dev/null || { tail -20 ffbuild/config.log >&2 && exit 1; }
make -j"$(nproc)" >/dev/null 2>&1 || make
make install DESTDIR="$out" >/dev/null 2>&1
rm -rf "$out/usr/local/include" "$out/usr/local/lib/pkgconfig" "$out/usr/local/share/ffmpeg"
mkdir -p "$out/usr/local/share/ffmpeg"
cp debian/copyright "$out/usr/local/share/ffmpeg/copyright"
{
  echo "Debian's source package ffmpeg $(dpkg-parsechangelog --show-field Version), configured with"
  # shellcheck disable=SC2086 # options, one a line
  printf '%s\n' $options
} >"$out/usr/local/share/ffmpeg/source"
# What the compiled programs link, by Debian's names for it.
dpkg-query --show --showformat '${Package}\n' 'libx264-[0-9]*' 'libdav1d[0-9]*' zlib1g >"$out/usr/local/share/ffmpeg/packages"
