#!/usr/bin/env bash
# Writes the library's public surface to src/RingCore/PublicAPI.Unshipped.txt, so that a change of it shows up in the diff.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo '#nullable enable' > src/RingCore/PublicAPI.Unshipped.txt
PublicApiCheck=true dotnet format analyzers src/RingCore/RingCore.csproj --diagnostics RS0016 --severity warn --verbosity quiet
LC_ALL=C sort -u -o src/RingCore/PublicAPI.Unshipped.txt src/RingCore/PublicAPI.Unshipped.txt
wc -l < src/RingCore/PublicAPI.Unshipped.txt | xargs printf '%s lines in PublicAPI.Unshipped.txt\n'
