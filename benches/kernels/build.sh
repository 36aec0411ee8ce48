#!/bin/sh
# Rebuilds every .wasm here, with clang and wasm-ld of LLVM 19 (Debian: clang-19 lld-19). Another version gives other bytes,
# and so another count of instructions: the modules are kept so that figures stay comparable.
set -e
cd "$(dirname "$0")"
for source in *.c; do
  "${CC:-clang-19}" -O2 -std=c11 --target=wasm32-unknown-unknown -mcpu=mvp -ffreestanding -fno-builtin -nostdlib -Wall \
    -fuse-ld=lld -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=16384 -Wl,--export-memory \
    -o "${source%.c}.wasm" "$source"
done
