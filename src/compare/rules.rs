//! The rules by which differences are called changes: one row each.

use super::Level;

/// What happened. The text of a rule is its id: `body/property-removed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described by its row of the table")]
pub enum ChangeRule {
    StatusSuccessToError,
    StatusErrorToSuccess,
    StatusErrorChanged,
    StatusToServerError,
    StatusFromServerError,
    StatusSuccessChanged,
    StatusToRedirect,
    StatusFromRedirect,
    StatusRedirectChanged,
    AnswerLost,
    AnswerFound,
    AnswerMalformed,
    AnswerWellFormed,
    VerdictNewlyFailing,
    VerdictFixed,
    VerdictNewlySkipped,
    VerdictNoLongerSkipped,
    VerdictNewlyFlaky,
    VerdictNoLongerFlaky,
    VerdictCaseRemoved,
    VerdictCaseAdded,
    HeaderRemoved,
    HeaderAdded,
    HeaderValueChanged,
    HeaderMediaTypeChanged,
    HeaderCharsetChanged,
    HeaderAllowNarrowed,
    HeaderAllowWidened,
    HeaderChallengeChanged,
    HeaderCookieRemoved,
    HeaderCookieAdded,
    HeaderCookieWeakened,
    HeaderCookieRestricted,
    HeaderCookieChanged,
    BodyVanished,
    BodyAppeared,
    BodyNotJson,
    BodyBecameJson,
    BodyTextChanged,
    BodyPropertyRemoved,
    BodyPropertyAdded,
    BodyPropertyRenamed,
    BodyNamingChanged,
    BodyWrapped,
    BodyUnwrapped,
    BodyTypeChanged,
    BodyIntegerToNumber,
    BodyNumberToInteger,
    BodyBecameNull,
    BodyNoLongerNull,
    BodyBecameArray,
    BodyNoLongerArray,
    BodyFormatLost,
    BodyFormatGained,
    BodyFormatChanged,
    BodySpellingChanged,
    BodyValueChanged,
    BodyMessageChanged,
    BodyOrderChanged,
    BodyFewerItems,
    BodyMoreItems,
    LatencySlower,
    LatencyFaster,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ChangeRuleInfo {
    /// The rule.
    pub rule: ChangeRule,
    /// Its stable id.
    pub id: &'static str,
    /// How much it matters where no evidence says otherwise.
    pub level: Level,
    /// What the same change is called where baseline and candidate are swapped.
    pub mirror: ChangeRule,
    /// Whom it breaks, or why it does not.
    pub reason: &'static str,
}

/// All rules, in the order of [`ChangeRule`].
#[rustfmt::skip]
pub const CHANGE_RULES: &[ChangeRuleInfo] = {
    use ChangeRule as R;
    use Level::{Breaking, Info, Warning};
    const fn row(rule: R, id: &'static str, level: Level, mirror: R, reason: &'static str) -> ChangeRuleInfo {
        ChangeRuleInfo { rule, id, level, mirror, reason }
    }
    &[
        row(R::StatusSuccessToError, "status/success-to-error", Breaking, R::StatusErrorToSuccess, "what callers could do they no longer can"),
        row(R::StatusErrorToSuccess, "status/error-to-success", Warning, R::StatusSuccessToError, "callers that count on the error do not get it"),
        row(R::StatusErrorChanged, "status/error-changed", Warning, R::StatusErrorChanged, "callers that branch on the status take another way"),
        row(R::StatusToServerError, "status/client-to-server-error", Breaking, R::StatusFromServerError, "callers are told to try again what can never succeed"),
        row(R::StatusFromServerError, "status/server-to-client-error", Info, R::StatusToServerError, "the API now says what is wrong with the request"),
        row(R::StatusSuccessChanged, "status/success-changed", Warning, R::StatusSuccessChanged, "callers that ask for one status of success get another"),
        row(R::StatusToRedirect, "status/to-redirect", Breaking, R::StatusFromRedirect, "callers that follow no redirect get no answer"),
        row(R::StatusFromRedirect, "status/from-redirect", Warning, R::StatusToRedirect, "callers that count on the redirect do not get it"),
        row(R::StatusRedirectChanged, "status/redirect-changed", Warning, R::StatusRedirectChanged, "another redirect can be followed with another method, or be kept for good"),
        row(R::AnswerLost, "answer/lost", Warning, R::AnswerFound, "the candidate sent no response: there is nothing to compare"),
        row(R::AnswerFound, "answer/found", Info, R::AnswerLost, "where there was no answer there is one"),
        row(R::AnswerMalformed, "answer/malformed", Breaking, R::AnswerWellFormed, "a client that keeps to HTTP cannot read the answer"),
        row(R::AnswerWellFormed, "answer/well-formed", Info, R::AnswerMalformed, "the answer is HTTP now"),
        row(R::VerdictNewlyFailing, "verdict/newly-failing", Breaking, R::VerdictFixed, "what the suite demands held before and does not now"),
        row(R::VerdictFixed, "verdict/fixed", Info, R::VerdictNewlyFailing, "what the suite demands holds now"),
        row(R::VerdictNewlySkipped, "verdict/newly-skipped", Warning, R::VerdictNoLongerSkipped, "nobody knows whether it still holds"),
        row(R::VerdictNoLongerSkipped, "verdict/no-longer-skipped", Info, R::VerdictNewlySkipped, "it was not asked before"),
        row(R::VerdictNewlyFlaky, "verdict/newly-flaky", Warning, R::VerdictNoLongerFlaky, "it holds only sometimes"),
        row(R::VerdictNoLongerFlaky, "verdict/no-longer-flaky", Info, R::VerdictNewlyFlaky, "it holds at the first try now"),
        row(R::VerdictCaseRemoved, "verdict/case-removed", Warning, R::VerdictCaseAdded, "the candidate was not asked: nobody knows whether it still holds"),
        row(R::VerdictCaseAdded, "verdict/case-added", Info, R::VerdictCaseRemoved, "the baseline was not asked: there is nothing to compare with"),
        row(R::HeaderRemoved, "header/removed", Warning, R::HeaderAdded, "who reads the field finds nothing"),
        row(R::HeaderAdded, "header/added", Info, R::HeaderRemoved, "nobody is expected to mind a field more"),
        row(R::HeaderValueChanged, "header/value-changed", Warning, R::HeaderValueChanged, "who compares the value finds another one"),
        row(R::HeaderMediaTypeChanged, "header/media-type-changed", Breaking, R::HeaderMediaTypeChanged, "callers read the body by its media type"),
        row(R::HeaderCharsetChanged, "header/charset-changed", Warning, R::HeaderCharsetChanged, "who decodes by the charset can read other characters"),
        row(R::HeaderAllowNarrowed, "header/allow-narrowed", Breaking, R::HeaderAllowWidened, "a method that was offered no longer is"),
        row(R::HeaderAllowWidened, "header/allow-widened", Info, R::HeaderAllowNarrowed, "nobody has to use a method more"),
        row(R::HeaderChallengeChanged, "header/challenge-changed", Warning, R::HeaderChallengeChanged, "clients choose by the challenge how to authenticate"),
        row(R::HeaderCookieRemoved, "header/cookie-removed", Breaking, R::HeaderCookieAdded, "clients do not get the cookie and cannot send it back"),
        row(R::HeaderCookieAdded, "header/cookie-added", Info, R::HeaderCookieRemoved, "clients that do not know a cookie ignore it or send it back"),
        row(R::HeaderCookieWeakened, "header/cookie-weakened", Breaking, R::HeaderCookieRestricted, "the cookie has lost a protection: HttpOnly, Secure, Partitioned or a stricter SameSite"),
        row(R::HeaderCookieRestricted, "header/cookie-restricted", Warning, R::HeaderCookieWeakened, "scripts, plain HTTP or other sites can no longer use the cookie"),
        row(R::HeaderCookieChanged, "header/cookie-changed", Warning, R::HeaderCookieChanged, "clients send the cookie to other URLs, or keep it for another time"),
        row(R::BodyVanished, "body/vanished", Breaking, R::BodyAppeared, "who reads the body finds nothing"),
        row(R::BodyAppeared, "body/appeared", Warning, R::BodyVanished, "a client that expects no body can stumble over one"),
        row(R::BodyNotJson, "body/not-json", Breaking, R::BodyBecameJson, "who reads the body as JSON fails"),
        row(R::BodyBecameJson, "body/became-json", Info, R::BodyNotJson, "the body can be read as JSON now"),
        row(R::BodyTextChanged, "body/text-changed", Warning, R::BodyTextChanged, "who searches in the text can find something else"),
        row(R::BodyPropertyRemoved, "body/property-removed", Breaking, R::BodyPropertyAdded, "who reads the property finds nothing"),
        row(R::BodyPropertyAdded, "body/property-added", Info, R::BodyPropertyRemoved, "a reader that is tolerant, as it should be, does not mind a property more"),
        row(R::BodyPropertyRenamed, "body/property-renamed", Breaking, R::BodyPropertyRenamed, "who reads the old name finds nothing"),
        row(R::BodyNamingChanged, "body/naming-changed", Breaking, R::BodyNamingChanged, "who reads the old names finds nothing"),
        row(R::BodyWrapped, "body/wrapped", Breaking, R::BodyUnwrapped, "all that was there is one level deeper"),
        row(R::BodyUnwrapped, "body/unwrapped", Breaking, R::BodyWrapped, "all that was there is one level higher"),
        row(R::BodyTypeChanged, "body/type-changed", Breaking, R::BodyTypeChanged, "who reads a value of the old type fails"),
        row(R::BodyIntegerToNumber, "body/integer-to-number", Breaking, R::BodyNumberToInteger, "who reads an integer fails at a fraction"),
        row(R::BodyNumberToInteger, "body/number-to-integer", Info, R::BodyIntegerToNumber, "who reads any number can read an integer"),
        row(R::BodyBecameNull, "body/became-null", Breaking, R::BodyNoLongerNull, "who reads a value finds none"),
        row(R::BodyNoLongerNull, "body/no-longer-null", Info, R::BodyBecameNull, "there is a value where there was none"),
        row(R::BodyBecameArray, "body/became-array", Breaking, R::BodyNoLongerArray, "who reads one value finds a list"),
        row(R::BodyNoLongerArray, "body/no-longer-array", Breaking, R::BodyBecameArray, "who reads a list finds one value"),
        row(R::BodyFormatLost, "body/format-lost", Breaking, R::BodyFormatGained, "who parses the string fails"),
        row(R::BodyFormatGained, "body/format-gained", Info, R::BodyFormatLost, "a text that can be parsed is still a text"),
        row(R::BodyFormatChanged, "body/format-changed", Breaking, R::BodyFormatChanged, "who parses the string fails"),
        row(R::BodySpellingChanged, "body/spelling-changed", Warning, R::BodySpellingChanged, "a strict parser, or a comparison of texts, can fail at the new spelling"),
        row(R::BodyValueChanged, "body/value-changed", Warning, R::BodyValueChanged, "who compares the value finds another one"),
        row(R::BodyMessageChanged, "body/message-changed", Warning, R::BodyMessageChanged, "texts are for people; whoever searches in them breaks"),
        row(R::BodyOrderChanged, "body/order-changed", Warning, R::BodyOrderChanged, "who takes the first item takes another one"),
        row(R::BodyFewerItems, "body/fewer-items", Warning, R::BodyMoreItems, "who looks for an item can miss it"),
        row(R::BodyMoreItems, "body/more-items", Info, R::BodyFewerItems, "a list may grow"),
        row(R::LatencySlower, "latency/slower", Warning, R::LatencyFaster, "callers wait longer, and can run into their time limits"),
        row(R::LatencyFaster, "latency/faster", Info, R::LatencySlower, "nobody minds"),
    ]
};

impl ChangeRule {
    /// Its row.
    pub fn info(self) -> &'static ChangeRuleInfo {
        &CHANGE_RULES[self as usize]
    }

    /// Its stable id.
    pub fn id(self) -> &'static str {
        self.info().id
    }

    /// The rule of this id.
    pub fn of(id: &str) -> Option<Self> {
        CHANGE_RULES.iter().find(|row| row.id == id).map(|row| row.rule)
    }

    /// Whether it tells of a value and of nothing else: what is volatile has another one each time.
    pub(super) fn is_of_value(self) -> bool {
        matches!(
            self,
            Self::HeaderValueChanged
                | Self::HeaderChallengeChanged
                | Self::BodyTextChanged
                | Self::BodyValueChanged
                | Self::BodyMessageChanged
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_stands_in_its_row_and_is_the_mirror_of_its_mirror() {
        for (number, row) in CHANGE_RULES.iter().enumerate() {
            assert_eq!(row.rule as usize, number, "{}", row.id);
            assert_eq!(row.mirror.info().mirror, row.rule, "{}", row.id);
            assert_eq!(ChangeRule::of(row.id), Some(row.rule));
            assert!(!row.reason.ends_with('.') && !row.reason.is_empty());
        }
        assert_eq!(ChangeRule::LatencyFaster as usize + 1, CHANGE_RULES.len());
        let ids: BTreeSet<_> = CHANGE_RULES.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), CHANGE_RULES.len());
    }
}
