//! The suite on storage that rounds: a byte per element, and a scale per column.

use std::ops::Range;

use logit_conformance::Matrix;
use logit_core::Backend;

/// Element (i, j) is `codes[i][j] · scales[j]`, where the scale is a power of two.
struct Bytes {
    codes: Vec<Vec<i8>>,
    scales: Vec<f32>,
}

impl Bytes {
    fn new(matrix: &Matrix<f32>) -> Self {
        let rows = matrix.rows();
        let scale = |j: usize| {
            let sizes = rows.iter().map(|row| row[j].abs()).filter(|size| size.is_finite());
            let largest = sizes.fold(0.0, f32::max);
            if largest == 0.0 { 1.0 } else { (largest / 127.0).log2().ceil().exp2() }
        };
        let scales: Vec<f32> = (0..matrix.ncols()).map(scale).collect();
        let code = |(x, scale): (&f32, &f32)| (x / scale).round() as i8;
        let codes = rows.iter().map(|row| row.iter().zip(&scales).map(code).collect()).collect();
        Self { codes, scales }
    }

    fn row(&self, i: usize) -> impl Iterator<Item = f32> {
        self.codes[i].iter().zip(&self.scales).map(|(&code, scale)| f32::from(code) * scale)
    }
}

impl Backend for Bytes {
    type Scalar = f32;
    type Vector = Vec<f32>;

    fn nrows(&self) -> usize {
        self.codes.len()
    }

    fn ncols(&self) -> usize {
        self.scales.len()
    }

    fn matvec(&self, rows: Range<usize>, w: &[f32], out: &mut [f32]) {
        for (i, out) in rows.zip(out) {
            *out = self.row(i).zip(w).map(|(x, w)| x * w).sum();
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f32], acc: &mut [f32]) {
        for (i, r) in rows.zip(r) {
            acc.iter_mut().zip(self.row(i)).for_each(|(acc, x)| *acc += x * r);
        }
    }

    fn vector(&self, values: Vec<f32>) -> Vec<f32> {
        values
    }
}

/// The matrix that the bytes stand for.
fn represented(matrix: &Matrix<f32>) -> Matrix<f32> {
    let bytes = Bytes::new(matrix);
    matrix.map(|i, j, _| f32::from(bytes.codes[i][j]) * bytes.scales[j])
}

logit_conformance::suite!(bytes: f32, (Bytes::new, represented));
