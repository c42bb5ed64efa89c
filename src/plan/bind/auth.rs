//! The credentials of a request.

use super::Binding;
use crate::{
    model::basic_credentials,
    source::Diagnostic,
    suite::{AuthDef, BasicDef, Template},
};

impl Binding<'_> {
    /// The value of `Authorization`; none if it is not sent.
    pub(super) fn authorization(&self, auth: &AuthDef) -> Result<Option<String>, Diagnostic> {
        Ok(Some(match auth {
            AuthDef::None => return Ok(None),
            AuthDef::Bearer(token) => {
                let value = self.header_value(token)?;
                let scheme = value.split_once([' ', '\t']).map_or("", |(scheme, _)| scheme);
                if scheme.eq_ignore_ascii_case("bearer") {
                    let error = Diagnostic::new(token.span, "the token of `bearer` begins with `Bearer`");
                    return Err(error.help("give the token alone: `Bearer` is added to it"));
                }
                format!("Bearer {value}").trim_end().to_owned()
            }
            AuthDef::Basic(BasicDef { user, password }) => {
                let (name, secret) = (self.credential(user, "user")?, self.credential(password, "password")?);
                if name.contains(':') {
                    let error = Diagnostic::new(user.span, "the user of `basic` contains a colon");
                    return Err(error.help("the first colon ends the user (RFC 7617 section 2): it cannot contain one"));
                }
                basic_credentials(&name, &secret)
            }
        }))
    }

    fn credential(&self, template: &Template, what: &str) -> Result<String, Diagnostic> {
        let value = self.scope.text(template);
        if value.chars().any(char::is_control) {
            let error = format!("the {what} of `basic` contains control characters");
            return Err(Diagnostic::new(template.span, error).help("RFC 7617 section 2 does not allow them"));
        }
        Ok(value)
    }
}
