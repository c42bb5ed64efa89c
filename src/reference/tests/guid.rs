//! Spellings of identifiers.

use crate::reference::Guid;

const D: &str = "1a143f1b-8cf1-45a5-a544-a48c870b6032";

#[test]
fn four_spellings_have_one_value() {
    let guid = Guid::parse(D).unwrap();
    let upper = D.to_uppercase();
    let plain = D.replace('-', "");
    for text in [
        &upper,
        &plain,
        &plain.to_uppercase(),
        &format!("{{{upper}}}"),
        &format!("({D})"),
    ] {
        assert_eq!(Guid::parse(text), Some(guid), "{text}");
    }
    assert_ne!(Guid::parse(&D.replace("6032", "6033")), Some(guid));
}

#[test]
fn any_128_bits_are_written_and_read_back() {
    // Every single bit, which covers the leading zeros of every group.
    for bit in 0..128 {
        let digits = format!("{:032x}", 1_u128 << bit);
        let guid = Guid::parse(&digits).unwrap();
        assert_eq!(guid.to_string().replace('-', ""), digits);
        assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
    }
}

#[test]
fn anything_else_is_malformed() {
    let plain = D.replace('-', "");
    for text in [
        "",
        "{}",
        "()",
        "{",
        "x",
        &format!(" {D}"),
        &format!("{D} "),
        &format!("{D}\n"),
        &format!("{D}0"),
        &D[1..],
        &format!("{{{D}"),
        &format!("{D}}}"),
        &format!("{{{D})"),
        &format!("({D}}}"),
        &format!("{{({D})}}"),
        &format!("{{{plain}}}"),
        &format!("0x{}", &plain[2..]),
        &plain[1..],
        &D.replacen('1', "g", 1),
        &D.replacen('-', "_", 1),
        &D.replacen("1b-", "1-b", 1),
        &D.replace('-', "\u{2010}"),
        &D.replacen("1a", "é", 1),
        &D.replacen('1', "\u{ff11}", 1),
        &format!("+{}", &plain[1..]),
    ] {
        assert_eq!(Guid::parse(text), None, "{text:?}");
    }
}
