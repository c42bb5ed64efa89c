#!/usr/bin/env bash
# Step 5 of the action: one comment on the pull request, with the verdict, the changes since the base branch and a link to the
# HTML report. The next run updates it. Without permission it prints a notice, and the verdict of the run is not affected.
#
# Inputs, all from the environment: REPORTS, BASELINE_BRANCH, REPORT_URL, INPUT_ARTIFACT, INPUT_TOKEN, GITHUB_API_URL,
# GITHUB_REPOSITORY, GITHUB_SERVER_URL, GITHUB_RUN_ID, GITHUB_SHA, GITHUB_EVENT_PATH, RUNNER_TEMP.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v jq >/dev/null || { notice "no comment: there is no program \`jq\`"; exit 0; }
number=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")
if [ -z "$number" ]; then
  echo "no comment: this is not a run for a pull request"
  exit 0
fi
skip() {
  notice "no comment on pull request $number: $1 (it needs the permission \`pull-requests: write\`, which runs for forks do not have)"
  exit 0
}

# Runs with different names of artifacts have comments of their own.
marker="<!-- conforme: $(printf '%s' "${INPUT_ARTIFACT:-}" | tr -cd 'A-Za-z0-9_.-') -->"
run=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID

# Prints a report; without details if it is long.
section() {
  if [ "$(wc -c < "$1")" -gt "$2" ]; then sed '/^<details>/,$d' "$1"; else cat "$1"; fi
}

text=$RUNNER_TEMP/conforme-comment.md
{
  printf '%s\n' "$marker"
  if [ -f "$REPORTS/summary.md" ]; then
    section "$REPORTS/summary.md" 30000
  else
    printf '## No verdict: the run wrote no report\n'
  fi
  if [ -f "$REPORTS/changes.md" ]; then
    printf '\n---\n\nChanges since <code>%s</code>:\n\n' "$(printf '%s' "${BASELINE_BRANCH:-}" | tr -cd 'A-Za-z0-9_./-')"
    section "$REPORTS/changes.md" 20000
  fi
  printf '\n---\n\n'
  if [ -n "${REPORT_URL:-}" ]; then printf '[HTML report](%s) · ' "$REPORT_URL"; fi
  printf '[run](%s) · commit %s\n' "$run" "$GITHUB_SHA"
} > "$text"
body=$RUNNER_TEMP/conforme-comment.json
# Maximum length of a comment is 65,536 characters.
jq -Rs '{ body: .[0:65000] }' "$text" > "$body"

# The comment of an earlier run: of a bot, because anyone can write the marker.
id=
page=1
while [ -z "$id" ] && [ "$page" -le 20 ]; do
  comments=$(api "repos/$GITHUB_REPOSITORY/issues/$number/comments?per_page=100&page=$page") || skip "it cannot be read"
  id=$(
    jq -r --arg marker "$marker" \
      'map(select(.user.type == "Bot" and (.body | startswith($marker)))) | first | .id // empty' <<< "$comments"
  )
  [ "$(jq length <<< "$comments")" = 100 ] || break
  page=$((page + 1))
done
json=application/vnd.github+json
if [ -n "$id" ]; then
  api "repos/$GITHUB_REPOSITORY/issues/comments/$id" "$json" PATCH "$body" >/dev/null || skip "it cannot be changed"
  echo "updated the comment on pull request $number"
else
  api "repos/$GITHUB_REPOSITORY/issues/$number/comments" "$json" POST "$body" >/dev/null || skip "it cannot be written"
  echo "wrote a comment on pull request $number"
fi
