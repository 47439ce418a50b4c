#!/usr/bin/env bash
# Explores the counter with its bug (the build tag counterbug) from each of the given seeds: at first going back to
# rare states, which must find the bug within 1,000 runs, and then blindly, which may take up to 10,000.
set -euo pipefail
cd "$(dirname "$0")"

explore() { go test -tags counterbug -count=1 -run '^TestExploreCounter$' . "$@" || true; }
runs() { grep -oE '[0-9]+ runs' <<<"$1" | head -1; }

for from in "${@:-1}"; do
  guided=$(explore -sim.from="$from" -sim.n=1000)
  grep -q 'seed .* failed: ' <<<"$guided" || { echo "not found from seed $from on:"; echo "$guided"; exit 1; }
  blind=$(explore -sim.from="$from" -sim.n=10000 -sim.blind)
  grep -q 'seed .* failed: ' <<<"$blind" && found="found after $(runs "$blind")" || found="not found in $(runs "$blind")"
  echo "from seed $from: found after $(runs "$guided"); blindly $found"
done
sed -n '/seed .* failed: /,/trace: /p' <<<"$guided"
