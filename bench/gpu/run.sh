#!/bin/sh
# The whole measurement on a machine with a GPU, a PJRT plugin and PyTorch: options as in run.mjs.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/node" "$here/run.mjs" "$@"
