//! What stack frames, error pages of frameworks and connection strings look like.

/// One kind of leak.
pub(super) struct Leak {
    /// Its name.
    pub(super) what: &'static str,
    /// Texts in lower case of which each match contains at least one, in any case.
    pub(super) needs: &'static [&'static str],
    /// Case-insensitive, linear; a space matches any whitespace.
    pub(super) pattern: &'static str,
}

const fn leak(what: &'static str, needs: &'static [&'static str], pattern: &'static str) -> Leak {
    Leak { what, needs, pattern }
}

/// The kinds. A message for clients never looks like one of them: an exception name or a line number alone is not
/// evidence, because parsers and validators report both about the client's own input.
#[rustfmt::skip]
pub(super) const LEAKS: [Leak; 40] = [
    leak("a .NET stack trace", &[":line "], r"\bat [\w.<>`$+\[\],]+\([^)\n]*\) in .{1,300}:line \d+"),
    leak("a .NET stack trace", &["at system.", "at microsoft.", "lambda_method"], r"\bat (?:System|Microsoft)\.[\w.<>`+\[\],|]+\(|\bat lambda_method\d*\(Closure"),
    leak("a .NET exception", &["exception"], r"\b(?:System\.(?:NullReference|IndexOutOfRange|InvalidCast|StackOverflow)Exception|(?:System\.Data|Microsoft\.Data|Microsoft\.EntityFrameworkCore|Npgsql|MySql\.Data|Oracle\.ManagedDataAccess)[\w.]*\.\w*Exception)\b[^:\n]{0,40}:"),
    leak("a Java stack trace", &[".java:", ".kt:", ".scala:", ".groovy:", ".clj:", "native method", "unknown source"], r"\bat [\w$.@/<>-]{3,300}\((?:[\w$-]+\.(?:java|kt|scala|groovy|clj):\d+|Native Method|Unknown Source)\)"),
    leak("a Java exception", &["exception", "error:"], r"\b(?:java\.lang\.(?:NullPointer|ClassCast|ArrayIndexOutOfBounds|StringIndexOutOfBounds|IndexOutOfBounds)Exception|java\.lang\.(?:OutOfMemory|StackOverflow|NoClassDefFound)Error|java\.sql\.\w*Exception|(?:org\.springframework\.(?:dao|jdbc|orm|beans)|org\.hibernate|org\.postgresql|com\.mysql|com\.microsoft\.sqlserver|oracle\.jdbc)[\w.]*\.\w*(?:Exception|Error)): "),
    leak("a Python traceback", &["traceback ("], r"Traceback \(most recent call last\)"),
    leak("a Python traceback", &[".py"], r#"File "[^"\n]{1,300}\.pyc?", line \d+, in \S"#),
    leak("a Node.js stack trace", &["file://", "node:", ".js:", ".ts:", ".mjs:", ".cjs:", ".jsx:", ".tsx:"], r"\bat (?:async )?(?:new )?[^()\n]{1,200} \((?:file:///|node:|webpack:|webpack-internal:|[a-z]:\\|/)(?:[^\s()]{1,300}\.[cm]?[jt]sx?|[\w/-]{1,100}):\d+:\d+\)"),
    leak("a Node.js stack trace", &["file://", "node:", ".js:", ".ts:", ".mjs:", ".cjs:", ".jsx:", ".tsx:"], r"(?:^|[\n>;]|  ) *at (?:async )?(?:file:///|node:|[a-z]:\\|/)(?:[^\s()]{1,300}\.[cm]?[jt]sx?|[\w/-]{1,100}):\d+:\d+"),
    leak("a Go stack trace", &["goroutine "], r"\bgoroutine \d+ \[[a-z ,\d]+\]:"),
    leak("a Go stack trace", &[".go:", "panic: runtime error", "[signal sig"], r"\.go:\d+ \+0x[0-9a-f]+|panic: runtime error: |\[signal SIG\w+: "),
    leak("a Rust panic", &["panicked at "], r"\bthread '[^'\n]{0,100}' (?:\(\d+\) )?panicked at |\bpanicked at (?:'[^\n]{0,300}', )?\S+\.rs:\d+"),
    leak("a Rust backtrace", &[".rs:"], r"\bat (?:/rustc/[0-9a-f]|\./|/)\S{1,300}\.rs:\d+"),
    leak("a Ruby stack trace", &[".rb:", ".erb:", ".ru:", ".rake:"], r"[\w./@-]+\.(?:rb|erb|ru|rake):\d+:in (?:[`']|’)"),
    leak("an Elixir stack trace", &[".ex:", ".exs:"], r"\(\w+ \d+\.\d+[\w.-]*\) [\w/.-]+\.exs?:\d+: "),
    leak("a Perl stack trace", &[".pl line", ".pm line", ".cgi line"], r"\bat /[^\s\n]{1,300}\.(?:pl|pm|cgi) line \d+\b"),
    leak("a PHP error", &[" on line "], r"\b(?:(?:Fatal|Parse|Recoverable fatal|Catchable fatal) error|Warning|Notice|Deprecated|Strict Standards)(?:</b>)?: .{1,400} in (?:<b>)?(?:/|[a-z]:\\|phar:)[^<\n]{1,300}\.(?:php\d?|phtml|inc|phar)\b[^<\n]{0,60}(?:</b>)? on line (?:<b>)?\d+"),
    leak("a PHP stack trace", &[".php("], r"#\d+ [^\n(]{1,300}\.php\(\d+\): "),
    leak("a PHP stack trace", &[".php\""], r#""file" ?: ?"[^"\n]{1,300}\.php" ?, ?"line" ?: ?\d+"#),
    leak("an ASP.NET error page", &["server error in '", "an unhandled exception occurred", "developer exception page"], r"Server Error in '[^'\n]{0,200}' Application|<title>Developer Exception Page|An unhandled exception occurred (?:while processing the request|during the execution of the current web request)"),
    leak("a Spring error page", &["whitelabel"], r"<h1>Whitelabel Error Page</h1>"),
    leak("a Django debug page", &["re seeing this error", "django version"], r"You(?:'|’)re seeing this error because you have (?:<code>)?DEBUG|Django Version:.{1,400}(?:Exception (?:Type|Value)|Python (?:Version|Executable)):"),
    leak("a Werkzeug debugger page", &["werkzeug"], r"<title>[^<]{0,300}// Werkzeug|Werkzeug powered traceback|<title>[^<]{0,300}Werkzeug Debugger"),
    leak("a Laravel or Symfony debug page", &["whoops", "symfony exception", "illuminate\\", "symfony\\component\\", "ignition"], r"<(?:h1|title)>[^<]{0,40}Whoops[,!] |Whoops\\+Exception|<h1>Symfony Exception|\b(?:Illuminate|Symfony\\+Component)\\+[\w\\]+(?:->|::|\(|Exception\b[^\]\n]{0,3}:? )|_ignition/"),
    leak("a Rails error page", &["action controller:", "actioncontroller::", "actiondispatch::", "application trace", "activerecord::", "actionview::"], r#"Action Controller: Exception caught|#<(?:ActionController|ActiveRecord|ActionView|ActionDispatch)::|"Application Trace"|\b(?:ActionController|ActionView|ActiveRecord|ActionDispatch)::[\w:]+ \(|\bActiveRecord::StatementInvalid\b"#),
    leak("a Tomcat error page", &["exception report", "<b>root cause", "<b>exception</b>"], r"<b>(?:Type</b> ?|type</b> ?)Exception Report|<b>Root Cause</b>|<b>Exception</b> ?<"),
    leak("a debug page of Phoenix", &["plug.debugger", "plug/debugger"], r"Plug\.Debugger|Plug/Debugger"),
    leak("a ColdFusion error page", &["the error occurred in"], r"The error occurred in <b>[^<]{1,300}: line \d+"),
    leak("a connection string", &["="], r"\b(?:server|data source|host|addr(?:ess)?) ?= ?[^;\n]{1,200};(?:[^\n]{0,300};)? ?(?:database|initial catalog|user id|uid|user|password|pwd|username) ?="),
    leak("a connection string", &["://"], r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|sqlserver)(?:\+\w+)?://[^\s/:@<]{1,100}:[^\s/@<]{1,200}@"),
    leak("a connection string", &["jdbc:", "accountkey", "sharedaccesskey"], r"\bjdbc:\w+:(?:thin:[^\s@]{0,100}@|//)[\w.-]+[:/]\w|\b(?:AccountKey|SharedAccessKey) ?= ?[\w+/]{8,}"),
    leak("a database error", &["sqlstate[", "ora-"], r"\bSQLSTATE\[\w{5}\]|\bORA-\d{5}: "),
    leak("a database error", &["sql syntax"], r"You have an error in your SQL syntax|\bSQL syntax; check the manual|\bSQL syntax.{1,80}(?:MySQL|MariaDB) server version"),
    leak("a database error", &["unclosed quotation", "not properly terminated", "incorrect syntax near"], r"\bUnclosed quotation mark (?:after|before) the character string|\bquoted string not properly terminated|(?:SqlException|SQL Server|Msg \d+).{0,300}Incorrect syntax near"),
    leak("a database error", &["pg::", "psycopg", "pq: ", "error: "], r"\bPG::\w+: (?:ERROR|FATAL)|\bpsycopg\d?\.(?:errors\.)?\w+|\bpq: (?:syntax error|relation |column |duplicate key|password authentication)|\bERROR: (?:syntax error at or near|relation|column|duplicate key value violates) .{1,300}(?:LINE \d+:|SQLSTATE|Position: |DETAIL:)"),
    leak("a database error", &["[sql: ", "sqlalchemy", "sqlite3.", "pymysql.", "mysqldb.", "sqlite3::", "mysql2::", "tinytds::"], r"\[SQL: |\bsqlalchemy\.exc\.\w+|\((?:sqlite3|pymysql\.err|MySQLdb|MySQLdb\._exceptions)\.\w*Error\)|\bsqlite3\.OperationalError: |\b(?:SQLite3|Mysql2|TinyTds)::\w*(?:Error|Exception): "),
    leak("a database error", &["odbc", "ole db", "native client"], r"\[Microsoft\]\[|\[ODBC |Microsoft OLE DB Provider for|ODBC \w+ Server Driver|ODBC Driver \d* ?for|SQL (?:Server )?Native Client"),
    leak("a database error", &["sequelizedatabaseerror", "er_parse_error", "er_no_such_table", "er_bad_field", "er_dup_entry", "er_access_denied", "sqlite_error", "queryfailederror", "prismaclient", "knex"], r"\bSequelizeDatabaseError: |\bER_(?:PARSE_ERROR|NO_SUCH_TABLE|BAD_FIELD_ERROR|DUP_ENTRY|ACCESS_DENIED_ERROR): |\bSQLITE_ERROR: |\bQueryFailedError: |\bPrismaClient\w*Error: .{0,200}Invalid `"),
    leak("a database error", &["could not execute", "could not extract resultset", "nested exception is"], r"could not (?:execute (?:statement|query|batch)|extract ResultSet)[;.]? ?(?:\[|SQL \[|nested exception)|nested exception is (?:java|javax|jakarta|org)\."),
    leak("a database error", &["mysql_", "pg_query", "pg_connect", "mysqli"], r"\b(?:mysql_(?:fetch|query|connect|num_rows)|mysqli_\w+|pg_(?:query|connect|exec))\w*\(\)(?: \[[^\]\n]{0,200}\])?: "),
];
