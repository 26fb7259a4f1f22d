//! What is written is read back, and whatever else is refused with its place.

use std::fmt::Write;

use logit_sprs::sprs::CsMatI;
use logit_sprs::svmlight::{Data, Error, Options, read};
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
    labels: (&'static str, &'static str),
    first: u32,
    qid: bool,
    comments: bool,
    mark: bool,
    line_end: &'static str,
}

fn form() -> impl Strategy<Value = Form> {
    let labels =
        vec![("0", "1"), ("-1", "+1"), ("-1", "1"), ("0.0", "1e0"), ("1", "2"), ("2", "4")];
    let line_end = prop::sample::select(vec!["\n", "\r\n", " \t\n"]);
    (prop::sample::select(labels), 0u32..2, any::<(bool, bool, bool)>(), line_end).prop_map(
        |(labels, first, (qid, comments, mark), line_end)| Form {
            labels,
            first,
            qid,
            comments,
            mark,
            line_end,
        },
    )
}

impl Form {
    fn options(&self) -> Options {
        let label = |text: &str| text.parse().expect("a number");
        Options::new()
            .zero_based(self.first == 0)
            .labels(label(self.labels.0), label(self.labels.1))
    }

    fn write(&self, rows: &[Vec<(u32, f64)>], y: &[bool]) -> String {
        let mut text = String::from(if self.mark { "\u{feff}" } else { "" });
        for (row, &y) in rows.iter().zip(y) {
            if self.comments {
                write!(text, "# 1 2:3{}{}", self.line_end, self.line_end).expect("a string");
            }
            text += if y { self.labels.1 } else { self.labels.0 };
            if self.qid {
                text += " qid:7";
            }
            for (column, value) in row {
                write!(text, "  {}:{value:e}", column + self.first).expect("a string");
            }
            text += if self.comments { " # 5:6" } else { "" };
            text += self.line_end;
        }
        text
    }
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

logit_conformance::properties! {
    #[test]
    fn what_is_written_is_read((rows, y) in rows(), form in form()) {
        let text = form.write(&rows, &y);
        let all = Data { x: matrix(&rows, 60), y: y.clone() };
        let given = form.options().columns(60).read(text.as_bytes()).expect("well formed");
        prop_assert_eq!(&given, &all);
        let largest = rows.iter().flatten().map(|&(column, _)| column + 1).max().unwrap_or(0);
        let found = Data { x: matrix(&rows, largest as usize), y: y.clone() };
        let read_whole = form.options().read(text.trim_end().as_bytes()).expect("well formed");
        prop_assert_eq!(&read_whole, &found);
        let narrow = form.options().read::<f32>(text.as_bytes());
        let overflows = rows.iter().flatten().any(|(_, value)| (*value as f32).is_infinite());
        prop_assert_eq!(narrow.is_err(), overflows);
        // What the file tells by itself.
        let first_column = rows.iter().flatten().any(|&(column, _)| column == 0);
        if (form.first == 1 || first_column) && y.contains(&true) && y.contains(&false) {
            prop_assert_eq!(read(text.as_bytes(), Some(60)).expect("well formed"), all);
            prop_assert_eq!(read(text.as_bytes(), None).expect("well formed"), found);
        }
    }

    /// Any bytes give data or an error, and no panic; what is read has a sound structure.
    #[test]
    fn any_bytes(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            prop::collection::vec(prop::sample::select(b"01-+:. e#q\n\r\xff9".to_vec()), 0..60),
        ],
        columns in prop::option::of(0u32..12), zero_based: Option<bool>,
    ) {
        let known = zero_based.map_or(Options::new(), |zero| Options::new().zero_based(zero));
        let options = columns.map_or(known, |columns| known.columns(columns));
        if let Ok(data) = options.read::<f64>(&bytes[..]) {
            prop_assert!(data.x.check_compressed_structure().is_ok());
            prop_assert_eq!(data.x.rows(), data.y.len());
            prop_assert!(columns.is_none_or(|columns| data.x.cols() == columns as usize));
        }
    }
}

/// Line, column and word of a syntax error, and what would have been accepted.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> (usize, usize, String, String) {
    match result {
        Err(Error::Syntax { line, column, found, accepted }) => (line, column, found, accepted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn malformed_words_are_named_with_their_place() {
    let all = "a label: 0 or 1, -1 or 1, 1 or 2, 2 or 4";
    let cases = [
        ("1 1:1\n3 1:1\n", (2, 1, "3", "a label like those above: 0 or 1, -1 or 1, 1 or 2")),
        ("3 1:1\n", (1, 1, "3", all)),
        ("# none\n\n  one 1:1\n", (3, 3, "one", all)),
        ("1:1 2:2\n", (1, 1, "1:1", all)),
        ("NaN 1:1\n", (1, 1, "NaN", all)),
        ("1 1:1\n0\n-1\n", (3, 1, "-1", "a label like those above: 0 or 1")),
        ("-1 1:1\n0\n", (2, 1, "0", "a label like those above: -1 or 1")),
        ("2\n4\n1\n", (3, 1, "1", "a label like those above: 2 or 4")),
        (" 2\n2\n", (1, 2, "2", "a label that tells the class alone")),
        ("1 2:1  1:1\n", (1, 8, "1:1", "a feature with an index above the last one")),
        ("1 2:1 2:1\n", (1, 7, "2:1", "a feature with an index above the last one")),
        ("1 2:1\t5:1\n", (1, 7, "5:1", "a feature with an index from 0 to 4")),
        ("1 4294967296:1\n", (1, 3, "4294967296:1", "a feature with an index from 0 to 4")),
        ("1 -1:1\n", (1, 3, "-1:1", "an index, a colon")),
        ("1 1\n", (1, 3, "1", "an index, a colon")),
        ("1 1:\n", (1, 3, "1:", "an index, a colon")),
        ("1 :1\n", (1, 3, ":1", "an index, a colon")),
        ("1 1:1:1\n", (1, 3, "1:1:1", "an index, a colon")),
        ("1 1: 1\n", (1, 3, "1:", "an index, a colon")),
        ("1 1:inf\n", (1, 3, "1:inf", "an index, a colon and a finite number")),
        ("1 1:nan\n", (1, 3, "1:nan", "an index, a colon and a finite number")),
        ("1 1:1e999\n", (1, 3, "1:1e999", "an index, a colon and a finite number")),
        ("\u{feff}x\n", (1, 1, "x", all)),
        ("1\n\u{feff}1\n", (2, 1, "\u{feff}1", "a label like those above")),
    ];
    for (text, (at_line, at_column, word, expected)) in cases {
        let (line, column, found, accepted) = refused(read::<f64>(text.as_bytes(), Some(4)));
        assert_eq!((line, column, &*found), (at_line, at_column, word), "{text:?}");
        assert!(accepted.starts_with(expected), "{text:?}: {accepted}");
    }
}

/// Of four columns, an index 0 or 4 tells what indices count from.
#[test]
fn what_indices_count_from_is_told_with_its_reason() {
    let options = Options::new().columns(4);
    let cases = [
        (options, "1 0:1\n0 4:1\n", (2, "0 to 3, since line 1 has an index 0")),
        (options, "1 1:1 4:1\n\n0 0:1\n", (3, "1 to 4, since line 1 has an index 4")),
        (options.zero_based(true), "1 4:1\n", (1, "0 to 3, since they are said to count from 0")),
        (options.zero_based(false), "1 0:1\n", (1, "1 to 4, since they are said to count from 1")),
        (Options::new().zero_based(false), "1 0:1\n", (1, "1 to 67108864, since they are said")),
    ];
    for (options, text, (at_line, expected)) in cases {
        let (line, _, _, accepted) = refused(options.read::<f64>(text.as_bytes()));
        let start = format!("a feature with an index from {expected}");
        assert!(line == at_line && accepted.starts_with(&start), "{text:?}: {accepted}");
    }
    let (.., accepted) = refused(read::<f64>("1 0:1\n".as_bytes(), Some(0)));
    assert_eq!(accepted, "accepted, since there are no columns");
    // The last column of a file that counts from 0 does not hide that it does.
    let data = read::<f64>("1 3:1\n0 0:2\n".as_bytes(), Some(4)).expect("well formed");
    assert_eq!((data.x.get(0, 3), data.x.get(1, 0)), (Some(&1.0), Some(&2.0)));
}

/// A wrong index must not make a fit ask for all of the memory.
#[test]
fn a_file_implies_no_more_than_so_many_columns() {
    let most = read::<f64>("1 67108864:2".as_bytes(), None).expect("well formed");
    assert_eq!(most.x.shape(), (1, 67_108_864));
    for index in ["67108865", "4294967295", "4294967296", "99999999999999999999999999"] {
        let text = format!("1 {index}:2");
        let (_, column, _, accepted) = refused(read::<f64>(text.as_bytes(), None));
        let expected = "a feature with an index from 0 to 67108864; give the number of columns";
        assert!(column == 3 && accepted.starts_with(expected), "{accepted}");
    }
    let data = read::<f64>("1 4294967295:2".as_bytes(), Some(u32::MAX)).expect("well formed");
    assert_eq!(data.x.shape(), (1, u32::MAX as usize));
    assert_eq!(data.x.get(0, u32::MAX as usize - 1), Some(&2.0));
}

#[test]
fn labels_are_mapped_as_given() {
    let read = |zero, one, text: &str| {
        Options::new().labels(zero, one).read::<f64>(text.as_bytes()).map(|data| data.y)
    };
    assert_eq!(read(7.0, -2.5, "7\n-2.5\n7").expect("classes"), [false, true, false]);
    assert_eq!(read(1.0, 0.0, "1\n1").expect("classes"), [false, false]);
    assert_eq!(read(2.0, 4.0, "2\n2").expect("classes"), [false, false]);
    assert_eq!(refused(read(2.0, 4.0, "4\n1")).3, "a label like those above: 2 or 4");
    for (zero, one) in [(1.0, 1.0), (0.0, -0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
        let error = read(zero, one, "1").expect_err("no classes");
        assert!(matches!(error, Error::Labels { .. }) && error.to_string().contains("differ"));
    }
}

#[test]
fn a_long_word_is_quoted_by_its_beginning() {
    for word in ["9".repeat(1_000_000), "é".repeat(1_000_000)] {
        for text in [word.clone(), format!("1 {word}")] {
            let message = read::<f64>(text.as_bytes(), None).expect_err("no label").to_string();
            assert!(message.len() < 300 && message.contains('…'), "{message}");
        }
    }
}

/// What scikit-learn wrote is read as scikit-learn reads it.
#[test]
fn files_of_scikit_learn_are_read() {
    let references = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/references");
    let text = |name: &str| std::fs::read_to_string(references.join(name)).expect("a file");
    let rows: Vec<Vec<f64>> = text("rows.csv")
        .lines()
        .map(|line| line.split(',').map(|number| number.parse().expect("a number")).collect())
        .collect();
    let y: Vec<bool> = rows.iter().map(|row| row[0] == 1.0).collect();
    for name in ["zero_based.svm", "one_based.svm"] {
        let data = read::<f64>(text(name).as_bytes(), None).expect("well formed");
        assert_eq!((data.x.shape(), &data.y), ((12, 6), &y), "{name}");
        for (i, row) in rows.iter().enumerate() {
            let dense: Vec<f64> = (0..6).map(|j| *data.x.get(i, j).unwrap_or(&0.0)).collect();
            assert_eq!(dense, row[1..], "{name}, row {i}");
        }
    }
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
