#!/bin/sh
# Cargo for arm64, which is what is deployed: what is built runs on another processor by qemu.
# On Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
#
#     tests/on_arm64.sh test -p dataset-formats
set -eu
target=aarch64-unknown-linux-gnu
rustup target add "$target"
command="$1"
shift
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
if [ "$(uname -m)" != aarch64 ]; then
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
fi
exec cargo "$command" --target "$target" "$@"
