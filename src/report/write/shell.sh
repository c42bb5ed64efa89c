
set -u
nl='
'
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
failed=0

# begin CASE: a new case has no cookies.
begin() {
  printf '\n== %s\n' "$1"
  rm -f "$work"/*
  : >"$work/cookies"
  CASE_ID=$(new_id)
}

# lost: there is no response.
lost() {
  printf 'there is no response\n' >&2
  return 1
}

# show STEP: prints a response, and keeps its cookies.
show() {
  printf -- '-- %s\n' "$1"
  cat "$work/$1.head" >>"$work/cookies"
  cat "$work/$1.head"
  if [ -s "$work/$1.body" ]; then
    cat "$work/$1.body"
    printf '\n'
  fi
}

# captured NAME VALUE [secret]
captured() {
  if [ -z "$2" ]; then
    printf '%s is not in the response\n' "$1" >&2
    return 1
  fi
  if [ "${3-}" = secret ]; then set -- "$1" '(secret)'; fi
  printf '%s = %s\n' "$1" "$2"
}

# status STEP
status() {
  awk '/^HTTP\// { status = $2 } END { print status }' "$work/$1.head"
}

# header STEP NAME: the value of a header field of the last response; the name is in lower case.
header() {
  awk -v name="$2" '
    /^HTTP\// { value = "" }
    { sub(/\r$/, "") }
    tolower(substr($0, 1, length(name) + 1)) == name ":" {
      value = substr($0, length(name) + 2)
      gsub(/^[ \t]+|[ \t]+$/, "", value)
    }
    END { print value }' "$work/$1.head"
}

# cookie_in FILE NAME: the last value of a cookie.
cookie_in() {
  awk -v name="$2" '
    { sub(/\r$/, "") }
    tolower(substr($0, 1, 11)) == "set-cookie:" {
      pair = substr($0, 12)
      sub(/;.*/, "", pair)
      gsub(/^[ \t]+|[ \t]+$/, "", pair)
      at = index(pair, "=")
      if (substr(pair, 1, at - 1) == name) value = substr(pair, at + 1)
    }
    END { print value }' "$1"
}

# set_cookie STEP NAME: the value of a cookie that a response sets.
set_cookie() {
  cookie_in "$work/$1.head" "$2"
}

# cookie NAME: the value of a cookie that an earlier response of the case has set.
cookie() {
  cookie_in "$work/cookies" "$1"
}

# location STEP ORIGIN: the URL in the Location of a response.
location() {
  value=$(header "$1" location)
  case $value in
    *://*) printf '%s' "$value" ;;
    //*) printf '%s' "${2%%:*}:$value" ;;
    /*) printf '%s' "$2$value" ;;
    *) printf 'the Location of %s is relative: %s\n' "$1" "$value" >&2 ;;
  esac
}

# json_at STEP KEY...: a value in a JSON body.
json_at() {
  file=$work/$1.body
  shift
  jq -r 'reduce $ARGS.positional[] as $key (.; if type == "array" then .[$key | tonumber] else .[$key] end)' \
    "$file" --args "$@"
}

# group PATTERN: what the group of a pattern matches in the input.
group() {
  jq -Rsr --arg pattern "$1" 'rtrimstr("\n") | match($pattern).captures[0].string'
}

swap_case() {
  printf %s "$1" | LC_ALL=C tr '[:upper:][:lower:]' '[:lower:][:upper:]'
}

lower_case() {
  printf %s "$1" | LC_ALL=C tr '[:upper:]' '[:lower:]'
}

upper_case() {
  printf %s "$1" | LC_ALL=C tr '[:lower:]' '[:upper:]'
}

new_id() {
  LC_ALL=C tr -dc 'a-z0-9' </dev/urandom | head -c 10
}

new_uuid() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' |
    sed 's/^\(.\{8\}\)\(....\).\(...\).\(...\)\(.*\)$/\1-\2-4\3-a\4-\5/'
}

RUN_ID=$(new_id)
