#!/usr/bin/env bash
# Step 2 of the action: the recording to compare with. It is the input `baseline`, or the recording in the newest artifact
# with the same name from a run on the base branch of the pull request (on a push, of the branch itself).
#
# Inputs, all from the environment: INPUT_BASELINE, INPUT_ARTIFACT, INPUT_MODE, INPUT_TOKEN, RUNNER_TEMP, GITHUB_API_URL,
# GITHUB_REPOSITORY, GITHUB_REPOSITORY_ID, GITHUB_RUN_ID, GITHUB_BASE_REF, GITHUB_REF_NAME. Outputs: `recording`, a path, and
# `branch`; none if there is no recording.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

none() {
  if [ "${INPUT_MODE:-run}" = compare ]; then
    printf '::warning title=conforme::%s\n' "$(one_line "no comparison: $1")"
  else
    echo "no comparison: $1"
  fi
  exit 0
}

if [ -n "${INPUT_BASELINE:-}" ]; then
  [ -f "$INPUT_BASELINE" ] || fail "the baseline $INPUT_BASELINE does not exist"
  output recording "$INPUT_BASELINE"
  output branch "$(basename "$INPUT_BASELINE")"
  exit 0
fi
branch=${GITHUB_BASE_REF:-$GITHUB_REF_NAME}
[ -n "${INPUT_ARTIFACT:-}" ] || none "no artifact is named"
for program in jq unzip; do
  command -v "$program" >/dev/null || none "there is no program \`$program\`"
done

folder=$RUNNER_TEMP/conforme-baseline
rm -rf "$folder"
mkdir -p "$folder"
name=$(jq -rn --arg name "$INPUT_ARTIFACT" '$name | @uri')
list=$(api "repos/$GITHUB_REPOSITORY/actions/artifacts?per_page=100&name=$name") ||
  none "the artifacts cannot be read (permission \`actions: read\`)"
# A fork can have a branch of the same name; only runs of this repository count.
id=$(
  jq -r --arg branch "$branch" --arg repository "$GITHUB_REPOSITORY_ID" --arg run "$GITHUB_RUN_ID" '
    [.artifacts[] | select((.expired | not) and .workflow_run.head_branch == $branch
      and (.workflow_run.head_repository_id | tostring) == $repository
      and (.workflow_run.repository_id | tostring) == $repository
      and (.workflow_run.id | tostring) != $run)]
    | max_by(.created_at) | .id // empty' <<< "$list"
) || none "the list of artifacts is not understood"
[ -n "$id" ] || none "no run on \`$branch\` has an artifact \`$INPUT_ARTIFACT\` yet"
api "repos/$GITHUB_REPOSITORY/actions/artifacts/$id/zip" > "$folder/baseline.zip" ||
  none "the artifact $id cannot be downloaded"
unzip -q -o "$folder/baseline.zip" run.ndjson -d "$folder" 2>/dev/null || none "the artifact $id has no run.ndjson"
output recording "$folder/run.ndjson"
output branch "$branch"
