//! Open enums: known words have variants, others survive.

use serde_json::json;

use crate::golden::enums::{Color, Paint};

#[test]
fn a_known_word_is_its_variant_whichever_way_it_comes() {
    assert_eq!(serde_json::from_str::<Color>(r#""dark.blue""#).unwrap(), Color::DarkBlue);
    assert_eq!(serde_json::from_value::<Color>(json!("red")).unwrap(), Color::Red);
    assert_eq!(Color::from("red"), Color::Red);
    assert_eq!(Color::from("red".to_owned()), Color::Red);
    assert_eq!("dark.blue".parse::<Color>(), Ok(Color::DarkBlue));
}

#[test]
fn an_unknown_word_goes_round() {
    let text = r#"{"color":"mauve","under":"RED"}"#;
    let paint: Paint = serde_json::from_str(text).unwrap();
    assert_eq!(paint.color, Color::Unknown("mauve".to_owned()));
    assert_eq!(paint.under, Some(Color::Unknown("RED".to_owned())), "words are compared by case");
    assert_eq!(serde_json::to_string(&paint).unwrap(), text);
}

#[test]
fn the_word_unknown_is_a_word() {
    let color: Color = serde_json::from_str(r#""unknown""#).unwrap();
    assert_eq!(color, Color::UnknownValue);
    assert_eq!(color.as_str(), "unknown");
}

#[test]
fn the_word_is_what_is_shown() {
    for (color, word) in [(Color::DarkBlue, "dark.blue"), (Color::from("mauve"), "mauve")] {
        assert_eq!((color.as_str(), color.as_ref(), color.to_string().as_str()), (word, word, word));
    }
    assert_eq!(format!("{:>5}|", Color::Red), "  red|");
    assert_eq!(Color::KNOWN, ["red", "dark.blue", "unknown"]);
}

#[test]
fn what_is_no_string_is_an_error_and_null_an_absent_one() {
    let error = serde_json::from_str::<Color>("1").unwrap_err();
    assert_eq!(error.to_string(), "invalid type: integer `1`, expected a string at line 1 column 1");
    let paint: Paint = serde_json::from_str(r#"{"color":"red","under":null}"#).unwrap();
    assert_eq!(paint, Paint::new("red"));
}
