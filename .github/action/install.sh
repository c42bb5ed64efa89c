#!/usr/bin/env bash
# Step 1 of the action: downloads the release binary of the version of this action and verifies its checksum. If there is no
# release for exactly this version, or no binary for this machine, it sets the output `build`, and the action builds from
# source. A checksum that does not match is an error.
#
# Inputs, all from the environment: ACTION_PATH, ACTION_REPOSITORY (`owner/name`; empty for `uses: ./`), ACTION_REF (the
# tag, branch or commit after `@`), INPUT_BINARY, INPUT_TOKEN, RUNNER_OS, RUNNER_ARCH, RUNNER_TEMP, GITHUB_SERVER_URL,
# GITHUB_API_URL. Outputs: `binary`, a path, or `build=true` and `source`, a digest of
# the source.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build() {
  echo "conforme is built from source: $1"
  output build true
  # `hashFiles` sees only files of the workspace, and the action is outside it.
  cd "$ACTION_PATH"
  output source "$(find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cat | sha256)"
  exit 0
}

# The commit of a tag, branch or commit of the repository of the action.
commit_of() {
  api "repos/$ACTION_REPOSITORY/commits/$1" 'application/vnd.github.sha'
}

if [ -n "${INPUT_BINARY:-}" ]; then
  output binary "$INPUT_BINARY"
  exit 0
fi

case "$RUNNER_OS" in
  Linux) os=unknown-linux-musl ;;
  macOS) os=apple-darwin ;;
  Windows) os=pc-windows-msvc ;;
  *) build "there is no binary for $RUNNER_OS" ;;
esac
case "$RUNNER_ARCH" in
  X64) target=x86_64-$os ;;
  ARM64) target=aarch64-$os ;;
  *) build "there is no binary for $RUNNER_ARCH" ;;
esac
if [ -z "${ACTION_REPOSITORY:-}" ] || [ -z "${ACTION_REF:-}" ]; then
  build "the action is used from a folder"
fi

# A binary is used only if it was built from the code of this action: the tag is the reference itself, or has its commit.
tag=v$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$ACTION_PATH/Cargo.toml")
if [ "$ACTION_REF" != "$tag" ]; then
  released=$(commit_of "$tag") || build "there is no release $tag"
  used=$(commit_of "$ACTION_REF") || build "the commit of $ACTION_REF is not known"
  [ "$used" = "$released" ] || build "$ACTION_REF is not the release $tag"
fi

name=conforme-$target
archive=$name.tar.gz
if [ "$RUNNER_OS" = Windows ]; then archive=$name.zip; fi
folder=$RUNNER_TEMP/conforme-$tag
rm -rf "$folder"
mkdir -p "$folder"
url=$GITHUB_SERVER_URL/$ACTION_REPOSITORY/releases/download/$tag/$archive
# Only a file that does not exist is built: a download that fails is an error, which a build of ten minutes would hide.
status=$(download "$url" "$folder/$archive") || fail "could not download $url"
[ "$status" != 404 ] || build "the release $tag has no $archive"
[ "$status" = 200 ] || fail "could not download $url: status $status"
status=$(download "$url.sha256" "$folder/$archive.sha256") || fail "could not download $url.sha256"
[ "$status" = 200 ] || fail "could not download $url.sha256: status $status"

expected=$(cut -c 1-64 "$folder/$archive.sha256" | head -n 1)
actual=$(sha256 < "$folder/$archive")
case "$expected" in
  *[!0-9a-f]* | '') fail "$url.sha256 is not a checksum" ;;
esac
[ "$actual" = "$expected" ] || fail "checksum of $url: expected $expected, got $actual"

if [ "$RUNNER_OS" = Windows ]; then
  unzip -q "$folder/$archive" -d "$folder"
  binary=$folder/conforme.exe
else
  tar -xzf "$folder/$archive" -C "$folder"
  binary=$folder/$name/conforme
fi
[ -x "$binary" ] || fail "$archive contains no $(basename "$binary")"
echo "conforme $tag, sha256 $actual"
output binary "$binary"
