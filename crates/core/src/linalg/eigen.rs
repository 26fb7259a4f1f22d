//! Eigenvalues of a small symmetric matrix.

/// Sweeps until no element off the diagonal is left; ten do for any matrix.
const MAX_SWEEPS: usize = 50;

/// The nearest symmetric matrix without negative eigenvalues, which become 0. Row by row.
///
/// By cyclic Jacobi rotations (Golub and Van Loan, *Matrix Computations*, 4th ed. 2013, section 8.5).
pub(crate) fn without_negative_eigenvalues(matrix: Vec<f64>, order: usize) -> Vec<f64> {
    let (values, vectors) = eigen(matrix, order);
    let element = |i: usize, j: usize| {
        let terms = values
            .iter()
            .enumerate()
            .map(|(k, value)| value.max(0.0) * vectors[i * order + k] * vectors[j * order + k]);
        terms.sum()
    };
    (0..order * order).map(|at| element(at / order, at % order)).collect()
}

/// The eigenvalues, and the eigenvectors as columns.
fn eigen(mut a: Vec<f64>, order: usize) -> (Vec<f64>, Vec<f64>) {
    let unit = |at: usize| f64::from(u8::from(at / order == at % order));
    let mut vectors: Vec<f64> = (0..order * order).map(unit).collect();
    for _ in 0..MAX_SWEEPS {
        let mut rotated = false;
        for p in 0..order {
            for q in p + 1..order {
                let (app, aqq, apq) = (a[p * order + p], a[q * order + q], a[p * order + q]);
                if apq.abs() <= f64::EPSILON * (app * aqq).abs().sqrt() {
                    continue;
                }
                rotated = true;
                let tau = (aqq - app) / (2.0 * apq);
                let t = tau.signum() / (tau.abs() + tau.hypot(1.0));
                let cosine = 1.0 / t.hypot(1.0);
                rotate(&mut a, order, (p, q), cosine, t * cosine);
                rotate_columns(&mut vectors, order, (p, q), cosine, t * cosine);
            }
        }
        if !rotated {
            break;
        }
    }
    (a.iter().copied().step_by(order + 1).collect(), vectors)
}

/// Rotates rows and columns.
fn rotate(a: &mut [f64], order: usize, (p, q): (usize, usize), cosine: f64, sine: f64) {
    rotate_columns(a, order, (p, q), cosine, sine);
    for k in 0..order {
        let (x, y) = (a[p * order + k], a[q * order + k]);
        a[p * order + k] = cosine * x - sine * y;
        a[q * order + k] = sine * x + cosine * y;
    }
}

fn rotate_columns(a: &mut [f64], order: usize, (p, q): (usize, usize), cosine: f64, sine: f64) {
    for row in a.chunks_exact_mut(order) {
        let (x, y) = (row[p], row[q]);
        row[p] = cosine * x - sine * y;
        row[q] = sine * x + cosine * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    logit_properties::properties! {
        #[test]
        fn what_is_positive_stays_and_what_is_negative_becomes_zero(
            values in prop::collection::vec(-2.0..2.0f64, 1..7),
            angles in prop::collection::vec(0.0..6.0f64, 30),
        ) {
            // A diagonal matrix, rotated.
            let order = values.len();
            let diagonal = |of: &dyn Fn(f64) -> f64| {
                let mut a = vec![0.0; order * order];
                values.iter().enumerate().for_each(|(k, v)| a[k * order + k] = of(*v));
                let pairs = (0..order).flat_map(|p| (p + 1..order).map(move |q| (p, q)));
                for ((p, q), angle) in pairs.zip(&angles) {
                    rotate(&mut a, order, (p, q), angle.cos(), angle.sin());
                }
                a
            };
            let got = without_negative_eigenvalues(diagonal(&|v| v), order);
            let want = diagonal(&|v| v.max(0.0));
            for (got, want) in got.iter().zip(&want) {
                prop_assert!((got - want).abs() <= 1e-13, "{got} is not {want}");
            }
        }
    }
}
