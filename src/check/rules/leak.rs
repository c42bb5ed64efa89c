//! `http/leak`: what an error body must not show.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexSet};
use serde_json::Value;

use super::super::{Finding, json};
use crate::exchange::{Answer, Request};

/// Largest part of a body that is searched, in bytes.
const SEARCHED: usize = 256 * 1024;

/// What leaks look like, with a name for each. Linear patterns; line breaks may have been folded into spaces.
const LEAKS: [(&str, &str); 24] = [
    (
        "a .NET stack trace",
        r"(?-u)\bat [\w.<>`$+]+\([^)\n]*\) in .{1,300}:line \d+",
    ),
    ("a .NET stack trace", r"(?-u)\bat (?:System|Microsoft)\.[\w.<>`+]+\("),
    (
        "a .NET exception",
        r"(?-u)\b(?:System|Microsoft)(?:\.\w+)*\.\w*Exception\b",
    ),
    (
        "a Java stack trace",
        r"(?-u)\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)",
    ),
    (
        "a Java exception",
        r"(?-u)\b(?:java|javax|jakarta|org\.springframework|org\.hibernate)(?:\.\w+)+(?:Exception|Error)\b",
    ),
    ("a Python traceback", r"(?-u)Traceback \(most recent call last\)"),
    ("a Python traceback", r#"(?-u)File \\?"[^"\n]{1,300}\.py\\?", line \d+"#),
    (
        "a Node.js stack trace",
        r"(?-u)\bat (?:[\w.<>\[\] ]+ \()?(?:file://|node:|[A-Za-z]:\\|/)[^\s()]{1,300}:\d+:\d+\)?",
    ),
    ("a Go stack trace", r"(?-u)\bgoroutine \d+ \["),
    ("a Rust panic", r"(?-u)\bpanicked at \S+\.rs:\d+"),
    ("a Ruby stack trace", r"(?-u)[\w./-]+\.rb:\d+:in [`']"),
    (
        "a PHP error",
        r"(?-u)(?:Fatal error|Warning|Parse error|Notice)(?:</b>)?:.{1,400} on line (?:<b>)?\d+",
    ),
    ("a PHP stack trace", r"(?-u)#\d+ [^\n(]{1,300}\.php\(\d+\): "),
    (
        "an ASP.NET error page",
        r"(?-u)Server Error in '[^']{0,200}' Application|<title>(?:Internal Server Error|Runtime Error)</title>|Developer Exception Page|An unhandled exception occurred while processing the request",
    ),
    ("a Spring error page", r"(?-u)Whitelabel Error Page"),
    (
        "a Django debug page",
        r"(?-u)You(?:'|&#x27;)re seeing this error because you have <code>DEBUG",
    ),
    (
        "a Werkzeug debugger page",
        r"(?-u)Werkzeug (?:Debugger|powered)|<title>[^<]{0,200}// Werkzeug",
    ),
    (
        "a Laravel or Symfony debug page",
        r"(?-u)Whoops, looks like something went wrong|Symfony Exception|Illuminate\\+\w+",
    ),
    (
        "a Rails error page",
        r"(?-u)Action Controller: Exception caught|ActionController::\w+Error",
    ),
    (
        "a Tomcat error page",
        r"(?-u)<h3>Apache Tomcat/[\d.]+</h3>|<b>Root Cause</b>",
    ),
    (
        "a connection string",
        r"(?i-u)\b(?:server|data source|host|addr(?:ess)?)\s*=[^;\n]{1,200};(?:[^\n]{0,300};)?\s*(?:database|initial catalog|user id|uid|user|password|pwd|username)\s*=",
    ),
    (
        "a connection string",
        r"(?i-u)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis|amqps?|mssql|sqlserver)://[^\s/:@]{1,100}:[^\s/@]{1,200}@",
    ),
    (
        "a connection string",
        r"(?i-u)\bjdbc:\w+:|\b(?:AccountKey|SharedAccessKey)\s*=\s*[\w+/]{8,}",
    ),
    (
        "a database error",
        r"(?-u)\bSQLSTATE\[|\bORA-\d{5}\b|\bSQL syntax; check the manual|\bUnclosed quotation mark after|\bsyntax error at or near ",
    ),
];

static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(LEAKS.map(|(_, pattern)| pattern)).ok());

pub(super) fn check(_: &Request, answer: &Answer) -> Option<Finding> {
    if answer.status < 400 || answer.body.is_empty() {
        return None;
    }
    let bytes = answer.body.bytes();
    let searched = &bytes[..bytes.len().min(SEARCHED)];
    // In JSON a line break is two characters: look at the strings themselves too.
    let (what, excerpt) = search(searched).or_else(|| {
        searched
            .contains(&b'\\')
            .then(|| json::read(bytes).ok().and_then(|value| search_strings(&value)))
            .flatten()
    })?;
    Some(
        Finding::new("http/leak", format!("the error body shows {what}"))
            .expected("a message for the client, nothing of the server's inside")
            .actual(excerpt),
    )
}

fn search(text: &[u8]) -> Option<(&'static str, String)> {
    let index = SET.as_ref()?.matches(text).iter().next()?;
    let (what, pattern) = LEAKS[index];
    let excerpt = Regex::new(pattern).ok().and_then(|pattern| {
        pattern
            .find(text)
            .map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned())
    });
    Some((what, excerpt.unwrap_or_default()))
}

fn search_strings(value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::String(text) => search(text.as_bytes()),
        Value::Array(items) => items.iter().find_map(search_strings),
        Value::Object(entries) => entries.values().find_map(search_strings),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAKS, SET, search};

    #[test]
    fn every_pattern_compiles() {
        assert!(SET.as_ref().is_some_and(|set| set.len() == LEAKS.len()));
    }

    #[test]
    fn leaks_are_seen_and_ordinary_messages_are_not() {
        for leak in [
            "   at Portal.Users.Activate(String id) in C:\\src\\Users.cs:line 42",
            "System.NullReferenceException: Object reference not set",
            "\tat com.example.Users.activate(Users.java:42)",
            "org.springframework.dao.DataIntegrityViolationException: x",
            "Traceback (most recent call last):",
            "File \"/srv/app.py\", line 3, in f",
            "at Object.<anonymous> (/srv/app/index.js:10:5)",
            "goroutine 1 [running]:",
            "thread 'main' panicked at src/main.rs:4:5:",
            "app/models/user.rb:12:in `save'",
            "Warning: mysql_connect() in /var/www/x.php on line 3",
            "<h1>Server Error in '/' Application.</h1>",
            "<title>Internal Server Error</title>",
            "Server=db;Database=portal;User Id=sa;Password=x;",
            "Data Source=db;Initial Catalog=portal",
            "postgres://user:word@db/portal",
            "jdbc:mysql://db/portal",
            "SQLSTATE[42000]: Syntax error",
            "ORA-00942: table or view does not exist",
        ] {
            assert!(search(leak.as_bytes()).is_some(), "{leak}");
        }
        for plain in [
            "The value '7c9e6679-7425-40de-944b-e07fc1f90ae7x' is not valid.",
            "This is not the primary tenant for this User.",
            "Not Found",
            "Look at http://example.com/a:1:2 for help",
            "The server is busy; try again at 10:30:00",
            "An exception to the rule applies",
            "Your password must have 8 characters; your user name at most 20",
        ] {
            assert!(search(plain.as_bytes()).is_none(), "{plain}");
        }
    }
}
