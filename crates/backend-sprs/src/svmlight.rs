//! A reader of svmlight (LIBSVM) files, the usual form of sparse data sets.
//!
//! A line is a row: a label, then `index:value` for what is not zero, indices rising. `#` starts a
//! comment.
//!
//! ```
//! # mod logit { pub use logit_core::*; pub use logit_sprs::*; }
//! use logit::{LogisticRegression, Sprs, svmlight};
//!
//! let text = "+1 3:0.5 7:2 # a comment\n-1 1:1\n+1 7:1.5\n-1 1:0.25 3:1\n";
//! let data = svmlight::read::<f64>(text.as_bytes(), None)?; // or a BufReader of a file
//! assert_eq!(data.x.shape(), (4, 7));
//! assert_eq!(data.y, [true, false, true, false]);
//! let fit = LogisticRegression::new().l2(0.1).fit(&Sprs::from(&data.x), &data.y)?;
//! assert!(fit.model.weights()[6] > 0.0);
//!
//! let wrong = svmlight::read::<f64>("1 3:0.5\n0 3:half\n".as_bytes(), None);
//! let message = r#"line 2, column 3: "3:half" is not an index, a colon and a finite number"#;
//! assert_eq!(wrong.unwrap_err().to_string(), message);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Cow;
use std::io::BufRead;
use std::num::IntErrorKind;
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
        /// The word, or how it begins.
        found: String,
        /// What is accepted.
        accepted: String,
    },

    /// The labels asked for do not tell two classes apart.
    #[error("the labels of the classes are {zero:?} and {one:?}: they must be finite and differ")]
    Labels {
        /// The label of class 0.
        zero: f64,
        /// The label of class 1.
        one: f64,
    },
}

/// The pairs of labels that are known, class 0 first.
const PAIRS: [(f64, f64); 4] = [(0.0, 1.0), (-1.0, 1.0), (1.0, 2.0), (2.0, 4.0)];

/// The most columns that a file may imply: a vector of these takes half a gigabyte in `f64`.
const MOST_COLUMNS: u32 = 1 << 26;

/// An error quotes so many characters of a word at most.
const QUOTED: usize = 60;

/// Reads rows and labels, line by line, to the end: [`Options::read`] where nothing is known but,
/// perhaps, the number of columns.
///
/// # Errors
/// As [`Options::read`].
pub fn read<F: Float + FromStr>(
    from: impl BufRead,
    columns: Option<u32>,
) -> Result<Data<F>, Error> {
    Options { columns, ..Options::new() }.read(from)
}

/// What is known of a file beforehand.
///
/// ```
/// # use logit_sprs as logit;
/// use logit::svmlight::Options;
///
/// let options = Options::new().columns(3).zero_based(true).labels(3.0, 8.0);
/// let data = options.read::<f64>("8 1:0.5\n3 1:2\n".as_bytes())?;
/// assert_eq!(data.x.shape(), (2, 3));
/// assert_eq!(data.x.get(0, 1), Some(&0.5));
/// assert_eq!(data.y, [true, false]);
/// # Ok::<(), logit::svmlight::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    columns: Option<u32>,
    zero_based: Option<bool>,
    labels: Option<(f64, f64)>,
}

impl Options {
    /// Nothing: the file tells by itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of columns. Default: what the largest index asks for, at most 67 108 864.
    ///
    /// Data to predict with a model needs it.
    pub fn columns(mut self, columns: u32) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Whether indices count from 0, as scikit-learn writes them, or from 1, as LIBSVM does.
    /// Default: from 0 if some index is 0, else from 1, as with scikit-learn's
    /// `zero_based="auto"`.
    ///
    /// A file that counts from 0 needs it where the first column may hold nothing but zeros.
    pub fn zero_based(mut self, zero_based: bool) -> Self {
        self.zero_based = Some(zero_based);
        self
    }

    /// The labels of class 0 and of class 1. Default: 0 and 1, -1 and +1, 1 and 2, or 2 and 4,
    /// whichever are in use.
    ///
    /// By default a file whose labels are all 1 is of class 1. One whose labels are all 2, which
    /// is class 1 beside a 1 and class 0 beside a 4, is an error.
    pub fn labels(mut self, zero: f64, one: f64) -> Self {
        self.labels = Some((zero, one));
        self
    }

    /// Reads rows and labels, line by line, to the end.
    ///
    /// A label alone is a row of zeros; empty lines are skipped; `qid:…` is ignored, and so is a
    /// byte order mark.
    ///
    /// # Errors
    /// [`Error::Io`] where reading fails. [`Error::Syntax`], with line and column, on a word that
    /// is not as described: another label, an index that is out of range, out of order or
    /// repeated, a value that is not finite. [`Error::Labels`] where those given do not differ.
    pub fn read<F: Float + FromStr>(&self, mut from: impl BufRead) -> Result<Data<F>, Error> {
        let mut rows = Rows::new(self)?;
        let (mut text, mut line) = (Vec::new(), 0);
        while from.read_until(b'\n', &mut text)? > 0 {
            line += 1;
            let mark: &[u8] = if line == 1 { b"\xef\xbb\xbf" } else { b"" };
            let row = text.strip_prefix(mark).unwrap_or(&text);
            rows.add(row, line)
                .map_err(|(at, word, accepted)| syntax((line, at), &word, accepted))?;
            text.clear();
        }
        rows.finish()
    }
}

/// The error about a word on a line that starts after so many bytes.
fn syntax((line, at): (usize, usize), word: &str, accepted: String) -> Error {
    let mut found: String = word.chars().take(QUOTED).collect();
    if found.len() < word.len() {
        found.push('…');
    }
    Error::Syntax { line, column: at + 1, found, accepted }
}

/// The rows read so far.
struct Rows<F> {
    starts: Vec<usize>,
    /// As the file counts them.
    indices: Vec<u32>,
    values: Vec<F>,
    columns: Columns,
    labels: Labels,
}

/// A word, where it starts, and what is accepted there.
type Wrong<'a> = (usize, Cow<'a, str>, String);

impl<F: Float + FromStr> Rows<F> {
    fn new(options: &Options) -> Result<Self, Error> {
        let (columns, labels) = (Columns::new(options), Labels::new(options)?);
        Ok(Self { starts: vec![0], indices: Vec::new(), values: Vec::new(), columns, labels })
    }

    fn add<'a>(&mut self, row: &'a [u8], line: usize) -> Result<(), Wrong<'a>> {
        let mut words = words(row);
        let Some((at, word)) = words.next() else {
            return Ok(());
        };
        if let Err(accepted) = self.labels.add(word.parse().unwrap_or(f64::NAN), (line, at)) {
            return Err((at, word, accepted));
        }
        let mut last = None;
        for (at, word) in words.filter(|(_, word)| !word.starts_with("qid:")) {
            let Some((index, value)) = feature::<F>(&word) else {
                return Err((at, word, "an index, a colon and a finite number".to_owned()));
            };
            if last >= Some(index) {
                return Err((at, word, "a feature with an index above the last one".to_owned()));
            }
            match self.columns.add(index, line) {
                Ok(index) => self.indices.push(index),
                Err(accepted) => return Err((at, word, accepted)),
            }
            self.values.push(value);
            last = Some(index);
        }
        self.starts.push(self.indices.len());
        Ok(())
    }

    fn finish(mut self) -> Result<Data<F>, Error> {
        let (first, columns) = (self.columns.first(), self.columns.count());
        self.indices.iter_mut().for_each(|index| *index -= first);
        let y = self.labels.finish()?;
        let x = CsMatI::new((y.len(), columns), self.starts, self.indices, self.values);
        Ok(Data { x, y })
    }
}

/// Which columns there are, and which of them an index is.
struct Columns {
    given: Option<u32>,
    /// The index of the first column, where it is known, and the line that tells, if one does.
    first: Option<(u32, Option<usize>)>,
    largest: Option<u32>,
}

impl Columns {
    fn new(options: &Options) -> Self {
        let first = options.zero_based.map(|zero| (u32::from(!zero), None));
        Self { given: options.columns, first, largest: None }
    }

    fn limit(&self) -> u32 {
        self.given.unwrap_or(MOST_COLUMNS)
    }

    /// The index, or what is accepted.
    fn add(&mut self, index: u64, line: usize) -> Result<u32, String> {
        let limit = u64::from(self.limit());
        // An index 0 tells that they count from 0, one of the number of columns that they do not.
        let told = match index {
            0 => Some((0, Some(line))),
            _ if index == limit => Some((1, Some(line))),
            _ => None,
        };
        self.first = self.first.or(told);
        let (least, end) = match self.first {
            Some((first, _)) => (first.into(), limit + u64::from(first)),
            None => (0, limit + 1),
        };
        let within = (least..end).contains(&index);
        let index = u32::try_from(index).ok().filter(|_| within);
        self.largest = self.largest.max(index);
        index.ok_or_else(|| self.accepted(least, end))
    }

    fn accepted(&self, least: u64, end: u64) -> String {
        let limit = self.limit();
        if limit == 0 {
            return "accepted, since there are no columns".to_owned();
        }
        let why = match self.first {
            Some((0, Some(line))) => format!(", since line {line} has an index 0"),
            Some((_, Some(line))) => format!(", since line {line} has an index {limit}"),
            Some((first, None)) => format!(", since they are said to count from {first}"),
            None => String::new(),
        };
        let more = match self.given {
            Some(_) => "",
            None => "; give the number of columns where there are more",
        };
        format!("a feature with an index from {least} to {}{why}{more}", end - 1)
    }

    fn first(&self) -> u32 {
        self.first.map_or(1, |(first, _)| first)
    }

    fn count(&self) -> usize {
        let implied = self.largest.map_or(0, |largest| (largest - self.first()) as usize + 1);
        self.given.map_or(implied, |given| given as usize)
    }
}

/// Which class each label names.
struct Labels {
    /// The pairs that the labels so far can be of.
    pairs: Vec<(f64, f64)>,
    /// The first one, and its place.
    first: Option<(f64, (usize, usize))>,
    /// Whether each is the first one.
    same: Vec<bool>,
}

impl Labels {
    fn new(options: &Options) -> Result<Self, Error> {
        let pairs = match options.labels {
            None => PAIRS.to_vec(),
            Some((zero, one)) if zero != one && zero.is_finite() && one.is_finite() => {
                vec![(zero, one)]
            }
            Some((zero, one)) => return Err(Error::Labels { zero, one }),
        };
        Ok(Self { pairs, first: None, same: Vec::new() })
    }

    /// Fails with what is accepted.
    fn add(&mut self, label: f64, place: (usize, usize)) -> Result<(), String> {
        let names = |&(zero, one): &(f64, f64)| label == zero || label == one;
        if !self.pairs.iter().any(names) {
            let pairs: Vec<_> = self.pairs.iter().map(|(a, b)| format!("{a} or {b}")).collect();
            let what = if self.first.is_some() { "a label like those above" } else { "a label" };
            return Err(format!("{what}: {}", pairs.join(", ")));
        }
        self.pairs.retain(names);
        let (first, _) = *self.first.get_or_insert((label, place));
        self.same.push(label == first);
        Ok(())
    }

    /// The classes.
    fn finish(self) -> Result<Vec<bool>, Error> {
        let Some((first, place)) = self.first else { return Ok(Vec::new()) };
        let is_one = |&(_, one): &(f64, f64)| first == one;
        let class = self.pairs.iter().any(is_one);
        // A label of 1 alone is taken for one of 0 and 1.
        if class && first != 1.0 && !self.pairs.iter().all(is_one) {
            let accepted = "a label that tells the class alone, for it may be either: say which \
                            labels the classes have";
            return Err(syntax(place, &first.to_string(), accepted.to_owned()));
        }
        Ok(self.same.into_iter().map(|same| same == class).collect())
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

fn feature<F: Float + FromStr>(word: &str) -> Option<(u64, F)> {
    let (index, value) = word.split_once(':')?;
    let value: F = value.parse().ok()?;
    let index = match index.parse::<u64>() {
        // Out of range, but an index.
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => u64::MAX,
        index => index.ok()?,
    };
    value.is_finite().then_some((index, value))
}
