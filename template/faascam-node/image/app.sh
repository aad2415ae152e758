#!/bin/sh
# Puts together what the function runs from: the host program, the handler, and its packages for a platform.
# Usage: app.sh CONTEXT OUT amd64|arm64
set -eu
context=$1 out=$2 arch=$3
die() { echo "Error: $*" >&2 && exit 1; }
host=$context/bundle function=$context/function
[ -d "$function/bundle" ] && function=$function/bundle
[ -f "$host/index.mjs" ] || die 'template/faascam-node/bundle is missing: run npm run build:functions first.'
[ -f "$function/handler.js" ] || die 'The function has no handler.js: run npm run build:functions first, if it is one of faascam.'

mkdir -p "$out"
cp "$host/index.mjs" "$host/licences.txt" "$out/"
cp -R "$function" "$out/function"
cd "$out/function"
case $arch in amd64) cpu=x64 ;; *) cpu=$arch ;; esac
if [ -f package.json ]; then
  command=install
  if [ -f package-lock.json ]; then command=ci; fi
  # Scripts of packages could load anything from anywhere; sharp and onnxruntime-node bring their libraries along.
  npm "$command" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error --os=linux --cpu="$cpu" --libc=glibc
fi
runtime=node_modules/onnxruntime-node/bin
if [ -d "$runtime" ]; then
  for platform in "$runtime"/napi-v*/*/*; do
    case $platform in */linux/"$cpu") ;; *) rm -rf "$platform" ;; esac
  done
fi
# Maps, types and C++ sources are for those who build.
if [ -d node_modules ]; then
  find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.cc' -o -name '*.h' -o -name '*.markdown' \) -delete
fi
find "$out" -type d -exec chmod 755 {} +
find "$out" -type f -exec chmod 644 {} +
