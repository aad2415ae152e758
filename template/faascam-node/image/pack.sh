#!/bin/sh
# Copies Debian packages and programs into the folder OUT, with the libraries that they need and nothing else: no
# documentation, no package manager, no library that only a package's dependency asks for. What lies in BASE (a folder
# packed before, or nothing) is not copied again.
# Usage: BASE=folder pack.sh OUT [package | /path/of/a/program] ...
# Packages are told to scanners in /var/lib/dpkg/status.d, as images without a package manager do.
set -eu
out=$1
shift
base=${BASE:-}
mkdir -p "$out/var/lib/dpkg/status.d"

# Debian's /bin, /lib and so on are links into /usr.
for link in bin sbin lib lib64; do
  if [ ! -L "/$link" ] || [ -L "$out/$link" ]; then continue; fi
  if [ -n "$base" ] && [ -L "$base/$link" ]; then continue; fi
  cp -P "/$link" "$out/$link"
done

wanted() { # a file that no running program reads
  case $1 in
  /usr/share/doc/*/copyright) return 0 ;;
  /usr/share/doc/* | /usr/share/man/* | /usr/share/info/* | /usr/share/locale/* | /usr/share/lintian/*) return 1 ;;
  */gconv/* | /usr/share/bug/* | /usr/share/ffmpeg/*) return 1 ;;
  esac
}

real() { # /lib/x is /usr/lib/x
  directory=$(dirname "$1")
  echo "$(realpath "$directory")/$(basename "$1")"
}

put() { # a file or link, and what a link points to
  file=$(real "$1")
  while :; do
    if [ -e "$out$file" ] || [ -L "$out$file" ]; then return; fi
    if [ -n "$base" ] && { [ -e "$base$file" ] || [ -L "$base$file" ]; }; then return; fi
    mkdir -p "$out$(dirname "$file")"
    cp -a "$file" "$out$file"
    echo "$file" >>"$out/.packed"
    [ -L "$file" ] || return 0
    file=$(realpath "$file")
  done
}

note() { # the package's entry, without the hashes of files that did not come along
  name=${1%%:*}
  [ -e "$out/var/lib/dpkg/status.d/$name" ] && return
  dpkg-query --status "$name" | sed '/^Conffiles:/,/^[A-Z]/{/^Conffiles:/d;/^ /d}' >"$out/var/lib/dpkg/status.d/$name"
}

: >"$out/.packed"
for asked; do
  case $asked in
  /*) put "$asked" ;;
  *)
    note "$asked"
    dpkg-query --listfiles "$asked" | while read -r file; do
      if [ -f "$file" ] && wanted "$file"; then put "$file"; fi
    done
    ;;
  esac
done

# ldd lists the libraries of libraries as well.
sort -u "$out/.packed" | while read -r file; do
  if [ -L "$file" ]; then continue; fi
  case $file in */bin/* | */sbin/* | *.so | *.so.* | *.node) ldd "$file" 2>/dev/null || true ;; esac
done | sed -n 's/^.*=> \(\/[^ ]*\) (0x.*$/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (0x.*$/\1/p' | sort -u | while read -r library; do
  put "$library"
done

sort -u "$out/.packed" | while read -r file; do
  owner=$(dpkg-query --search "$file" 2>/dev/null || dpkg-query --search "${file#/usr}" 2>/dev/null || true)
  owner=${owner%%:*}
  if [ -n "$owner" ]; then
    note "$owner"
    copyright=/usr/share/doc/$owner/copyright
    if [ -e "$copyright" ]; then put "$copyright"; fi
  fi
done
rm "$out/.packed"
