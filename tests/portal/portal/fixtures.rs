//! The identities the portal knows, under the variable names a deployment must supply.

/// The user's primary tenant.
pub(crate) const CUSTOMER_TENANT_ID: &str = "7c9e6a1f-3b52-4d8e-9f04-b1a6c2d8e735";
/// Another tenant of the same user.
pub(crate) const SECONDARY_TENANT_ID: &str = "e15d0b84-6f2c-47a9-8c3d-25f7a90b4e61";
/// A well-formed id that no customer has.
pub(crate) const UNKNOWN_TENANT_ID: &str = "0a4f8d37-c2e6-4b1d-b95a-d83e6f17c042";
/// An existing user.
pub(crate) const USER_ID: &str = "b82d5e90-1c7f-4a36-a5e8-6f3c09d4b12e";
/// An existing user of other tenants only.
pub(crate) const FOREIGN_USER_ID: &str = "4d17f3ac-98b0-4e25-81cf-a07e5b62d9f8";
/// A well-formed id that no user has.
pub(crate) const UNKNOWN_USER_ID: &str = "f6039c2b-5ae7-4d41-963b-1e8d74a0c5f2";

/// The token that is valid.
pub(crate) const TOKEN: &str = "q7Vb2nXc9LmP4tRz8KfW3sYdJh6G";
/// A token that was valid once.
pub(crate) const EXPIRED_TOKEN: &str = "Hn5uJ0eGa6BwTi1oCxQy7rZk2MvDlP3w";
/// A token that never was valid.
pub(crate) const INVALID_TOKEN: &str = "zL8dN3fSvE4pAqU6hMjXo1gKcR9bUy";

/// Every variable of the contract and its value here.
#[must_use]
pub(crate) fn variables() -> [(&'static str, &'static str); 6] {
    [
        ("customer_tenant_id", CUSTOMER_TENANT_ID),
        ("secondary_tenant_id", SECONDARY_TENANT_ID),
        ("unknown_tenant_id", UNKNOWN_TENANT_ID),
        ("user_id", USER_ID),
        ("foreign_user_id", FOREIGN_USER_ID),
        ("unknown_user_id", UNKNOWN_USER_ID),
    ]
}

/// Every secret of the contract and its value here.
#[must_use]
pub(crate) fn secrets() -> [(&'static str, &'static str); 3] {
    [
        ("token", TOKEN),
        ("expired_token", EXPIRED_TOKEN),
        ("invalid_token", INVALID_TOKEN),
    ]
}
