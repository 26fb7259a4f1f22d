//! What is written is read back, and whatever else is refused with its place.

use std::fmt::Write;

use logit_sprs::sprs::CsMatI;
use logit_sprs::svmlight::{Data, Error, read};
use proptest::prelude::*;

/// Any finite number, each row as (column, value).
fn rows() -> impl Strategy<Value = (Vec<Vec<(u32, f64)>>, Vec<bool>)> {
    let value = any::<f64>().prop_filter("finite", |value| value.is_finite());
    let row = prop::collection::btree_map(0u32..50, value, 0..12);
    prop::collection::vec((row, any::<bool>()), 0..20)
        .prop_map(|rows| rows.into_iter().map(|(row, y)| (row.into_iter().collect(), y)).unzip())
}

/// Ways to write the same data.
#[derive(Clone, Copy, Debug)]
struct Form {
    negative: &'static str,
    positive: &'static str,
    qid: bool,
    comments: bool,
    line_end: &'static str,
}

fn form() -> impl Strategy<Value = Form> {
    let labels = prop::sample::select(vec![("0", "1"), ("-1", "+1"), ("-1", "1"), ("0.0", "1e0")]);
    let line_end = prop::sample::select(vec!["\n", "\r\n", " \t\n"]);
    (labels, any::<(bool, bool)>(), line_end).prop_map(
        |((negative, positive), (qid, comments), line_end)| Form {
            negative,
            positive,
            qid,
            comments,
            line_end,
        },
    )
}

fn write(rows: &[Vec<(u32, f64)>], y: &[bool], form: Form) -> String {
    let mut text = String::new();
    for (row, &y) in rows.iter().zip(y) {
        if form.comments {
            write!(text, "# 1 2:3{}{}", form.line_end, form.line_end).expect("a string");
        }
        text += if y { form.positive } else { form.negative };
        if form.qid {
            text += " qid:7";
        }
        for (column, value) in row {
            write!(text, "  {}:{value:e}", column + 1).expect("a string");
        }
        text += if form.comments { " # 5:6" } else { "" };
        text += form.line_end;
    }
    text
}

fn matrix(rows: &[Vec<(u32, f64)>], columns: usize) -> CsMatI<f64, u32, usize> {
    let starts = rows.iter().scan(0, |end, row| {
        *end += row.len();
        Some(*end)
    });
    let starts = [0].into_iter().chain(starts).collect();
    let (indices, values) = rows.iter().flatten().copied().unzip();
    CsMatI::new((rows.len(), columns), starts, indices, values)
}

proptest! {
    #[test]
    fn what_is_written_is_read((rows, y) in rows(), form in form()) {
        let text = write(&rows, &y, form);
        let given = read(text.as_bytes(), Some(60)).expect("well formed");
        prop_assert_eq!(given, Data { x: matrix(&rows, 60), y: y.clone() });
        let largest = rows.iter().flatten().map(|&(column, _)| column + 1).max().unwrap_or(0);
        let found = read(text.trim_end().as_bytes(), None).expect("well formed");
        prop_assert_eq!(found, Data { x: matrix(&rows, largest as usize), y });
        let narrow = read::<f32>(text.as_bytes(), Some(60));
        let overflows = rows.iter().flatten().any(|(_, value)| (*value as f32).is_infinite());
        prop_assert_eq!(narrow.is_err(), overflows);
    }

    /// Any bytes give data or an error, and no panic; what is read has a sound structure.
    #[test]
    fn any_bytes(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            prop::collection::vec(prop::sample::select(b"01-+:. e#q\n\r\xff9".to_vec()), 0..60),
        ],
        columns in prop::option::of(0u32..12),
    ) {
        if let Ok(data) = read::<f64>(&bytes[..], columns) {
            prop_assert!(data.x.check_compressed_structure().is_ok());
            prop_assert_eq!(data.x.rows(), data.y.len());
        }
    }
}

#[test]
fn malformed_words_are_named_with_their_place() {
    let cases = [
        ("1 1:1\n2 1:1\n", (2, 1, "2", "a label: 0 or 1")),
        ("# none\n\n  one 1:1\n", (3, 3, "one", "a label")),
        ("1:1 2:2\n", (1, 1, "1:1", "a label")),
        ("NaN 1:1\n", (1, 1, "NaN", "a label")),
        ("1 1:1\n0\n-1\n", (3, 1, "-1", "a label like those above")),
        ("-1 1:1\n0\n", (2, 1, "0", "a label like those above")),
        ("1 0:1\n", (1, 3, "0:1", "a feature with an index from 1")),
        ("1 2:1  1:1\n", (1, 8, "1:1", "a feature with an index")),
        ("1 2:1 2:1\n", (1, 7, "2:1", "a feature with an index")),
        ("1 2:1\t5:1\n", (1, 7, "5:1", "a feature with an index")),
        ("1 4294967296:1\n", (1, 3, "4294967296:1", "an index, a colon")),
        ("1 -1:1\n", (1, 3, "-1:1", "an index, a colon")),
        ("1 1\n", (1, 3, "1", "an index, a colon")),
        ("1 1:\n", (1, 3, "1:", "an index, a colon")),
        ("1 :1\n", (1, 3, ":1", "an index, a colon")),
        ("1 1:1:1\n", (1, 3, "1:1:1", "an index, a colon")),
        ("1 1: 1\n", (1, 3, "1:", "an index, a colon")),
        ("1 1:inf\n", (1, 3, "1:inf", "an index, a colon and a finite number")),
        ("1 1:nan\n", (1, 3, "1:nan", "an index, a colon and a finite number")),
        ("1 1:1e999\n", (1, 3, "1:1e999", "an index, a colon and a finite number")),
    ];
    for (text, (at_line, at_column, word, expected)) in cases {
        match read::<f64>(text.as_bytes(), Some(4)) {
            Err(Error::Syntax { line, column, found, accepted }) => {
                assert_eq!((line, column, found.as_str()), (at_line, at_column, word), "{text:?}");
                assert!(accepted.starts_with(expected), "{text:?}: {accepted}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn the_largest_index_is_that_of_u32() {
    let data = read::<f64>("1 4294967295:2".as_bytes(), None).expect("well formed");
    assert_eq!(data.x.shape(), (1, u32::MAX as usize));
    assert_eq!(data.x.get(0, u32::MAX as usize - 1), Some(&2.0));
}

#[test]
fn bytes_that_are_not_text_are_refused_outside_comments() {
    assert!(read::<f64>(&b"1 1:1 # \xff\n"[..], None).is_ok());
    let Err(Error::Syntax { line: 1, column: 3, found, .. }) = read::<f64>(&b"1 \xff"[..], None)
    else {
        panic!("accepted");
    };
    assert_eq!(found, "\u{fffd}");
}

#[test]
fn a_failing_reader_is_an_error() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("unplugged"))
        }
    }
    let error = read::<f64>(std::io::BufReader::new(Failing), None).expect_err("a failure");
    assert!(matches!(&error, Error::Io(inner) if inner.to_string() == "unplugged"));
    assert_eq!(error.to_string(), "unplugged");
}
