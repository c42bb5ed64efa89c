#!/usr/bin/env bash
# Step 3 of the action: runs the suite, writes the reports and the job summary, and compares the run with the baseline.
#
# Inputs, all from the environment: BINARY, REPORTS, BASELINE, BASELINE_BRANCH, INPUT_MODE, INPUT_TARGET, INPUT_ARGS,
# INPUT_PROJECT, INPUT_WAIT, INPUT_ARTIFACT, RUNNER_TEMP. Outputs: `exit-code`, `reports`, `page` (the HTML report, named after
# the artifact).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

rm -rf "$REPORTS"
mkdir -p "$REPORTS"
output reports "$REPORTS"

# Maximum size of a job summary is 1 MiB; without it, the details of failures are in the reports.
summarize() {
  if [ "$(wc -c < "$1")" -gt 500000 ]; then sed '/^<details>/,$d' "$1"; else cat "$1"; fi >> "$GITHUB_STEP_SUMMARY"
}

case "${INPUT_MODE:-run}" in
  run | compare) ;;
  *)
    output exit-code 2
    fail "mode: expected run or compare, got $INPUT_MODE"
    ;;
esac

# All words of all lines.
arguments=()
read -r -d '' -a arguments <<< "${INPUT_ARGS:-}" || true
if [ -n "${INPUT_TARGET:-}" ]; then arguments+=(--target "$INPUT_TARGET"); fi
if [ -n "${INPUT_WAIT:-}" ]; then arguments+=(--wait "$INPUT_WAIT"); fi

code=0
"$BINARY" run --project "${INPUT_PROJECT:-.}" \
  --report github \
  --report junit="$REPORTS/junit.xml" \
  --report html="$REPORTS/report.html" \
  --report sarif="$REPORTS/conforme.sarif" \
  --report markdown="$REPORTS/summary.md" \
  --record "$REPORTS/run.ndjson" \
  ${arguments[@]+"${arguments[@]}"} || code=$?
if [ -f "$REPORTS/summary.md" ]; then summarize "$REPORTS/summary.md"; fi
if [ -f "$REPORTS/report.html" ]; then
  page=$RUNNER_TEMP/conforme-page
  name=$(printf '%s' "${INPUT_ARTIFACT:-}" | tr -cd 'A-Za-z0-9_.-').html
  rm -rf "$page"
  mkdir -p "$page"
  cp "$REPORTS/report.html" "$page/$name"
  output page "$page/$name"
fi

if [ -n "${BASELINE:-}" ] && [ -f "$REPORTS/run.ndjson" ]; then
  printf '\n== changes since %s\n' "${BASELINE_BRANCH:-the baseline}"
  compared=0
  annotations=()
  if [ "${INPUT_MODE:-run}" = compare ]; then annotations=(--report github); fi
  "$BINARY" compare --project "${INPUT_PROJECT:-.}" --baseline "$BASELINE" --candidate "$REPORTS/run.ndjson" \
    ${annotations[@]+"${annotations[@]}"} \
    --report markdown="$REPORTS/changes.md" \
    --report html="$REPORTS/changes.html" || compared=$?
  if [ -f "$REPORTS/changes.md" ]; then summarize "$REPORTS/changes.md"; fi
  # A broken contract that was broken before is not a change; a case that is new has nothing to be compared with.
  if [ "${INPUT_MODE:-run}" = compare ] && { [ "$code" = 0 ] || [ "$code" = 1 ]; }; then
    jq -rn 'input as $start | inputs | select(.event == "case-finished")
      | select(.verdict == "failed" or .verdict == "errored" or (.verdict == "flaky" and $start.flaky != "pass"))
      | .id' "$REPORTS/run.ndjson" | LC_ALL=C sort > "$REPORTS/failed.txt"
    jq -r 'select(.event == "case-finished") | .id' "$BASELINE" | LC_ALL=C sort > "$REPORTS/known.txt"
    new=$(LC_ALL=C comm -23 "$REPORTS/failed.txt" "$REPORTS/known.txt")
    rm "$REPORTS/failed.txt" "$REPORTS/known.txt"
    if [ -n "$new" ]; then
      printf '::error title=conforme::%s\n' "$(one_line "new cases fail: $new")"
      [ "$compared" != 0 ] || compared=1
    fi
    code=$compared
  fi
fi
output exit-code "$code"
exit "$code"
