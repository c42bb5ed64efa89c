//! The value of `Authorization` of a request that is signed for AWS.

/// The header fields that a signature adds, except the session token.
pub(crate) const AWS_FIELDS: [&str; 3] = ["authorization", "x-amz-date", "x-amz-content-sha256"];

/// The value up to the signature, and the signature.
pub(crate) fn aws_signature(value: &str) -> Option<(&str, &str)> {
    const SIGNATURE: &str = "Signature=";
    value.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let at = value.find(SIGNATURE)? + SIGNATURE.len();
    Some(value.split_at(at))
}

/// The id of the access key, the region and the service.
pub(crate) fn aws_scope(value: &str) -> Option<[&str; 3]> {
    let credential = value.strip_prefix("AWS4-HMAC-SHA256 Credential=")?;
    let mut parts = credential.split(',').next()?.rsplit('/');
    let (_, service, region, _) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let end = credential.find(&format!("/{region}/{service}/"))?;
    let (id, _) = credential[..end].rsplit_once('/')?;
    Some([id, region, service])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_signature_are_found() {
        let value =
            "AWS4-HMAC-SHA256 Credential=A/B/20150830/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=ab";
        assert_eq!(aws_scope(value), Some(["A/B", "eu-west-1", "s3"]));
        assert_eq!(aws_signature(value).map(|(_, signature)| signature), Some("ab"));
        assert!(aws_scope("Bearer x").is_none() && aws_signature("Bearer Signature=x").is_none());
    }
}
