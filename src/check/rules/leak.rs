//! `http/leak`: what an error body must not show.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexSet};
use serde_json::Value;

use super::super::{Finding, view::ResponseView};
use crate::exchange::Request;

/// Largest part of a body that is searched, in bytes.
const SEARCHED: usize = 256 * 1024;

/// What a leak looks like.
struct Leak {
    /// Its name.
    what: &'static str,
    /// Texts in lower case of which each match holds at least one, in whatever case.
    needs: &'static [&'static str],
    /// Linear; line breaks may have been folded into spaces.
    pattern: &'static str,
}

/// What leaks look like.
const LEAKS: [Leak; 24] = [
    Leak {
        what: "a .NET stack trace",
        needs: &[":line "],
        pattern: r"(?-u)\bat [\w.<>`$+]+\([^)\n]*\) in .{1,300}:line \d+",
    },
    Leak {
        what: "a .NET stack trace",
        needs: &["at system.", "at microsoft."],
        pattern: r"(?-u)\bat (?:System|Microsoft)\.[\w.<>`+]+\(",
    },
    Leak {
        what: "a .NET exception",
        needs: &["exception"],
        pattern: r"(?-u)\b(?:System|Microsoft)(?:\.\w+)*\.\w*Exception\b",
    },
    Leak {
        what: "a Java stack trace",
        needs: &[".java:", ".kt:", ".scala:"],
        pattern: r"(?-u)\bat [\w$.]+\([\w$]+\.(?:java|kt|scala):\d+\)",
    },
    Leak {
        what: "a Java exception",
        needs: &["java.", "javax.", "jakarta.", "org.springframework.", "org.hibernate."],
        pattern: r"(?-u)\b(?:java|javax|jakarta|org\.springframework|org\.hibernate)(?:\.\w+)+(?:Exception|Error)\b",
    },
    Leak {
        what: "a Python traceback",
        needs: &["traceback ("],
        pattern: r"(?-u)Traceback \(most recent call last\)",
    },
    Leak {
        what: "a Python traceback",
        needs: &[".py"],
        pattern: r#"(?-u)File \\?"[^"\n]{1,300}\.py\\?", line \d+"#,
    },
    Leak {
        what: "a Node.js stack trace",
        needs: &["file://", "node:", ":\\", "/"],
        pattern: r"(?-u)\bat (?:[\w.<>\[\] ]+ \()?(?:file://|node:|[A-Za-z]:\\|/)[^\s()]{1,300}:\d+:\d+\)?",
    },
    Leak {
        what: "a Go stack trace",
        needs: &["goroutine "],
        pattern: r"(?-u)\bgoroutine \d+ \[",
    },
    Leak {
        what: "a Rust panic",
        needs: &["panicked at "],
        pattern: r"(?-u)\bpanicked at \S+\.rs:\d+",
    },
    Leak {
        what: "a Ruby stack trace",
        needs: &[".rb:"],
        pattern: r"(?-u)[\w./-]+\.rb:\d+:in [`']",
    },
    Leak {
        what: "a PHP error",
        needs: &[" on line "],
        pattern: r"(?-u)(?:Fatal error|Warning|Parse error|Notice)(?:</b>)?:.{1,400} on line (?:<b>)?\d+",
    },
    Leak {
        what: "a PHP stack trace",
        needs: &[".php("],
        pattern: r"(?-u)#\d+ [^\n(]{1,300}\.php\(\d+\): ",
    },
    Leak {
        what: "an ASP.NET error page",
        needs: &[
            "server error in '",
            "<title>internal",
            "<title>runtime",
            "developer exception page",
            "an unhandled exception",
        ],
        pattern: r"(?-u)Server Error in '[^']{0,200}' Application|<title>(?:Internal Server Error|Runtime Error)</title>|Developer Exception Page|An unhandled exception occurred while processing the request",
    },
    Leak {
        what: "a Spring error page",
        needs: &["whitelabel"],
        pattern: r"(?-u)Whitelabel Error Page",
    },
    Leak {
        what: "a Django debug page",
        needs: &["re seeing this error"],
        pattern: r"(?-u)You(?:'|&#x27;)re seeing this error because you have <code>DEBUG",
    },
    Leak {
        what: "a Werkzeug debugger page",
        needs: &["werkzeug"],
        pattern: r"(?-u)Werkzeug (?:Debugger|powered)|<title>[^<]{0,200}// Werkzeug",
    },
    Leak {
        what: "a Laravel or Symfony debug page",
        needs: &["whoops", "symfony exception", "illuminate\\"],
        pattern: r"(?-u)Whoops, looks like something went wrong|Symfony Exception|Illuminate\\+\w+",
    },
    Leak {
        what: "a Rails error page",
        needs: &["action controller:", "actioncontroller::"],
        pattern: r"(?-u)Action Controller: Exception caught|ActionController::\w+Error",
    },
    Leak {
        what: "a Tomcat error page",
        needs: &["apache tomcat/", "<b>root cause"],
        pattern: r"(?-u)<h3>Apache Tomcat/[\d.]+</h3>|<b>Root Cause</b>",
    },
    Leak {
        what: "a connection string",
        needs: &["="],
        pattern: r"(?i-u)\b(?:server|data source|host|addr(?:ess)?)\s*=[^;\n]{1,200};(?:[^\n]{0,300};)?\s*(?:database|initial catalog|user id|uid|user|password|pwd|username)\s*=",
    },
    Leak {
        what: "a connection string",
        needs: &["://"],
        pattern: r"(?i-u)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|redis|amqps?|mssql|sqlserver)://[^\s/:@]{1,100}:[^\s/@]{1,200}@",
    },
    Leak {
        what: "a connection string",
        needs: &["jdbc:", "accountkey", "sharedaccesskey"],
        pattern: r"(?i-u)\bjdbc:\w+:|\b(?:AccountKey|SharedAccessKey)\s*=\s*[\w+/]{8,}",
    },
    Leak {
        what: "a database error",
        needs: &[
            "sqlstate[",
            "ora-",
            "sql syntax;",
            "unclosed quotation",
            "syntax error at",
        ],
        pattern: r"(?-u)\bSQLSTATE\[|\bORA-\d{5}\b|\bSQL syntax; check the manual|\bUnclosed quotation mark after|\bsyntax error at or near ",
    },
];

/// Tells in an instant what no pattern can match: most texts, and then no pattern is compiled.
static NEEDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(LEAKS.iter().flat_map(|leak| leak.needs))
        .ok()
});

static SET: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(LEAKS.iter().map(|leak| leak.pattern)).ok());

pub(super) fn check(_: &Request, answer: &ResponseView<'_>) -> Option<Finding> {
    if answer.status < 400 || answer.body.is_empty() {
        return None;
    }
    let bytes = answer.bytes().ok()?;
    let searched = &bytes[..bytes.len().min(SEARCHED)];
    // In JSON a line break is two characters: look at the strings themselves too.
    let (what, excerpt) = search(searched).or_else(|| {
        searched
            .contains(&b'\\')
            .then(|| answer.json().ok().and_then(search_strings))
            .flatten()
    })?;
    Some(
        Finding::new("http/leak", format!("the error body shows {what}"))
            .expected("a message for the client, nothing of the server's inside")
            .actual(excerpt),
    )
}

fn search(text: &[u8]) -> Option<(&'static str, String)> {
    if NEEDS.as_ref().is_some_and(|needs| !needs.is_match(text)) {
        return None;
    }
    let index = SET.as_ref()?.matches(text).iter().next()?;
    let Leak { what, pattern, .. } = LEAKS[index];
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
    use super::{LEAKS, NEEDS, SET, search};

    #[test]
    fn every_pattern_compiles() {
        assert!(SET.as_ref().is_some_and(|set| set.len() == LEAKS.len()));
        assert!(NEEDS.is_some());
    }

    #[test]
    fn leaks_are_seen_and_ordinary_messages_are_not() {
        let mut unseen: Vec<_> = (0..LEAKS.len()).collect();
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
            "   at System.Threading.Tasks.Task.Execute()",
            "#0 /srv/app/public/index.php(12): App->run()",
            "<h1>Whitelabel Error Page</h1>",
            "You're seeing this error because you have <code>DEBUG = True</code>",
            "<title>ZeroDivisionError // Werkzeug Debugger</title>",
            "Whoops, looks like something went wrong.",
            "Action Controller: Exception caught",
            "<h3>Apache Tomcat/9.0.1</h3>",
        ] {
            assert!(search(leak.as_bytes()).is_some(), "{leak}");
            // Each pattern that matches has one of its own needs in the text.
            let lower = leak.to_lowercase();
            for index in SET.as_ref().unwrap().matches(leak.as_bytes()) {
                assert!(
                    LEAKS[index].needs.iter().any(|need| lower.contains(need)),
                    "{leak}: {index}"
                );
                unseen.retain(|unseen| *unseen != index);
            }
        }
        assert_eq!(unseen, [0; 0], "no example for these");
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
