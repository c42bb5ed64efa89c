//! The rules by which differences are called changes: one row each.

use super::ChangeLevel;

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
    ResponseLost,
    ResponseFound,
    ResponseMalformed,
    ResponseWellFormed,
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
    StatusRemoved,
    StatusAdded,
    HeaderOptional,
    HeaderRequired,
    HeaderValuesWidened,
    HeaderValuesNarrowed,
    HeaderMediaTypeRemoved,
    HeaderMediaTypeAdded,
    BodyTypeWidened,
    BodyTypeNarrowed,
    BodyPropertyOptional,
    BodyPropertyRequired,
    BodyEnumValueAdded,
    BodyEnumValueRemoved,
    BodyValuesOpened,
    BodyValuesClosed,
    BodyBoundWidened,
    BodyBoundTightened,
    BodyPatternChanged,
    BodyAdditionalAllowed,
    BodyAdditionalForbidden,
    BodyAlternativeAdded,
    BodyAlternativeRemoved,
    RequestParameterRequired,
    RequestParameterOptional,
    RequestParameterRemoved,
    RequestParameterAdded,
    RequestParameterStyleChanged,
    RequestBodyRequired,
    RequestBodyOptional,
    RequestBodyRemoved,
    RequestBodyAdded,
    RequestMediaTypeRemoved,
    RequestMediaTypeAdded,
    RequestPropertyRequired,
    RequestPropertyOptional,
    RequestPropertyRemoved,
    RequestPropertyAdded,
    RequestTypeNarrowed,
    RequestTypeWidened,
    RequestTypeChanged,
    RequestNullForbidden,
    RequestNullAllowed,
    RequestFormatAdded,
    RequestFormatRemoved,
    RequestFormatChanged,
    RequestEnumValueRemoved,
    RequestEnumValueAdded,
    RequestValuesClosed,
    RequestValuesOpened,
    RequestBoundTightened,
    RequestBoundWidened,
    RequestPatternChanged,
    RequestAdditionalForbidden,
    RequestAdditionalAllowed,
    RequestAlternativeRemoved,
    RequestAlternativeAdded,
    RequestDefaultChanged,
    RequestSecurityTightened,
    RequestSecurityRelaxed,
    RequestSecurityChanged,
    OperationRemoved,
    OperationAdded,
    DocumentDeprecated,
    DocumentNoLongerDeprecated,
    DocumentServerRemoved,
    DocumentServerAdded,
    DocumentNotCompared,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ChangeRuleInfo {
    /// The rule.
    pub rule: ChangeRule,
    /// Its stable id.
    pub id: &'static str,
    /// Its level, unless evidence sets a different one.
    pub level: ChangeLevel,
    /// The rule of the same change with baseline and candidate swapped.
    pub mirror: ChangeRule,
    /// Which clients it breaks, or why it does not.
    pub reason: &'static str,
}

/// All rules, in the order of [`ChangeRule`].
#[rustfmt::skip]
pub const CHANGE_RULES: &[ChangeRuleInfo] = {
    use ChangeRule as R;
    use super::ChangeLevel::{Breaking, Info, Warning};
    const fn row(rule: R, id: &'static str, level: ChangeLevel, mirror: R, reason: &'static str) -> ChangeRuleInfo {
        ChangeRuleInfo { rule, id, level, mirror, reason }
    }
    &[
        row(R::StatusSuccessToError, "status/success-to-error", Breaking, R::StatusErrorToSuccess, "a request that clients could make no longer succeeds"),
        row(R::StatusErrorToSuccess, "status/error-to-success", Warning, R::StatusSuccessToError, "clients that depend on the error do not receive it"),
        row(R::StatusErrorChanged, "status/error-changed", Warning, R::StatusErrorChanged, "clients that branch on the status take a different branch"),
        row(R::StatusToServerError, "status/client-to-server-error", Breaking, R::StatusFromServerError, "the status makes clients retry a request that cannot succeed"),
        row(R::StatusFromServerError, "status/server-to-client-error", Info, R::StatusToServerError, "the API now reports an error of the request"),
        row(R::StatusSuccessChanged, "status/success-changed", Warning, R::StatusSuccessChanged, "clients that require the previous success status fail"),
        row(R::StatusToRedirect, "status/to-redirect", Breaking, R::StatusFromRedirect, "clients that do not follow redirects do not get the response"),
        row(R::StatusFromRedirect, "status/from-redirect", Warning, R::StatusToRedirect, "clients that depend on the redirect do not receive it"),
        row(R::StatusRedirectChanged, "status/redirect-changed", Warning, R::StatusRedirectChanged, "clients can follow a different redirect with a different method, or cache it permanently"),
        row(R::ResponseLost, "response/lost", Warning, R::ResponseFound, "the candidate sent no response, so there is nothing to compare"),
        row(R::ResponseFound, "response/found", Info, R::ResponseLost, "the baseline sent no response, and the candidate sent one"),
        row(R::ResponseMalformed, "response/malformed", Breaking, R::ResponseWellFormed, "a client that implements HTTP strictly cannot parse the response"),
        row(R::ResponseWellFormed, "response/well-formed", Info, R::ResponseMalformed, "the response is valid HTTP now"),
        row(R::VerdictNewlyFailing, "verdict/newly-failing", Breaking, R::VerdictFixed, "a check of the suite passed before and fails now"),
        row(R::VerdictFixed, "verdict/fixed", Info, R::VerdictNewlyFailing, "a check of the suite failed before and passes now"),
        row(R::VerdictNewlySkipped, "verdict/newly-skipped", Warning, R::VerdictNoLongerSkipped, "it is not known whether the case still passes"),
        row(R::VerdictNoLongerSkipped, "verdict/no-longer-skipped", Info, R::VerdictNewlySkipped, "the case was not run before"),
        row(R::VerdictNewlyFlaky, "verdict/newly-flaky", Warning, R::VerdictNoLongerFlaky, "the case passes only on a retry"),
        row(R::VerdictNoLongerFlaky, "verdict/no-longer-flaky", Info, R::VerdictNewlyFlaky, "the case passes on the first attempt now"),
        row(R::VerdictCaseRemoved, "verdict/case-removed", Warning, R::VerdictCaseAdded, "the candidate did not run the case, so it is not known whether it still passes"),
        row(R::VerdictCaseAdded, "verdict/case-added", Info, R::VerdictCaseRemoved, "the baseline did not run the case, so there is nothing to compare with"),
        row(R::HeaderRemoved, "header/removed", Warning, R::HeaderAdded, "clients that read the field will fail"),
        row(R::HeaderAdded, "header/added", Info, R::HeaderRemoved, "clients are expected to ignore additional fields"),
        row(R::HeaderValueChanged, "header/value-changed", Warning, R::HeaderValueChanged, "clients that compare the value find a different one"),
        row(R::HeaderMediaTypeChanged, "header/media-type-changed", Breaking, R::HeaderMediaTypeChanged, "clients parse the body by its media type"),
        row(R::HeaderCharsetChanged, "header/charset-changed", Warning, R::HeaderCharsetChanged, "clients that decode by the charset can read different characters"),
        row(R::HeaderAllowNarrowed, "header/allow-narrowed", Breaking, R::HeaderAllowWidened, "a method is no longer offered"),
        row(R::HeaderAllowWidened, "header/allow-widened", Info, R::HeaderAllowNarrowed, "clients do not have to use an additional method"),
        row(R::HeaderChallengeChanged, "header/challenge-changed", Warning, R::HeaderChallengeChanged, "clients choose by the challenge how to authenticate"),
        row(R::HeaderCookieRemoved, "header/cookie-removed", Breaking, R::HeaderCookieAdded, "clients do not get the cookie and cannot send it back"),
        row(R::HeaderCookieAdded, "header/cookie-added", Info, R::HeaderCookieRemoved, "clients that do not know a cookie ignore it or send it back"),
        row(R::HeaderCookieWeakened, "header/cookie-weakened", Breaking, R::HeaderCookieRestricted, "the cookie has lost a protection: HttpOnly, Secure, Partitioned or a stricter SameSite"),
        row(R::HeaderCookieRestricted, "header/cookie-restricted", Warning, R::HeaderCookieWeakened, "scripts, plain HTTP or other sites can no longer use the cookie"),
        row(R::HeaderCookieChanged, "header/cookie-changed", Warning, R::HeaderCookieChanged, "clients send the cookie to other URLs, or keep it for another time"),
        row(R::BodyVanished, "body/vanished", Breaking, R::BodyAppeared, "clients that read the body will fail"),
        row(R::BodyAppeared, "body/appeared", Warning, R::BodyVanished, "a client that expects no body can fail"),
        row(R::BodyNotJson, "body/not-json", Breaking, R::BodyBecameJson, "clients that parse the body as JSON will fail"),
        row(R::BodyBecameJson, "body/became-json", Info, R::BodyNotJson, "the body can be parsed as JSON now"),
        row(R::BodyTextChanged, "body/text-changed", Warning, R::BodyTextChanged, "clients that search the text can find something different"),
        row(R::BodyPropertyRemoved, "body/property-removed", Breaking, R::BodyPropertyAdded, "clients that read the property will fail"),
        row(R::BodyPropertyAdded, "body/property-added", Info, R::BodyPropertyRemoved, "tolerant clients ignore additional properties"),
        row(R::BodyPropertyRenamed, "body/property-renamed", Breaking, R::BodyPropertyRenamed, "clients that read the old name will fail"),
        row(R::BodyNamingChanged, "body/naming-changed", Breaking, R::BodyNamingChanged, "clients that read the old names will fail"),
        row(R::BodyWrapped, "body/wrapped", Breaking, R::BodyUnwrapped, "the content is one level deeper"),
        row(R::BodyUnwrapped, "body/unwrapped", Breaking, R::BodyWrapped, "the content is one level higher"),
        row(R::BodyTypeChanged, "body/type-changed", Breaking, R::BodyTypeChanged, "clients that read a value of the old type will fail"),
        row(R::BodyIntegerToNumber, "body/integer-to-number", Breaking, R::BodyNumberToInteger, "clients that read an integer fail for a fraction"),
        row(R::BodyNumberToInteger, "body/number-to-integer", Info, R::BodyIntegerToNumber, "clients that read any number can read an integer"),
        row(R::BodyBecameNull, "body/became-null", Breaking, R::BodyNoLongerNull, "clients that require a value will fail"),
        row(R::BodyNoLongerNull, "body/no-longer-null", Info, R::BodyBecameNull, "there is a value where there was none"),
        row(R::BodyBecameArray, "body/became-array", Breaking, R::BodyNoLongerArray, "clients that read one value find a list"),
        row(R::BodyNoLongerArray, "body/no-longer-array", Breaking, R::BodyBecameArray, "clients that read a list find one value"),
        row(R::BodyFormatLost, "body/format-lost", Breaking, R::BodyFormatGained, "clients that parse the string will fail"),
        row(R::BodyFormatGained, "body/format-gained", Info, R::BodyFormatLost, "clients that read the string as text are not affected"),
        row(R::BodyFormatChanged, "body/format-changed", Breaking, R::BodyFormatChanged, "clients that parse the string will fail"),
        row(R::BodySpellingChanged, "body/spelling-changed", Warning, R::BodySpellingChanged, "strict parsers and comparisons of strings can fail for the new spelling"),
        row(R::BodyValueChanged, "body/value-changed", Warning, R::BodyValueChanged, "clients that compare the value find a different one"),
        row(R::BodyMessageChanged, "body/message-changed", Warning, R::BodyMessageChanged, "the text is for people, and clients that search it will fail"),
        row(R::BodyOrderChanged, "body/order-changed", Warning, R::BodyOrderChanged, "clients that use the first item get a different one"),
        row(R::BodyFewerItems, "body/fewer-items", Warning, R::BodyMoreItems, "clients that look for an item can miss it"),
        row(R::BodyMoreItems, "body/more-items", Info, R::BodyFewerItems, "clients are expected to accept longer lists"),
        row(R::LatencySlower, "latency/slower", Warning, R::LatencyFaster, "clients wait longer and can exceed their timeouts"),
        row(R::LatencyFaster, "latency/faster", Info, R::LatencySlower, "clients are not affected"),
        row(R::StatusRemoved, "status/removed", Warning, R::StatusAdded, "clients that expect the status do not receive it"),
        row(R::StatusAdded, "status/added", Info, R::StatusRemoved, "clients are expected to handle a status that they do not know by its class"),
        row(R::HeaderOptional, "header/optional", Warning, R::HeaderRequired, "clients that read the field can find it missing"),
        row(R::HeaderRequired, "header/required", Info, R::HeaderOptional, "the field is always sent"),
        row(R::HeaderValuesWidened, "header/values-widened", Warning, R::HeaderValuesNarrowed, "clients can receive a value that the document did not allow before"),
        row(R::HeaderValuesNarrowed, "header/values-narrowed", Info, R::HeaderValuesWidened, "every value was allowed before"),
        row(R::HeaderMediaTypeRemoved, "header/media-type-removed", Breaking, R::HeaderMediaTypeAdded, "clients that accept only this media type get none"),
        row(R::HeaderMediaTypeAdded, "header/media-type-added", Info, R::HeaderMediaTypeRemoved, "clients choose by `Accept` what they receive"),
        row(R::BodyTypeWidened, "body/type-widened", Breaking, R::BodyTypeNarrowed, "clients that read a value of the old types fail for the others"),
        row(R::BodyTypeNarrowed, "body/type-narrowed", Info, R::BodyTypeWidened, "every value was allowed before"),
        row(R::BodyPropertyOptional, "body/property-optional", Breaking, R::BodyPropertyRequired, "clients that read the property can find it missing"),
        row(R::BodyPropertyRequired, "body/property-required", Info, R::BodyPropertyOptional, "the property is always present"),
        row(R::BodyEnumValueAdded, "body/enum-value-added", Warning, R::BodyEnumValueRemoved, "clients that branch on the values do not know the new one"),
        row(R::BodyEnumValueRemoved, "body/enum-value-removed", Info, R::BodyEnumValueAdded, "every value was allowed before"),
        row(R::BodyValuesOpened, "body/values-opened", Warning, R::BodyValuesClosed, "clients that branch on the values can receive others"),
        row(R::BodyValuesClosed, "body/values-closed", Info, R::BodyValuesOpened, "every value was allowed before"),
        row(R::BodyBoundWidened, "body/bound-widened", Warning, R::BodyBoundTightened, "clients can receive a value beyond the old limit"),
        row(R::BodyBoundTightened, "body/bound-tightened", Info, R::BodyBoundWidened, "every value was allowed before"),
        row(R::BodyPatternChanged, "body/pattern-changed", Warning, R::BodyPatternChanged, "clients that parse the text by the old pattern can fail"),
        row(R::BodyAdditionalAllowed, "body/additional-properties-allowed", Info, R::BodyAdditionalForbidden, "tolerant clients ignore additional properties"),
        row(R::BodyAdditionalForbidden, "body/additional-properties-forbidden", Info, R::BodyAdditionalAllowed, "clients do not have to read additional properties"),
        row(R::BodyAlternativeAdded, "body/alternative-added", Warning, R::BodyAlternativeRemoved, "clients that handle each alternative do not know the new one"),
        row(R::BodyAlternativeRemoved, "body/alternative-removed", Info, R::BodyAlternativeAdded, "clients receive only alternatives that they know"),
        row(R::RequestParameterRequired, "request/parameter-required", Breaking, R::RequestParameterOptional, "requests without the parameter are rejected"),
        row(R::RequestParameterOptional, "request/parameter-optional", Info, R::RequestParameterRequired, "requests with the parameter are still valid"),
        row(R::RequestParameterRemoved, "request/parameter-removed", Warning, R::RequestParameterAdded, "clients that send the parameter are ignored or rejected"),
        row(R::RequestParameterAdded, "request/parameter-added", Info, R::RequestParameterRemoved, "requests without the parameter are still valid"),
        row(R::RequestParameterStyleChanged, "request/parameter-style-changed", Breaking, R::RequestParameterStyleChanged, "a list or an object is read differently from what clients send"),
        row(R::RequestBodyRequired, "request/body-required", Breaking, R::RequestBodyOptional, "requests without a body are rejected"),
        row(R::RequestBodyOptional, "request/body-optional", Info, R::RequestBodyRequired, "requests with a body are still valid"),
        row(R::RequestBodyRemoved, "request/body-removed", Warning, R::RequestBodyAdded, "the body that clients send is ignored or rejected"),
        row(R::RequestBodyAdded, "request/body-added", Info, R::RequestBodyRemoved, "requests without a body are still valid"),
        row(R::RequestMediaTypeRemoved, "request/media-type-removed", Breaking, R::RequestMediaTypeAdded, "requests with content of this media type are rejected"),
        row(R::RequestMediaTypeAdded, "request/media-type-added", Info, R::RequestMediaTypeRemoved, "clients do not have to use it"),
        row(R::RequestPropertyRequired, "request/property-required", Breaking, R::RequestPropertyOptional, "requests without the property are rejected"),
        row(R::RequestPropertyOptional, "request/property-optional", Info, R::RequestPropertyRequired, "requests with the property are still valid"),
        row(R::RequestPropertyRemoved, "request/property-removed", Warning, R::RequestPropertyAdded, "the property that clients send is ignored or rejected"),
        row(R::RequestPropertyAdded, "request/property-added", Info, R::RequestPropertyRemoved, "requests without the property are still valid"),
        row(R::RequestTypeNarrowed, "request/type-narrowed", Breaking, R::RequestTypeWidened, "values that clients could send are rejected"),
        row(R::RequestTypeWidened, "request/type-widened", Info, R::RequestTypeNarrowed, "all values that clients send are still valid"),
        row(R::RequestTypeChanged, "request/type-changed", Breaking, R::RequestTypeChanged, "values that clients could send are rejected"),
        row(R::RequestNullForbidden, "request/null-forbidden", Breaking, R::RequestNullAllowed, "requests with null are rejected"),
        row(R::RequestNullAllowed, "request/null-allowed", Info, R::RequestNullForbidden, "all values that clients send are still valid"),
        row(R::RequestFormatAdded, "request/format-added", Warning, R::RequestFormatRemoved, "texts in another format can be rejected"),
        row(R::RequestFormatRemoved, "request/format-removed", Info, R::RequestFormatAdded, "all texts that clients send are still valid"),
        row(R::RequestFormatChanged, "request/format-changed", Breaking, R::RequestFormatChanged, "texts in the old format are rejected"),
        row(R::RequestEnumValueRemoved, "request/enum-value-removed", Breaking, R::RequestEnumValueAdded, "requests with the value are rejected"),
        row(R::RequestEnumValueAdded, "request/enum-value-added", Info, R::RequestEnumValueRemoved, "clients do not have to use it"),
        row(R::RequestValuesClosed, "request/values-closed", Breaking, R::RequestValuesOpened, "values that are not listed are rejected"),
        row(R::RequestValuesOpened, "request/values-opened", Info, R::RequestValuesClosed, "all values that clients send are still valid"),
        row(R::RequestBoundTightened, "request/bound-tightened", Breaking, R::RequestBoundWidened, "values between the old and the new limit are rejected"),
        row(R::RequestBoundWidened, "request/bound-widened", Info, R::RequestBoundTightened, "all values that clients send are still valid"),
        row(R::RequestPatternChanged, "request/pattern-changed", Warning, R::RequestPatternChanged, "texts that match only the old pattern are rejected"),
        row(R::RequestAdditionalForbidden, "request/additional-properties-forbidden", Breaking, R::RequestAdditionalAllowed, "requests with other properties than the declared ones are rejected"),
        row(R::RequestAdditionalAllowed, "request/additional-properties-allowed", Info, R::RequestAdditionalForbidden, "all requests that clients send are still valid"),
        row(R::RequestAlternativeRemoved, "request/alternative-removed", Breaking, R::RequestAlternativeAdded, "requests of this form are rejected"),
        row(R::RequestAlternativeAdded, "request/alternative-added", Info, R::RequestAlternativeRemoved, "clients do not have to use it"),
        row(R::RequestDefaultChanged, "request/default-changed", Warning, R::RequestDefaultChanged, "a request without the value means something different"),
        row(R::RequestSecurityTightened, "request/security-tightened", Breaking, R::RequestSecurityRelaxed, "credentials that were enough are rejected"),
        row(R::RequestSecurityRelaxed, "request/security-relaxed", Info, R::RequestSecurityTightened, "credentials that clients send are still enough"),
        row(R::RequestSecurityChanged, "request/security-scheme-changed", Warning, R::RequestSecurityChanged, "clients get or send their credentials in a different way"),
        row(R::OperationRemoved, "operation/removed", Breaking, R::OperationAdded, "requests of clients are rejected"),
        row(R::OperationAdded, "operation/added", Info, R::OperationRemoved, "clients do not have to use it"),
        row(R::DocumentDeprecated, "document/deprecated", Info, R::DocumentNoLongerDeprecated, "it still works, and clients should stop using it"),
        row(R::DocumentNoLongerDeprecated, "document/no-longer-deprecated", Info, R::DocumentDeprecated, "clients can use it"),
        row(R::DocumentServerRemoved, "document/server-removed", Warning, R::DocumentServerAdded, "clients that use the URL can fail"),
        row(R::DocumentServerAdded, "document/server-added", Info, R::DocumentServerRemoved, "clients do not have to use it"),
        row(R::DocumentNotCompared, "document/not-compared", Warning, R::DocumentNotCompared, "a difference that is not classified can break clients"),
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

    /// Whether only a comparison of two documents reports it.
    pub fn is_of_documents(self) -> bool {
        self > Self::LatencyFaster
    }

    /// Whether a document can declare what it is about: a status, a header field, a name or a type.
    pub(super) fn is_declarable(self) -> bool {
        !self.is_of_recordings()
            && !matches!(
                self,
                Self::BodySpellingChanged | Self::BodyOrderChanged | Self::BodyFewerItems | Self::BodyMoreItems
            )
    }

    /// Whether only a comparison of two recordings reports it.
    pub(super) fn is_of_recordings(self) -> bool {
        let kind = self.id().split('/').next().unwrap_or_default();
        self.is_of_value() || ["response", "verdict", "latency"].contains(&kind)
    }

    /// Whether it is about a value only: volatile values differ each time.
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
    fn every_rule_has_a_row_and_is_the_mirror_of_its_mirror() {
        for (number, row) in CHANGE_RULES.iter().enumerate() {
            assert_eq!(row.rule as usize, number, "{}", row.id);
            assert_eq!(row.mirror.info().mirror, row.rule, "{}", row.id);
            assert_eq!(ChangeRule::of(row.id), Some(row.rule));
            assert!(!row.reason.ends_with('.') && !row.reason.is_empty());
        }
        assert_eq!(ChangeRule::DocumentNotCompared as usize + 1, CHANGE_RULES.len());
        let ids: BTreeSet<_> = CHANGE_RULES.iter().map(|row| row.id).collect();
        assert_eq!(ids.len(), CHANGE_RULES.len());
    }
}
