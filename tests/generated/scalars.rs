//! Timestamps and secrets, where they stand in generated types.

use crate::check::Check;
use crate::golden::scalars::Account;
use crate::serde_ext::Timestamp;

fn account() -> Account {
    Account::new("sk_live_0123", Timestamp::from_unix_seconds(1_770_206_400).unwrap(), 1)
}

#[test]
fn a_secret_is_on_the_wire_and_never_in_debug() {
    let account = account().spare("sk_spare").keys(["sk_one".into()]);
    let text = serde_json::to_string(&account).unwrap();
    assert_eq!(
        text,
        r#"{"key":"sk_live_0123","spare":"sk_spare","keys":["sk_one"],"made":"2026-02-04T12:00:00Z","count":1}"#
    );
    assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account);
    let debug = format!("{account:?}");
    assert!(!debug.contains("sk_"), "{debug}");
    assert!(debug.contains("key: [redacted]"), "{debug}");
}

#[test]
fn a_refused_secret_is_not_in_the_error() {
    let refused = |key: &str| {
        let mut account = account();
        account.key = key.into();
        account.check().unwrap_err().to_string()
    };
    assert_eq!(refused("sk_7"), "`key` must have at least 8 characters");
    assert_eq!(refused("pk_live_0123"), "`key` must match `^sk_`");
}

#[test]
fn the_four_forms_of_a_timestamp_are_read_and_written_with_an_offset() {
    let forms = [
        ("2026-11-22T05:04:36.969174Z", "2026-11-22T05:04:36.969174Z"),
        ("2026-11-22T05:04:36.969174", "2026-11-22T05:04:36.969174Z"),
        ("2026-11-22T05:04:36.794408+00:00", "2026-11-22T05:04:36.794408Z"),
        ("2026-02-04T14:00:00+02:00", "2026-02-04T12:00:00Z"),
    ];
    for (read, written) in forms {
        let text =
            format!(r#"{{"key":"sk_live_0123","made":"{read}","used":"{read}","uses":{{"a":"{read}"}},"count":1}}"#);
        let account: Account = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&account).unwrap(), text.replace(read, written));
    }
}

#[test]
fn a_broken_timestamp_is_an_error_that_names_the_field() {
    let text = r#"{"key":"sk_live_0123","made":"yesterday","count":1}"#;
    let error =
        serde_path_to_error::deserialize::<_, Account>(&mut serde_json::Deserializer::from_str(text)).unwrap_err();
    assert_eq!(error.path().to_string(), "made");
    assert_eq!(error.inner().to_string(), "not an RFC 3339 timestamp at line 1 column 40");
}

#[test]
fn a_system_time_is_taken_as_a_timestamp() {
    let account = account().used(std::time::SystemTime::UNIX_EPOCH).score(0.5).on(true).any(7.into());
    assert_eq!(account.used.unwrap().to_string(), "1970-01-01T00:00:00Z");
}
