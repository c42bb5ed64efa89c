//! Commands of curl in the styles of public API documentation, restated.
#![expect(clippy::needless_raw_string_hashes, reason = "most commands contain quotes")]

/// A command, and what its imported suite needs.
pub(super) struct Line {
    /// `HOST` is the host and port of the recorder.
    pub(super) command: &'static str,
    /// The environment of the command.
    pub(super) env: &'static [(&'static str, &'static str)],
    /// The secrets of the suite, by the end of `CONFORME_SECRET_*`.
    pub(super) secrets: &'static [(&'static str, &'static str)],
    /// The variables of the suite.
    pub(super) vars: &'static [(&'static str, &'static str)],
    /// Whether something is not imported.
    pub(super) has_notes: bool,
}

const fn line(command: &'static str) -> Line {
    with(command, &[])
}

const fn with(command: &'static str, secrets: &'static [(&'static str, &'static str)]) -> Line {
    Line {
        command,
        env: &[],
        secrets,
        vars: &[],
        has_notes: false,
    }
}

/// The files that commands name.
pub(super) const FILES: &[(&str, &[u8])] = &[
    ("data.json", b"{\n  \"name\": \"Ada\",\r\n  \"tags\": [1, 2]\n}\n"),
    ("note.txt", b"line one\nline two {{ literal }}\n"),
    ("photo.png", b"\x89PNG\r\n\x1a\n\x00\x01\xff\xfe"),
    ("headers.txt", b"X-One: 1\nX-Two: two words\n"),
];

pub(super) const CORPUS: &[Line] = &[
    line(r#"curl http://HOST"#),
    line(r#"curl -sS -i 'http://HOST/v1/users?page=2&per_page=50'"#),
    line(r#"curl --silent --show-error --fail http://HOST/a/./b/../c#top"#),
    line(r#"curl --path-as-is http://HOST/a/../b"#),
    line(r#"curl HOST/search?q=x+y\&lang=en"#),
    line(r#"curl 'http://HOST/search?q=caf%C3%A9&empty=&flag'"#),
    line(r#"curl 'http://HOST/café'"#),
    line(r#"curl -I http://HOST/health"#),
    line(r#"curl -X DELETE http://HOST/v1/users/42"#),
    line(r#"curl -X POST http://HOST/v1/jobs/7/retry"#),
    line(r#"curl -XPUT 'http://HOST/index/_doc/1?pretty' -H 'Content-Type: application/json' -d '{"user":"ada"}'"#),
    with(
        r#"curl http://HOST/account -u ada:correct-horse"#,
        &[("PASSWORD", "correct-horse")],
    ),
    with(
        r#"curl http://ada:pass%20word%21@HOST/account"#,
        &[("PASSWORD", "pass word!")],
    ),
    with(
        r#"curl http://HOST/v1/charges \
  -u test-key-0123456789abcdef: \
  -d amount=1250 \
  -d currency=eur \
  -d "labels[table]"=12"#,
        &[("USER", "test-key-0123456789abcdef")],
    ),
    Line {
        command: r#"curl -L \
  -X POST \
  -H "Accept: application/vnd.github+json" \
  -H "Authorization: Bearer gho_16C7e42F292c" \
  -H "X-GitHub-Api-Version: 2022-11-28" \
  http://HOST/repos/OWNER/REPO/issues \
  -d '{"title":"Found a bug","body":"It'\''s broken","labels":["bug"]}'"#,
        env: &[],
        secrets: &[("TOKEN", "gho_16C7e42F292c")],
        vars: &[],
        has_notes: true,
    },
    Line {
        command: r#"curl http://HOST/v1/chat/completions \
  -H "Content-Type: application/json" \
  -H "Authorization: Bearer $OPENAI_API_KEY" \
  -d '{
    "model": "small",
    "messages": [{"role": "user", "content": "Say {{ hello }}!"}],
    "max_tokens": 7
  }'"#,
        env: &[("OPENAI_API_KEY", "sk-proj-abcdef123")],
        secrets: &[("OPENAI_API_KEY", "sk-proj-abcdef123")],
        vars: &[],
        has_notes: false,
    },
    Line {
        command: r#"curl -X POST "http://HOST/2010-04-01/Accounts/$TWILIO_ACCOUNT_SID/Messages.json" \
--data-urlencode "Body=Table 4 + 2 chairs" \
--data-urlencode "From=+15550100123" \
-u $TWILIO_ACCOUNT_SID:$TWILIO_AUTH_TOKEN"#,
        env: &[
            ("TWILIO_ACCOUNT_SID", "AC123"),
            ("TWILIO_AUTH_TOKEN", "0123456789abcdef"),
        ],
        secrets: &[("TWILIO_AUTH_TOKEN", "0123456789abcdef")],
        vars: &[("twilio_account_sid", "AC123")],
        has_notes: false,
    },
    line(
        r#"curl -X POST -H 'Content-type: application/json' --data '{"text":"Build 42 passed, all green!"}' http://HOST/hooks/builds/main"#,
    ),
    with(
        r#"curl --request POST \
  --url http://HOST/v3/mail/send \
  --header 'authorization: Bearer SG.abcdefgh' \
  --header 'content-type: application/json' \
  --data '{"from":{"email":"ada@example.com"},"personalizations":[{"to":[{"email":"bob@example.com"}]}]}'"#,
        &[("TOKEN", "SG.abcdefgh")],
    ),
    with(
        r#"curl --header "PRIVATE-TOKEN: glpat-abcdefgh" "http://HOST/api/v4/projects?owned=true&simple=true""#,
        &[("PRIVATE_TOKEN", "glpat-abcdefgh")],
    ),
    with(
        r#"curl --request POST --header "PRIVATE-TOKEN: glpat-abcdefgh" --form "file=@note.txt" --form title=Hello "http://HOST/api/v4/projects/5/uploads""#,
        &[("PRIVATE_TOKEN", "glpat-abcdefgh")],
    ),
    line(r#"curl -F 'image=@photo.png' -F 'meta={"a":1};type=application/json' -F caption='a "b"' http://HOST/upload"#),
    line(
        r#"curl -F 'doc=@data.json;type=application/json;filename=my.json' -F 'text=<note.txt' --form-string 'raw=@not-a-file;type=x' http://HOST/upload"#,
    ),
    line(r#"curl -X POST -H 'Content-Type: multipart/form-data' -F a=1 http://HOST/upload"#),
    line(r#"curl --json '{"tool": "curl", "n": 1}' http://HOST/items"#),
    line(r#"curl --json '{"a":' --json '1}' -H 'Accept: text/plain' http://HOST/items"#),
    line(r#"curl --json @data.json http://HOST/items"#),
    line(r#"curl -d @data.json -H 'Content-Type: application/json' http://HOST/items"#),
    line(r#"curl --data-binary @data.json -H 'Content-Type: application/json; charset=utf-8' http://HOST/items"#),
    line(r#"curl --data-binary @photo.png -H 'Content-Type: image/png' -X PUT http://HOST/photos/1"#),
    line(r#"curl -T photo.png http://HOST/photos/2"#),
    line(r#"curl --upload-file note.txt -H 'Content-Type: text/plain' http://HOST/notes/1"#),
    line(r#"curl --data-raw '@literal&x=1' http://HOST/form"#),
    line(r#"curl -d 'a=1' -d 'b=2' -d 'a=3' http://HOST/form"#),
    line(r#"curl -d 'name=Ada%20Lovelace&role=admin' http://HOST/form"#),
    line(r#"curl -d '' http://HOST/empty"#),
    line(r#"curl -G http://HOST/search --data-urlencode 'q=a b&c' -d limit=10"#),
    with(
        r#"curl --get -d api_key=abcdefgh12 -d units=metric 'http://HOST/weather?city=Bonn'"#,
        &[("API_KEY", "abcdefgh12")],
    ),
    with(
        r#"curl 'http://HOST/maps/geocode/json?address=1600+Amphitheatre&key=AIzaSyabcdef'"#,
        &[("KEY", "AIzaSyabcdef")],
    ),
    with(
        r#"curl -b 'session=abc123def; theme=dark' http://HOST/me"#,
        &[("COOKIE", "session=abc123def; theme=dark")],
    ),
    with(
        r#"curl --cookie a=12345678 -b b=2 http://HOST/me"#,
        &[("COOKIE", "a=12345678;b=2")],
    ),
    line(r#"curl -A 'my-app/1.0' -e http://HOST/from --compressed http://HOST/page"#),
    line(r#"curl -H 'User-Agent: my-app/2' -H 'X-Empty;' -H 'X-List: a' -H 'x-list: b' http://HOST/page"#),
    line(r#"curl -H @headers.txt -r 0-99 http://HOST/file"#),
    line(r#"curl -d $'line 1\nline \'2\'\t\u00e9' -H 'Content-Type: text/plain' http://HOST/text"#),
    line(
        r#"curl -d '  leading


trailing  
' -H 'Content-Type: text/plain' http://HOST/text"#,
    ),
    line(r#"curl --data-binary 'a {{ b }} {{c' -H 'Content-Type: text/plain' http://HOST/text"#),
    with(
        r#"curl -d '{"username": "ada", "password": "pa\"ss w\u00f6rd"}' -H 'Content-Type: application/json' http://HOST/login"#,
        &[("PASSWORD", "pa\\\"ss w\\u00f6rd")],
    ),
    with(
        r#"curl -d 'grant_type=client_credentials&client_id=web&client_secret=s3cr3tvalue' http://HOST/oauth/token"#,
        &[("CLIENT_SECRET", "s3cr3tvalue")],
    ),
    with(
        r#"curl --oauth2-bearer abcdefgh12 http://HOST/me"#,
        &[("TOKEN", "abcdefgh12")],
    ),
    with(
        r#"curl -H 'Authorization: Basic YWRhOnNlY3JldA==' http://HOST/me"#,
        &[("CREDENTIALS", "YWRhOnNlY3JldA==")],
    ),
    with(
        r#"curl -H 'X-API-Key: abcdefgh12' -H 'Idempotency-Key: 7f2d' http://HOST/me"#,
        &[("X_API_KEY", "abcdefgh12")],
    ),
    line(
        r#"curl -X PATCH http://HOST/v1/pages/1 \
  -H 'Notion-Version: 2022-06-28' \
  -H "Content-Type: application/json" \
  --data @- <<'EOF'
{ "archived": true, "cost": "$5" }
EOF"#,
    ),
    // A user with a colon in a URL.
    with(
        r#"curl http://ada%3Aops:pass1234@HOST/account"#,
        &[("PASSWORD", "ops:pass1234")],
    ),
    // In the style of an API for domains: a key and a mail address in fields, and content that a pipe would read.
    with(
        r#"curl --request PATCH 'http://HOST/client/v4/zones/023e105f/dns_records/372e6795' \
     --header 'X-Auth-Email: ada@example.com' --header 'X-Auth-Key: 144c9defac04969c7bfad8ef' \
     --header 'Content-Type: application/json' \
     --data '{
  "content": "198.51.100.4", "name": "www.example.com",
  "proxied": false, "ttl": 3600, "type": "A"
}'"#,
        &[("X_AUTH_KEY", "144c9defac04969c7bfad8ef")],
    ),
    // Of an API for mail: a key as the password, and `-s` with fields of a form.
    with(
        r#"curl -s --user 'api:key-3ax6xnjp29jd6fds' \
     http://HOST/v3/mg.example.com/messages \
     -F from='Ada <ada@mg.example.com>' \
     -F to=bob@example.com \
     -F subject='Your table' \
     -F text='"Ready at 7 & later; \"window\" seat"' -F 'note=a; b' -F 'c=<note.txt;type=text/plain; charset=utf-8'"#,
        &[("PASSWORD", "key-3ax6xnjp29jd6fds")],
    ),
    // Of an API for chat: a scheme of its own, and emoji in JSON.
    with(
        r#"curl -H "Authorization: Bot NzkyNzE1NDU0MTk2MDg4ODQy" -H 'Content-Type: application/json' -X PUT \
  "http://HOST/api/v10/channels/41/messages/7/reactions/%F0%9F%94%A5/@me" -d '{"note":"🔥"}'"#,
        &[("TOKEN", "NzkyNzE1NDU0MTk2MDg4ODQy")],
    ),
    // Of a shop: a token in a field of its own, and a query of GraphQL.
    with(
        r#"curl -X POST http://HOST/admin/api/2026-01/graphql.json \
  -H 'Content-Type: application/json' -H 'X-Shopify-Access-Token: shpat_0123456789' \
  -d '{ "query": "{ products(first: 3) { edges { node { id } } } }" }'"#,
        &[("X_SHOPIFY_ACCESS_TOKEN", "shpat_0123456789")],
    ),
    // Of an API for search: two fields, one of which is a credential, and encoded parameters inside JSON.
    with(
        r#"curl -X POST -H "X-Algolia-API-Key: 0c1a2b3c4d" -H "X-Algolia-Application-Id: LATENCY" \
  --data-binary '{ "params": "query=a%20b&hitsPerPage=2&facets=%5B%22brand%22%5D" }' \
  "http://HOST/1/indexes/products/query""#,
        &[("X_ALGOLIA_API_KEY", "0c1a2b3c4d")],
    ),
    // Of a tile server: a version with `@` and a public token in the query.
    with(
        r#"curl "http://HOST/styles/v1/streets-v12/static/pin-s+555555(-87.7,41.8)/-87.7,41.8,9/300x200@2x?access_token=pk.abcdefgh1&logo=false""#,
        &[("ACCESS_TOKEN", "pk.abcdefgh1")],
    ),
    line(r#"curl -g 'http://HOST/items?filter[name]=x&fields[]=a'"#),
    line(r#"curl 'http://HOST/items?filter\[name\]=x'"#),
    line(r#"curl -m 30 --retry 3 --connect-timeout 5 -o out.json -w '%{http_code}' http://HOST/slow"#),
    line(r#"curl http://HOST/a http://HOST/b --next -d x=1 http://HOST/c"#),
    Line {
        command: r#"curl http://HOST/a; curl -X DELETE http://HOST/a && curl http://HOST/a | cat"#,
        env: &[],
        secrets: &[],
        vars: &[],
        has_notes: true,
    },
    line(r#"curl -H 'Content-Type:' -d raw=1 http://HOST/x"#),
    line(r#"curl --url-query 'q=a b' --url-query '+raw=%zz' http://HOST/x?first=1"#),
    Line {
        command: r#"curl "http://HOST/users/${USER_ID}/posts?limit=$LIMIT""#,
        env: &[("USER_ID", "42"), ("LIMIT", "5")],
        secrets: &[],
        vars: &[("user_id", "42"), ("limit", "5")],
        has_notes: false,
    },
    with(
        r#"curl -F user=ada -F password=correct-horse -F 'note=password' http://HOST/login"#,
        &[("PASSWORD", "correct-horse")],
    ),
];
