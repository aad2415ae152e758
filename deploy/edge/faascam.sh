#!/bin/sh
# faascam on a camera's host, with the Node that it was tested with.
here=$(dirname "$(readlink -f "$0")")
exec "$here/node" "$here/../lib/program.js" "$@"
