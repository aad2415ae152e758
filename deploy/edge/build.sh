#!/usr/bin/env bash
# Makes the agent's release for Debian and Raspberry Pi OS: one archive a platform with all that a camera's host needs but
# ffmpeg, also its Node. The same sources and lock files give the same bytes.
# Usage: npm run build:agent [-- [--out DIR] [amd64] [arm64]]      default: build, both platforms
#        deploy/edge/build.sh --bundle DIR                         the bundle alone, for this machine's Node
set -euo pipefail
cd "$(dirname "$0")/../.."

die() { printf 'Error: %s\n' "$*" >&2; exit 1; }

out=build
bundle=
arches=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?--out needs a folder}; shift ;;
    --bundle) bundle=${2:?--bundle needs a folder}; shift ;;
    amd64 | arm64) arches+=("$1") ;;
    *) die "$1 is no platform: amd64 or arm64" ;;
  esac
  shift
done
[ ${#arches[@]} -gt 0 ] || arches=(amd64 arm64)

version=$(node -p 'require("./package.json").version')
# Node's own folder is the name of its package in runtime/package-lock.json.
declare -A cpu=([amd64]=x64 [arm64]=arm64)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lib=${bundle:-$work/lib}

# Nothing in the agent's way needs a function's libraries; sharp is loaded when a camera sends JPEG.
node_modules/.bin/esbuild deploy/edge/program.ts --bundle --splitting --format=esm --platform=node --target=node20.19 \
  --conditions=faascam-source,node,import,module,default --external:sharp --minify-syntax --minify-whitespace \
  --legal-comments=none --log-level=warning --metafile="$work/meta.json" --outdir="$lib" \
  --banner:js="import{createRequire as _r}from'node:module';const require=_r(import.meta.url);" ||
  die 'the agent could not be bundled; the lines above say why.'
printf '{ "type": "module" }\n' >"$lib/package.json"
[ -z "$bundle" ] || exit 0

mkdir -p "$out"

for arch in "${arches[@]}"; do
  name=faascam-agent-$version-linux-$arch
  root=$work/$name
  runtime=$work/runtime-$arch
  mkdir -p "$root/bin" "$root/share" "$runtime"
  cp deploy/edge/runtime/package.json deploy/edge/runtime/package-lock.json "$runtime/"
  npm ci --prefix "$runtime" --os=linux --cpu="${cpu[$arch]}" --libc=glibc --ignore-scripts --no-audit --no-fund \
    --loglevel=error >/dev/null || die "Node and sharp for $arch could not be fetched; the lines above say why."
  mv "$runtime/node_modules/node-linux-${cpu[$arch]}/bin/node" "$root/bin/node"
  mv "$runtime/node_modules/node-linux-${cpu[$arch]}/LICENSE" "$root/share/LICENSE.node"
  rm -r "$runtime/node_modules/node-linux-${cpu[$arch]}" "$runtime/node_modules/.bin" \
    "$runtime/node_modules/.package-lock.json"
  cp -r "$work/lib" "$root/lib"
  mv "$runtime/node_modules" "$root/lib/node_modules"
  node deploy/edge/licences.mjs "$work/meta.json" >"$root/share/LICENSES.packages"
  cp LICENSE "$root/share/LICENSE"
  cp deploy/edge/faascam-agent.service deploy/edge/faascam-agent.sysusers deploy/edge/faascam.yml "$root/share/"
  install -m 755 deploy/edge/install.sh "$root/install.sh"
  install -m 755 deploy/edge/faascam.sh "$root/bin/faascam"
  printf '%s\n' "$version" >"$root/VERSION"

  chmod -R u+rwX,go+rX,go-w "$root"
  # gzip notes no time, tar neither the builder nor the order in which files were made.
  tar -C "$work" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" |
    gzip -n -"${GZIP_LEVEL:-9}" >"$out/$name.tar.gz.part"
  mv "$out/$name.tar.gz.part" "$out/$name.tar.gz"
  (cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
  printf '%s  %s bytes\n' "$out/$name.tar.gz" "$(stat -c %s "$out/$name.tar.gz")"
done
# The installer carries its version, so that it fetches what belongs to it.
sed "s/^version=.*/version=$version/" deploy/edge/install.sh >"$out/install.sh"
chmod 755 "$out/install.sh"
