//! The matrix library and the precision, chosen when the program runs.
//!
//! `cargo run --example choose -- nalgebra f32`
//!
//! `fit` is compiled once per precision and type of vector, and takes any backend behind `dyn`. That
//! costs a few indirect calls per block of some hundred kilobytes.

use std::error::Error;
use std::ops::Index;

use logit::nalgebra::{DMatrix, Scalar};
use logit::ndarray::Array2;
use logit::{Backend, Fit, Float, LogisticRegression, Nalgebra, Ndarray};

const ROWS: usize = 1000;
const COLUMNS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (backend, precision) = match &arguments[..] {
        [] => ("ndarray", "f64"),
        [backend, precision] => (backend.as_str(), precision.as_str()),
        _ => {
            return Err("give the name of a backend and of a precision, as in `ndarray f64`".into());
        }
    };
    println!("{}", choose(backend, precision)?);
    Ok(())
}

fn choose(backend: &str, precision: &str) -> Result<String, Box<dyn Error>> {
    match precision {
        "f32" => fit_with::<f32>(backend),
        "f64" => fit_with::<f64>(backend),
        other => Err(format!("precision {other}: it must be f32 or f64").into()),
    }
}

fn fit_with<F: Float + Scalar>(backend: &str) -> Result<String, Box<dyn Error>> {
    let fit = match backend {
        "ndarray" => fit(&Ndarray::from(&Array2::from_shape_fn((ROWS, COLUMNS), value::<F>)))?,
        "nalgebra" => {
            fit(&Nalgebra::from(&DMatrix::from_fn(ROWS, COLUMNS, |i, j| value::<F>((i, j)))))?
        }
        other => {
            return Err(format!("backend {other}: it must be ndarray or nalgebra").into());
        }
    };
    Ok(format!("{backend} {}: {:.4?}\n{}", F::NAME, fit.model.weights(), fit.report))
}

fn fit<F: Float, V: Index<usize, Output = F>>(
    x: &dyn Backend<Scalar = F, Vector = V>,
) -> Result<Fit<F>, logit::Error> {
    LogisticRegression::new().fit(x, (0..ROWS).map(|i| i * 7 % 10 < 4 + i % 3))
}

fn value<F: Float>((i, j): (usize, usize)) -> F {
    F::narrow(((i * (j + 3) + j) % 11) as f64 / 5.0 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn every_name_is_a_choice_and_all_agree() {
        for precision in ["f32", "f64"] {
            let [a, b] = ["ndarray", "nalgebra"].map(|backend| choose(backend, precision).unwrap());
            assert!(a.starts_with("ndarray f") && b.starts_with("nalgebra f"));
            let weights = |told: &str| told.split(['[', ']']).nth(1).map(str::to_owned);
            assert_eq!(weights(&a), weights(&b));
        }
    }

    #[test]
    fn other_names_are_errors_that_say_which_there_are() {
        let refused = |backend, precision| choose(backend, precision).unwrap_err().to_string();
        assert_eq!(refused("numpy", "f64"), "backend numpy: it must be ndarray or nalgebra");
        assert_eq!(refused("ndarray", "f16"), "precision f16: it must be f32 or f64");
    }
}
