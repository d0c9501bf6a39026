#!/usr/bin/env bash
# Puts the application into a disk image, beside the way to the Applications folder: dmg.sh Alcove.app Alcove.dmg
# An image of that name is replaced. Signing it is sign.sh's.
set -euo pipefail

application=$1
image=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ditto "$application" "$folder/$(basename "$application")"
ln -s /Applications "$folder/Applications"
# It fails at times where something looks at the volume as it appears: "Resource busy".
tries=1
until hdiutil create -volname Alcove -srcfolder "$folder" -fs HFS+ -format ULFO -ov "$image"; do
    if ((tries++ == 5)); then
        exit 1
    fi
    sleep 5
done
echo "$image"
