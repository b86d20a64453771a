use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn reads_what_servers_write_and_writes_it_in_utc() {
    let table = [
        ("2026-11-22T05:04:36.969174Z", "2026-11-22T05:04:36.969174Z"),
        ("2026-11-22T05:04:36.969174", "2026-11-22T05:04:36.969174Z"),
        ("2026-11-22T05:04:36.794408+00:00", "2026-11-22T05:04:36.794408Z"),
        ("2026-02-04T14:00:00+02:00", "2026-02-04T12:00:00Z"),
        ("2026-02-04T12:00:00-05:30", "2026-02-04T17:30:00Z"),
        ("2026-02-04T12:00:00-00:00", "2026-02-04T12:00:00Z"),
        ("2026-02-04T00:30:00+23:59", "2026-02-03T00:31:00Z"),
        ("2026-02-04 12:00:00", "2026-02-04T12:00:00Z"),
        ("2026-02-04 12:00:00Z", "2026-02-04T12:00:00Z"),
        ("2026-02-04t12:00:00z", "2026-02-04T12:00:00Z"),
        ("2026-02-04T12:00:00.000", "2026-02-04T12:00:00Z"),
        ("2026-02-04T12:00:00.1", "2026-02-04T12:00:00.1Z"),
        ("2026-02-04T12:00:00.010z", "2026-02-04T12:00:00.01Z"),
        ("2026-02-04T12:00:00.123456789Z", "2026-02-04T12:00:00.123456789Z"),
        ("2026-02-04T12:00:00.000000001Z", "2026-02-04T12:00:00.000000001Z"),
        ("2026-02-04", "2026-02-04T00:00:00Z"),
        ("2024-02-29T23:59:59", "2024-02-29T23:59:59Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.5Z"),
    ];
    for (read, written) in table {
        assert_eq!(read.parse::<Timestamp>().map(|time| time.to_string()).as_deref(), Ok(written), "{read}");
    }
}

#[test]
fn reads_the_years_1_to_9999_whole() {
    for (read, written) in [
        // Python's smallest and largest `datetime`.
        ("0001-01-01T00:00:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.999999+00:00", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59.999999+14:00", "9999-12-31T09:59:59.999999Z"),
        // The nearest to what no year of four digits can say.
        ("9999-12-31T23:59:59.5-01:00", "9999-12-31T23:59:59.999999999Z"),
        ("0001-01-01T00:00:00.5+01:00", "0001-01-01T00:00:00Z"),
    ] {
        assert_eq!(time(read).to_string(), written, "{read}");
        assert_eq!(time(written).to_string(), written);
    }
    assert_eq!(time("0001-01-01"), Timestamp::MIN);
    assert_eq!(time("9999-12-31T23:59:59.999999999Z"), Timestamp::MAX);
    assert_eq!(time("9999-12-31T23:59:60Z"), Timestamp::MAX);
}

#[test]
fn rejects_anything_else() {
    let table = [
        "",
        "now",
        "2026",
        "20260204",
        "20260204T120000Z",
        "2026-02",
        "2026-2-4",
        "2026-035",
        "2026-W06-3",
        "2026-02-04T",
        "2026-02-04Z",
        "2026-02-04+02:00",
        "2026-02-04T2026-02",
        "2026-02-04T12",
        "2026-02-04T12:00",
        "2026-02-04T12:00Z",
        "2026-02-04T120000",
        "2026-02-04T12:00:0",
        "2026-02-04_12:00:00",
        "2026-02-04  12:00:00",
        "2026-02-30",
        "2026-00-04",
        "2026-13-04",
        "2026-02-00",
        "2025-02-29",
        "0000-12-31T00:00:00Z",
        "-001-01-01",
        "+2026-02-04",
        "+02026-02-04T12:00:00Z",
        "-002026-02-04T12:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-02-04T24:00:00Z",
        "2026-02-04T25:00:00Z",
        "2026-02-04T12:60:00Z",
        "2026-02-04T12:00:60Z",
        "2026-02-04T23:59:60+01:00",
        "2026-02-04T23:59:61Z",
        "2026-02-04T12:00:00+99:99",
        "2026-02-04T12:00:00+24:00",
        "2026-02-04T12:00:00+01:60",
        "2026-02-04T12:00:00+02",
        "2026-02-04T12:00:00+0200",
        "2026-02-04T12:00:00+02:00:00",
        "2026-02-04T12:00:00 +02:00",
        "2026-02-04T12:00:00\u{2212}02:00",
        "2026-02-04T12:00:00ZZ",
        "2026-02-04T12:00:00Z[UTC]",
        "2026-02-04T12:00:00[Europe/Paris]",
        "2026-02-04T12:00:00.",
        "2026-02-04T12:00:00.Z",
        "2026-02-04T12:00:00,5Z",
        "2026-02-04T12:00:00.1234567890Z",
        "2026-02-04T12:00:00.-1Z",
        "2026-02-04T12:00:00.+1",
        " 2026-02-04",
        "2026-02-04 ",
        "\u{ff12}026-02-04",
        "1770206400",
    ];
    for text in table {
        assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp(())), "{text}");
    }
}

#[test]
fn unix_and_system_times_convert_both_ways() {
    let quarter = time("2026-02-04T12:00:00.25Z");
    assert_eq!((quarter.unix_seconds(), quarter.unix_millis()), (1_770_206_400, 1_770_206_400_250));
    assert_eq!(Timestamp::from_unix_millis(1_770_206_400_250), Some(quarter));
    assert_eq!(Timestamp::from_unix_micros(1_770_206_400_250_000), Some(quarter));
    let before = Timestamp::from_unix_seconds(-1).unwrap();
    assert_eq!(before.to_string(), "1969-12-31T23:59:59Z");
    let half = time("1969-12-31T23:59:59.5Z");
    assert_eq!((half.unix_seconds(), half.unix_millis(), half.unix_micros()), (-1, -500, -500_000));
    assert_eq!(Timestamp::from_unix_millis(-500), Some(half));
    for time in [quarter, before, half, Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(Timestamp::from(SystemTime::from(time)), time);
    }
    let noon = SystemTime::UNIX_EPOCH + Duration::new(1_770_206_400, 250_000_000);
    assert_eq!(SystemTime::from(quarter), noon);
    assert_eq!(SystemTime::from(half), SystemTime::UNIX_EPOCH - Duration::from_millis(500));
}

#[test]
fn unix_times_end_with_the_years_of_four_digits() {
    assert_eq!(Timestamp::from_unix_seconds(253_402_300_799).unwrap().to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(Timestamp::from_unix_seconds(-62_135_596_800), Some(Timestamp::MIN));
    let last = Timestamp::from_unix_micros(253_402_300_799_999_999).unwrap();
    assert_eq!(last.to_string(), "9999-12-31T23:59:59.999999Z");
    for beyond in [253_402_300_800, -62_135_596_801, i64::MAX, i64::MIN] {
        assert_eq!(Timestamp::from_unix_seconds(beyond), None);
    }
    assert_eq!(Timestamp::from_unix_millis(253_402_300_800_000), None);
    assert_eq!(Timestamp::from_unix_millis(-62_135_596_800_001), None);
    assert_eq!(Timestamp::from_unix_micros(253_402_300_800_000_000), None);
    assert_eq!(Timestamp::from_unix_micros(i64::MIN), None);
}

#[test]
fn a_system_time_beyond_them_becomes_the_nearest() {
    let year = Duration::from_secs(366 * 86_400);
    assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH + 10_000 * year), Timestamp::MAX);
    assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - 2_000 * year), Timestamp::MIN);
}

#[test]
fn durations_are_added_and_subtracted_up_to_the_ends() {
    let noon = time("2026-02-04T12:00:00.75Z");
    assert_eq!(noon + Duration::from_millis(500), time("2026-02-04T12:00:01.25Z"));
    assert_eq!(noon - Duration::from_millis(1_750), time("2026-02-04T11:59:59Z"));
    assert_eq!(noon - Duration::from_millis(800), time("2026-02-04T11:59:59.95Z"));
    assert_eq!(time("1970-01-01") - Duration::from_millis(1), time("1969-12-31T23:59:59.999Z"));
    assert_eq!(Timestamp::MAX + Duration::from_nanos(1), Timestamp::MAX);
    assert_eq!(noon + Duration::MAX, Timestamp::MAX);
    assert_eq!(Timestamp::MIN - Duration::from_nanos(1), Timestamp::MIN);
    assert_eq!(noon - Duration::MAX, Timestamp::MIN);
    let mut moved = noon;
    moved += Duration::from_secs(60);
    moved -= Duration::from_secs(20);
    assert_eq!(moved, time("2026-02-04T12:00:40.75Z"));
}

#[test]
fn the_time_between_two_is_zero_if_the_first_is_earlier() {
    let (early, late) = (time("1969-12-31T23:59:59.75Z"), time("2026-02-04T12:00:00.5Z"));
    assert_eq!(late - early, Duration::new(1_770_206_400, 750_000_000));
    assert_eq!(early - late, Duration::ZERO);
    assert_eq!(late - late, Duration::ZERO);
    assert_eq!(Timestamp::MAX - Timestamp::MIN, Duration::new(315_537_897_599, 999_999_999));
}

#[test]
fn times_are_ordered_across_1970() {
    let ordered = ["0001-01-01", "1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.5Z", "1970-01-01", "9999-12-31"];
    assert!(ordered.map(time).is_sorted());
    assert!(time(ordered[1]) < time(ordered[2]));
}

#[test]
fn json_holds_the_text() {
    let read: Timestamp = serde_json::from_str("\"2026-02-04T14:00:00+02:00\"").unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"2026-02-04T12:00:00Z\"");
    assert_eq!(format!("{read:?}"), "2026-02-04T12:00:00Z");
    let error = serde_json::from_str::<Timestamp>("\"20260204\"").unwrap_err().to_string();
    assert_eq!(error, "not an RFC 3339 timestamp at line 1 column 10");
    assert!(serde_json::from_str::<Timestamp>("1770206400").is_err());
}
