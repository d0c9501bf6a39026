#!/usr/bin/env bash
# Signs an application or a disk image: sign.sh Alcove.app
# ALCOVE_MAC_IDENTITY is the name of a "Developer ID Application" certificate in the keychain. Without one the
# application is signed ad hoc: it starts on Apple silicon, and macOS warns whoever downloaded it. What was signed before
# is signed anew, so this may be run again.
#
# What entitlements.plist allows to the one executable, which is the window and the engine's process (the kernel takes no
# comments in that file). allow-unsigned-executable-memory: llama.cpp calls back into Python (its log, its wish to stop),
# and libffi, under ctypes, writes the few instructions of such a call at run time; without it importing ctypes may fail
# with MemoryError on x86_64 (github.com/pyinstaller/pyinstaller/issues/4629). Left out: allow-jit, which is for MAP_JIT,
# and nothing here uses that (Metal compiles its kernels in a process of Apple's); disable-library-validation, as one
# identity signs all libraries inside; and all that asks for devices.
set -euo pipefail

target=$1
identity=${ALCOVE_MAC_IDENTITY:--}
entitlements=$(dirname "${BASH_SOURCE[0]}")/entitlements.plist
options=(--force --sign "$identity")

if [[ $identity == - ]]; then
    echo "ALCOVE_MAC_IDENTITY is not set: $(basename "$target") is signed ad hoc, and macOS will warn."
    if [[ -f $target ]]; then
        exit 0 # an image gains nothing by that
    fi
else
    options+=(--timestamp)
fi

if [[ -f $target ]]; then
    codesign "${options[@]}" "$target"
    exit
fi

# An ad hoc signature has no team, and the hardened runtime loads only libraries of one's own team.
if [[ $identity != - ]]; then
    options+=(--options runtime)
fi

# From the inside outwards: a signature seals those within.
while IFS= read -r -d '' file; do
    if [[ $(file --brief "$file") == *Mach-O* ]]; then
        codesign "${options[@]}" "$file"
    fi
done < <(find "$target/Contents/Frameworks" -type f -print0)
while IFS= read -r -d '' framework; do
    codesign "${options[@]}" "$framework"
done < <(find "$target/Contents/Frameworks" -depth -type d -name '*.framework' -print0)
codesign "${options[@]}" --entitlements "$entitlements" "$target"
codesign --verify --deep --strict "$target"
