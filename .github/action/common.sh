# Functions of the scripts of the action. Secrets and untrusted text reach them only in environment variables.
# shellcheck shell=bash

# A result of the step.
output() {
  printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"
}

# A line of text without the characters that end or begin a workflow command.
one_line() {
  printf '%s' "$1" | tr '\r\n' '  '
}

fail() {
  printf '::error title=conforme::%s\n' "$(one_line "$1")"
  exit 1
}

notice() {
  printf '::notice title=conforme::%s\n' "$(one_line "$1")"
}

# Prints the response of the GitHub API to `GET path`, or with a file to `method path`, with the file as body. The token is
# not an argument, because other users of the machine can read arguments.
api() {
  local path=$1 accept=${2:-application/vnd.github+json} method=${3:-GET} body=${4:-}
  local arguments=(--fail --silent --show-error --location --max-time 60 --request "$method")
  arguments+=(--header "Accept: $accept" --header 'X-GitHub-Api-Version: 2022-11-28')
  # A request that changes something is not repeated: it can have succeeded.
  if [ "$method" = GET ]; then arguments+=(--retry 3); fi
  if [ -n "$body" ]; then arguments+=(--header 'Content-Type: application/json' --data-binary "@$body"); fi
  if [ -n "${INPUT_TOKEN:-}" ]; then printf 'header = "Authorization: Bearer %s"\n' "$INPUT_TOKEN"; fi |
    curl --config - "${arguments[@]}" "$GITHUB_API_URL/$path"
}

# Downloads a file, without credentials, and prints the status of the response.
download() {
  curl --silent --show-error --location --retry 3 --max-time 300 --write-out '%{http_code}' --output "$2" "$1"
}

# The digest of standard input.
sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64
}
