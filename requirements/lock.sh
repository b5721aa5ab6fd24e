#!/usr/bin/env bash
# Resolve pyproject.toml again into the lock files beside this script; needs uv on PATH.
# `requirements/lock.sh --upgrade` takes newer releases, `--upgrade-package NAME` only one of them.
# The locks hold for every platform and Python >= 3.11, carry hashes and name no package index.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(uv pip compile -q --universal --python-version 3.11 --generate-hashes
  --no-emit-index-url --no-annotate --custom-compile-command requirements/lock.sh "$@")
"${compile[@]}" pyproject.toml --extra offline -o requirements/runtime.txt
"${compile[@]}" --group build -c requirements/runtime.txt -o requirements/build.txt
"${compile[@]}" --group dev -c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
"${compile[@]}" --group peers -c requirements/runtime.txt -o requirements/peers.txt
