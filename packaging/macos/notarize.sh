#!/usr/bin/env bash
# Has Apple look through an application or a disk image, and staples the answer to it: notarize.sh Alcove.dmg
# Either ALCOVE_NOTARY_PROFILE (made by `xcrun notarytool store-credentials`), or ALCOVE_NOTARY_KEY (the path of an App
# Store Connect key), ALCOVE_NOTARY_KEY_ID and ALCOVE_NOTARY_ISSUER. Without any of these nothing is sent. What has been
# stapled already is left as it is, so this may be run again.
set -euo pipefail

target=$1
if [[ -n ${ALCOVE_NOTARY_PROFILE:-} ]]; then
    credentials=(--keychain-profile "$ALCOVE_NOTARY_PROFILE")
elif [[ -n ${ALCOVE_NOTARY_KEY:-} ]]; then
    credentials=(--key "$ALCOVE_NOTARY_KEY" --key-id "$ALCOVE_NOTARY_KEY_ID" --issuer "$ALCOVE_NOTARY_ISSUER")
else
    echo "No ALCOVE_NOTARY_PROFILE and no ALCOVE_NOTARY_KEY: $(basename "$target") is not notarised, and macOS will warn."
    exit 0
fi
if [[ -z ${ALCOVE_MAC_IDENTITY:-} ]]; then
    echo "ALCOVE_MAC_IDENTITY is not set: Apple notarises only what is signed by a Developer ID." >&2
    exit 1
fi
if xcrun stapler validate --quiet "$target"; then
    echo "$(basename "$target") is notarised already."
    exit 0
fi

sent=$target
if [[ -d $target ]]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    sent=$folder/$(basename "$target").zip
    ditto -c -k --sequesterRsrc --keepParent "$target" "$sent"
fi
# It ends with 0 also where Apple refuses.
answer=$(xcrun notarytool submit "$sent" "${credentials[@]}" --wait --timeout 30m | tee /dev/stderr)
if ! grep -q 'status: Accepted' <<<"$answer"; then
    number=$(sed -n 's/^ *id: //p' <<<"$answer" | head -n 1)
    xcrun notarytool log "$number" "${credentials[@]}" >&2
    exit 1
fi
xcrun stapler staple "$target"
