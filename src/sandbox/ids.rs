//! Random identifiers.

/// A random UUID of version 4, in lower case with hyphens.
pub(crate) fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xF << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    hyphenated(&format!("{bits:032x}"))
}

/// 32 hexadecimal digits as a UUID.
pub(super) fn hyphenated(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// `prefix` and this many random characters of 0–9 and a–z.
pub(crate) fn prefixed(prefix: &str, length: usize) -> String {
    let random = std::iter::repeat_with(|| fastrand::digit(36)).take(length);
    prefix.chars().chain(random).collect()
}

/// 32 random hexadecimal digits in lower case.
pub(super) fn hex() -> String {
    format!("{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_says_its_version_and_variant() {
        for _ in 0..64 {
            let id = uuid();
            assert!(crate::check::is_uuid(&id), "{id}");
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        }
        assert_ne!(uuid(), uuid());
        assert_eq!(hex().len(), 32);
        assert_eq!(prefixed("agent-", 16).len(), 22);
    }
}
