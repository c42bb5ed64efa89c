//! What only the vendor's developers should see: stacks, queries, connection strings, error pages.

use super::{Fault, edit, edit_with};
use crate::portal::behavior::Behavior;
use crate::portal::row::{NO_SUCH_USER, NOT_FOUND, Row, UNAUTHORIZED};

const MALFORMED: &[Row] = &[Row::MalformedTenant];
const NOT_PRIMARY: &[Row] = &[Row::NotPrimary];
const NO_TENANT: &[Row] = &[Row::UnknownTenant];

const DOTNET: &str = "\r\n   at System.Guid.GuidResult.SetFailure(ParseFailure failureKind)\r\n   at System.Guid.Parse(String input)\r\n   at Portal.Api.Controllers.CustomersController.SendActivationEmail(String customerTenantId, String userId) in C:\\agent\\_work\\1\\s\\Portal.Api\\CustomersController.cs:line 118";
const JAVA: &str = "java.util.NoSuchElementException: No value present\n\tat java.base/java.util.Optional.orElseThrow(Optional.java:377)\n\tat com.vendor.portal.UserService.find(UserService.java:42)";
const PYTHON: &str = "Traceback (most recent call last):\n  File \"/srv/portal/views.py\", line 87, in send_activation_email\n    user = User.objects.get(pk=user_id)\nportal.models.User.DoesNotExist: User matching query does not exist.\n";
const SQL: &str = "Login failed: Server=tcp:portal-na.database.windows.net,1433;Initial Catalog=portal;User ID=portal_app;Password=hunter2!;Encrypt=True;";
const PAGE: &str = "<!DOCTYPE html><html><head><title>Internal Server Error</title></head><body><h1>An unhandled exception occurred while processing the request.</h1><p>NullReferenceException: Object reference not set to an instance of an object.</p><pre>Portal.Api.Users.Find(Guid id) in Users.cs</pre></body></html>";

/// Says this instead of the message.
fn says(rows: &'static [Row], message: &'static str) -> Behavior {
    edit(rows, move |a| a.text("message", message))
}

// Long: a table of faults.
pub(super) fn all() -> Vec<Fault> {
    vec![
        (
            "dotnet-stack-in-the-message-of-malformed",
            edit(MALFORMED, |a| a.reword(|m| format!("{m}{DOTNET}"))),
        ),
        (
            "dotnet-stack-in-the-message-of-not-found",
            edit(NOT_FOUND, |a| a.reword(|m| format!("{m}{DOTNET}"))),
        ),
        ("java-stack-in-the-message", says(NO_SUCH_USER, JAVA)),
        (
            "python-traceback-for-a-body",
            edit(NOT_FOUND, |a| {
                a.content("text/plain; charset=utf-8", PYTHON);
            }),
        ),
        (
            "python-traceback-with-500",
            edit(NO_SUCH_USER, |a| {
                a.turn_into(500);
                a.content("text/plain; charset=utf-8", PYTHON);
            }),
        ),
        ("connection-string-in-the-message", says(NO_TENANT, SQL)),
        (
            "sql-query-in-the-message",
            says(
                NO_SUCH_USER,
                "no rows: SELECT id, email FROM users WHERE tenant_id = $1",
            ),
        ),
        (
            "sql-error-in-the-message-of-malformed",
            says(
                MALFORMED,
                "Conversion failed when converting from a character string to uniqueidentifier.",
            ),
        ),
        (
            "primary-tenant-named-in-the-message",
            edit(NOT_PRIMARY, |a| {
                a.text(
                    "message",
                    &format!(
                        "This is not the primary tenant for this User ({}).",
                        crate::portal::fixtures::CUSTOMER_TENANT_ID
                    ),
                );
            }),
        ),
        (
            "developer-error-page-with-500",
            edit(NOT_PRIMARY, |a| {
                a.turn_into(500);
                a.content("text/html; charset=utf-8", PAGE);
            }),
        ),
        (
            "developer-error-page-with-404",
            edit(NOT_FOUND, |a| a.content("text/html; charset=utf-8", PAGE)),
        ),
        (
            "developer-error-page-on-401",
            edit(UNAUTHORIZED, |a| {
                a.content("text/html; charset=utf-8", PAGE);
            }),
        ),
        (
            "token-in-the-body-of-401",
            edit_with(&[Row::InvalidToken], |a, scene| {
                let token = scene.call.bearer.clone().unwrap_or_default();
                a.content("text/plain; charset=utf-8", format!("invalid token: {token}"));
            }),
        ),
        (
            "proxy-error-page-with-502",
            edit(&[Row::Valid], |a| {
                a.turn_into(502);
                a.content(
                    "text/html",
                    "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
                );
            }),
        ),
    ]
}
