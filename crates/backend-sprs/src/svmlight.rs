//! A reader of svmlight (LIBSVM) files, the usual form of sparse data sets.
//!
//! A line is a row: a label, then `index:value` for what is not zero, indices counting from 1 and
//! rising. `#` starts a comment.
//!
//! ```
//! use logit_core::LogisticRegression;
//! use logit_sprs::{Sprs, svmlight};
//!
//! let text = "+1 3:0.5 7:2 # a comment\n-1 1:1\n+1 7:1.5\n-1 1:0.25 3:1\n";
//! let data = svmlight::read::<f64>(text.as_bytes(), None)?; // or a BufReader of a file
//! assert_eq!(data.x.shape(), (4, 7));
//! assert_eq!(data.y, [true, false, true, false]);
//! let fit = LogisticRegression::new().l2(0.1).fit(&Sprs::from(&data.x), &data.y)?;
//!
//! let wrong = svmlight::read::<f64>("1 3:0.5\n0 3:half\n".as_bytes(), None);
//! let message = r#"line 2, column 3: "3:half" is not an index, a colon and a finite number"#;
//! assert_eq!(wrong.unwrap_err().to_string(), message);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Cow;
use std::io::BufRead;
use std::str::FromStr;

use logit_core::Float;
use sprs::CsMatI;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Data<F> {
    /// Compressed rows. Zeros that the file spells out are stored.
    pub x: CsMatI<F, u32, usize>,
    /// One label per row.
    pub y: Vec<bool>,
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// A word is not what it must be there.
    #[error("line {line}, column {column}: {found:?} is not {accepted}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The place of the word's first byte in the line, from 1.
        column: usize,
        /// The word.
        found: String,
        /// What is accepted.
        accepted: &'static str,
    },
}

const LABEL: &str = "a label: 0 or 1, or -1 or +1";
const NEGATIVE: &str = "a label like those above: one of 0 and -1 is in use, not both";
const FEATURE: &str = "an index, a colon and a finite number";
const INDEX: &str = "a feature with an index from 1 to the number of columns, above the last one";

/// Reads rows and labels, line by line, to the end.
///
/// Labels are 0 and 1, or -1 and +1. The matrix has as many columns as `columns` says, or else as
/// the largest index: data to predict with a model needs to be told. A label alone is a row of
/// zeros; empty lines are skipped; `qid:…` is ignored.
///
/// # Errors
/// [`Error::Io`] where reading fails. [`Error::Syntax`], with line and column, on a word that is
/// not as described: another label, an index that is 0 (files that count from 0 are refused as
/// soon as they use it), out of range, out of order or repeated, a value that is not finite.
pub fn read<F: Float + FromStr>(
    mut from: impl BufRead,
    columns: Option<u32>,
) -> Result<Data<F>, Error> {
    let mut rows = Rows { starts: vec![0], ..Rows::default() };
    let (mut text, mut line) = (Vec::new(), 0);
    while from.read_until(b'\n', &mut text)? > 0 {
        line += 1;
        rows.add(&text, columns).map_err(|(at, word, accepted)| Error::Syntax {
            line,
            column: at + 1,
            found: word.into_owned(),
            accepted,
        })?;
        text.clear();
    }
    let shape = (rows.y.len(), columns.unwrap_or(rows.largest) as usize);
    Ok(Data { x: CsMatI::new(shape, rows.starts, rows.indices, rows.values), y: rows.y })
}

/// The rows read so far.
#[derive(Default)]
struct Rows<F> {
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<F>,
    y: Vec<bool>,
    /// The largest index, from 1.
    largest: u32,
    /// The negative label in use.
    negative: Option<f64>,
}

/// A word, where it starts, and what is accepted there.
type Wrong<'a> = (usize, Cow<'a, str>, &'static str);

impl<F: Float + FromStr> Rows<F> {
    fn add<'a>(&mut self, line: &'a [u8], columns: Option<u32>) -> Result<(), Wrong<'a>> {
        let mut words = words(line);
        let Some((at, word)) = words.next() else {
            return Ok(());
        };
        match word.parse::<f64>() {
            Ok(1.0) => self.y.push(true),
            Ok(label) if label == 0.0 || label == -1.0 => {
                if *self.negative.get_or_insert(label) != label {
                    return Err((at, word, NEGATIVE));
                }
                self.y.push(false);
            }
            _ => return Err((at, word, LABEL)),
        }
        let mut last = 0;
        for (at, word) in words.filter(|(_, word)| !word.starts_with("qid:")) {
            let Some((index, value)) = feature::<F>(&word) else {
                return Err((at, word, FEATURE));
            };
            if index <= last || index > columns.unwrap_or(u32::MAX) {
                return Err((at, word, INDEX));
            }
            self.indices.push(index - 1);
            self.values.push(value);
            last = index;
        }
        self.largest = self.largest.max(last);
        self.starts.push(self.indices.len());
        Ok(())
    }
}

/// The words of a line before a comment, with where each starts.
fn words(line: &[u8]) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let line = line.split(|&byte| byte == b'#').next().unwrap_or_default();
    let mut next = 0;
    let words = line.split(u8::is_ascii_whitespace).map(move |word| {
        let at = next;
        next += word.len() + 1;
        (at, String::from_utf8_lossy(word))
    });
    words.filter(|(_, word)| !word.is_empty())
}

fn feature<F: Float + FromStr>(word: &str) -> Option<(u32, F)> {
    let (index, value) = word.split_once(':')?;
    let value: F = value.parse().ok()?;
    value.is_finite().then_some((index.parse().ok()?, value))
}
