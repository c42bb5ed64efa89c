//! Signatures of requests (AWS Signature Version 4), over the bytes that are sent.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
use ring::{digest, hmac};

use crate::{
    model::Request,
    project::{SigV4, Target},
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Everything but unreserved characters (RFC 3986 section 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Unreserved characters and `/` remain in a path.
const PATH: &AsciiSet = &ENCODED.remove(b'/');

/// Services whose paths are signed as they are sent, and which require the digest of the content in a header field.
const S3: [&str; 4] = ["s3", "s3-outposts", "s3-object-lambda", "s3express"];

/// Header fields that are not signed: intermediaries may change, add or remove them.
const UNSIGNED: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-amzn-trace-id",
];

/// Signs requests with the credentials of a target. It has no `Debug` that shows them.
pub(super) struct Signer {
    region: String,
    service: String,
    key_id: String,
    key: String,
    token: Option<String>,
}

impl Signer {
    /// The signer of a target; none if its requests are not signed.
    pub(super) fn of(target: &Target) -> Option<Self> {
        let settings = target.sigv4.as_ref()?;
        let secret = |name: &str| target.secrets.get(name).map(|secret| secret.expose().trim().to_owned());
        Some(Self {
            region: settings.region.clone(),
            service: settings.service.clone(),
            key_id: secret(SigV4::ACCESS_KEY_ID)?,
            key: secret(SigV4::SECRET_ACCESS_KEY)?,
            token: secret(SigV4::SESSION_TOKEN),
        })
    }

    /// The request with its signature. A request with `Authorization` is not signed; its own `x-amz-date` and
    /// `x-amz-content-sha256` are used.
    pub(super) fn signed(&self, request: &Request, host: &str, path: &str, now: DateTime<Utc>) -> Option<Request> {
        if field(request, "authorization").is_some() {
            return None;
        }
        let mut signed = request.clone();
        let mut add = |name: &str, value: String| -> String {
            if let Some(own) = field(&signed, name) {
                return own.to_owned();
            }
            signed.headers.push((name.to_owned(), value.clone()));
            value
        };
        let date = add("x-amz-date", now.format("%Y%m%dT%H%M%SZ").to_string());
        if let Some(token) = &self.token {
            add("x-amz-security-token", token.clone());
        }
        let digest = hex(digest::digest(&digest::SHA256, request.body.bytes()).as_ref());
        let payload = if self.is_s3() {
            add("x-amz-content-sha256", digest)
        } else {
            field(request, "x-amz-content-sha256").map_or(digest, str::to_owned)
        };
        let (canonical, names) = self.canonical(&signed, host, path, &payload);
        let day = date.get(..8).unwrap_or(&date);
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let digest = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let text = format!("{ALGORITHM}\n{date}\n{scope}\n{digest}");
        let parts = [day, &self.region, &self.service, "aws4_request"];
        let key = parts
            .iter()
            .fold(format!("AWS4{}", self.key).into_bytes(), |key, part| {
                mac(&key, part.as_bytes())
            });
        let signature = hex(&mac(&key, text.as_bytes()));
        let value = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.key_id
        );
        signed.headers.push(("authorization".to_owned(), value));
        Some(signed)
    }

    fn is_s3(&self) -> bool {
        S3.contains(&self.service.as_str())
    }

    /// The canonical request, and the names of the signed header fields.
    fn canonical(&self, request: &Request, host: &str, path: &str, payload: &str) -> (String, String) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut fields: Vec<(String, String)> = Vec::new();
        let own = request
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let host = field(request, "host").is_none().then_some(("host", host));
        for (name, value) in own.chain(host) {
            let name = name.to_ascii_lowercase();
            if UNSIGNED.contains(&name.as_str()) {
                continue;
            }
            let value = value
                .split(' ')
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            let value = value.trim().to_owned();
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => {
                    let _ = write!(known, ",{value}");
                }
                None => fields.push((name, value)),
            }
        }
        fields.sort();
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines = fields
            .iter()
            .fold(String::new(), |lines, (name, value)| lines + name + ":" + value + "\n");
        let (path, query) = (self.path(path), query_of(query));
        let canonical = format!("{}\n{path}\n{query}\n{lines}\n{names}\n{payload}", request.method);
        (canonical, names)
    }

    /// The path as it is sent, for S3. For other services it is normalized and encoded once more.
    fn path(&self, path: &str) -> String {
        if self.is_s3() {
            return if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            };
        }
        let mut segments: Vec<&str> = Vec::new();
        for segment in path.split('/') {
            match segment {
                "" | "." => {}
                ".." => drop(segments.pop()),
                segment => segments.push(segment),
            }
        }
        let is_folder = path.ends_with('/') && !segments.is_empty();
        let path = format!("/{}{}", segments.join("/"), if is_folder { "/" } else { "" });
        utf8_percent_encode(&path, PATH).to_string()
    }
}

/// The parameters, sorted by their encoded names and values.
fn query_of(query: &str) -> String {
    let encoded = |text: &str| percent_encode(&percent_decode_str(text).collect::<Vec<_>>(), ENCODED).to_string();
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(name), encoded(value))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn field<'r>(request: &'r Request, wanted: &str) -> Option<&'r str> {
    let mut fields = request.headers.iter();
    fields
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.as_str())
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "example.amazonaws.com";
    type Fields<'t> = &'t [(&'t str, &'t str)];

    fn signer(service: &str, token: Option<&str>) -> Signer {
        Signer {
            region: "us-east-1".to_owned(),
            service: service.to_owned(),
            key_id: "AKIDEXAMPLE".to_owned(),
            key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: token.map(str::to_owned),
        }
    }

    fn request(method: &str, fields: Fields<'_>, body: &'static str) -> Request {
        Request {
            method: method.to_owned(),
            url: String::new(),
            headers: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: bytes::Bytes::from_static(body.as_bytes()).into(),
        }
    }

    fn signed(signer: &Signer, method: &str, path: &str, fields: Fields<'_>, body: &'static str) -> Request {
        let now = DateTime::parse_from_rfc3339("2015-08-30T12:36:00Z").unwrap().into();
        signer.signed(&request(method, fields, body), HOST, path, now).unwrap()
    }

    /// The cases of the published test suite `aws-sig-v4-test-suite`, by name; its paths are not encoded.
    // Long: a table of the published cases.
    #[test]
    fn signatures_are_those_of_the_published_test_suite() {
        let service = signer("service", None);
        let form: Fields<'_> = &[("Content-Type", "application/x-www-form-urlencoded")];
        let vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
        let posted = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let none: Fields<'_> = &[];
        for (name, method, path, fields, body, signature) in [
            ("get-vanilla", "GET", "/", none, "", vanilla),
            ("get-relative", "GET", "/example/..", none, "", vanilla),
            (
                "get-relative-relative",
                "GET",
                "/example1/example2/../..",
                none,
                "",
                vanilla,
            ),
            ("get-slash", "GET", "//", none, "", vanilla),
            ("get-slash-dot-slash", "GET", "/./", none, "", vanilla),
            ("post-vanilla", "POST", "/", none, "", posted),
            ("post-header-key-case", "POST", "/", none, "", posted),
            (
                "post-header-key-sort",
                "POST",
                "/",
                &[("My-Header1", "value1")],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            (
                "post-header-value-case",
                "POST",
                "/",
                &[("My-Header1", "VALUE1")],
                "",
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            (
                "get-slashes",
                "GET",
                "//example//",
                none,
                "",
                "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84",
            ),
            (
                "get-slash-pointless-dot",
                "GET",
                "/./example",
                none,
                "",
                "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5",
            ),
            (
                "get-space",
                "GET",
                "/example space/",
                none,
                "",
                "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
            ),
            (
                "get-utf8",
                "GET",
                "/ሴ",
                none,
                "",
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
            ),
            (
                "get-unreserved",
                "GET",
                "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                none,
                "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/?Param2=value2&Param1=value1",
                none,
                "",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-utf8-query",
                "GET",
                "/?ሴ=bar",
                none,
                "",
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "post-vanilla-query",
                "POST",
                "/?Param1=value1",
                none,
                "",
                "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11",
            ),
            (
                "post-x-www-form-urlencoded",
                "POST",
                "/",
                form,
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            (
                "get-header-key-duplicate",
                "GET",
                "/",
                &[
                    ("My-Header1", "value2"),
                    ("My-Header1", "value2"),
                    ("My-Header1", "value1"),
                ],
                "",
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
            ),
            (
                "get-header-value-order",
                "GET",
                "/",
                &[
                    ("My-Header1", "value4"),
                    ("My-Header1", "value1"),
                    ("My-Header1", "value3"),
                    ("My-Header1", "value2"),
                ],
                "",
                "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
            ),
            (
                "get-header-value-trim",
                "GET",
                "/",
                &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
                "",
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
        ] {
            let sent = signed(&service, method, path, fields, body);
            let value = field(&sent, "authorization").unwrap();
            assert!(value.ends_with(&format!("Signature={signature}")), "{name}: {value}");
            assert!(
                value.starts_with(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, Signed"
                ),
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn session_token_is_sent_and_signed() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let sent = signed(&signer("service", Some(token)), "POST", "/", &[], "");
        let value = field(&sent, "authorization").unwrap();
        assert!(
            value.contains("SignedHeaders=host;x-amz-date;x-amz-security-token, "),
            "{value}"
        );
        assert!(
            value.ends_with("85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
            "{value}"
        );
    }

    #[test]
    fn s3_signs_the_path_as_it_is_sent_and_sends_the_digest() {
        let s3 = signer("s3", None);
        assert_eq!(s3.path("/a//b/../c%20d"), "/a//b/../c%20d");
        assert_eq!(signer("service", None).path("/a//b/../c%20d"), "/a/c%2520d");
        let sent = signed(&s3, "PUT", "/b/k", &[], "x");
        let digest = field(&sent, "x-amz-content-sha256").unwrap();
        assert_eq!(digest, hex(digest::digest(&digest::SHA256, b"x").as_ref()));
        let own = signed(&s3, "PUT", "/b/k", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")], "x");
        assert_ne!(field(&own, "authorization"), field(&sent, "authorization"));
        assert_eq!(
            own.headers
                .iter()
                .filter(|(name, _)| name == "x-amz-content-sha256")
                .count(),
            1
        );
    }

    #[test]
    fn own_credentials_are_not_replaced_and_some_fields_not_signed() {
        let now = Utc::now();
        let own = request("GET", &[("Authorization", "x")], "");
        assert!(signer("service", None).signed(&own, HOST, "/", now).is_none());
        let sent = signed(
            &signer("service", None),
            "GET",
            "/",
            &[
                ("User-Agent", "x"),
                ("Accept", "*/*"),
                ("Host", "a:8080"),
                ("accept-encoding", "identity"),
            ],
            "",
        );
        let value = field(&sent, "authorization").unwrap();
        assert!(value.contains("SignedHeaders=accept;host;x-amz-date, "), "{value}");
    }

    #[test]
    fn query_parameters_are_sorted_and_encoded_once() {
        assert_eq!(query_of("b=2&a=%2f&a=%20&c&&a=a+b"), "a=%20&a=%2F&a=a%2Bb&b=2&c=");
    }
}
