//! The matrix library, the precision and the solver, chosen when the program runs.
//!
//! `cargo run --example choose -- nalgebra f32 lbfgs`
//!
//! [`AnyBackend`] holds a matrix of any library, and [`AnySolver`] any solver, so one line fits them
//! all. It is compiled once per precision, and costs an indirect call more per block of rows.

use std::error::Error;

use logit::nalgebra::{DMatrix, Scalar};
use logit::ndarray::Array2;
use logit::{AnyBackend, AnySolver, Float, LogisticRegression, Nalgebra, Ndarray};

const ROWS: usize = 1000;
const COLUMNS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |place: usize, default| arguments.get(place).map_or(default, String::as_str);
    let (library, precision, solver) =
        (argument(0, "ndarray"), argument(1, "f64"), argument(2, "auto"));
    println!("{}", choose(library, precision, solver.parse()?)?);
    Ok(())
}

fn choose(library: &str, precision: &str, solver: AnySolver) -> Result<String, Box<dyn Error>> {
    match precision {
        "f32" => fit::<f32>(library, solver),
        "f64" => fit::<f64>(library, solver),
        other => Err(format!("precision {other}: it must be f32 or f64").into()),
    }
}

fn fit<F: Float + Scalar>(library: &str, solver: AnySolver) -> Result<String, Box<dyn Error>> {
    let (of_ndarray, of_nalgebra); // The matrix lives here; the backend borrows it.
    let x = match library {
        "ndarray" => {
            of_ndarray = Array2::from_shape_fn((ROWS, COLUMNS), |(i, j)| value::<F>(i, j));
            AnyBackend::new(Ndarray::from(&of_ndarray))
        }
        "nalgebra" => {
            of_nalgebra = DMatrix::from_fn(ROWS, COLUMNS, value::<F>);
            AnyBackend::new(Nalgebra::from(&of_nalgebra))
        }
        other => return Err(format!("library {other}: it must be ndarray or nalgebra").into()),
    };
    let y = (0..ROWS).map(|i| i * 7 % 10 < 4 + i % 3);
    let title = format!("{library} {} {solver}", F::NAME);
    let fit = LogisticRegression::new().solver(solver).fit(&x, y)?;
    Ok(format!("{title}: {:.4?}\n{}", fit.model.weights(), fit.report))
}

fn value<F: Float>(i: usize, j: usize) -> F {
    F::narrow(((i * (j + 3) + j) % 11) as f64 / 5.0 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::{AnySolver, choose};

    fn chosen(library: &str, precision: &str, solver: &str) -> Result<String, String> {
        let solver: AnySolver = solver.parse().map_err(|error: logit::Error| error.to_string())?;
        choose(library, precision, solver).map_err(|error| error.to_string())
    }

    #[test]
    fn every_name_is_a_choice_and_all_agree() {
        for (precision, solver) in [("f32", "auto"), ("f64", "auto"), ("f64", "lbfgs")] {
            let [a, b] = ["ndarray", "nalgebra"].map(|x| chosen(x, precision, solver).unwrap());
            assert!(a.starts_with(&format!("ndarray {precision} {solver}: ")), "{a}");
            assert!(b.starts_with(&format!("nalgebra {precision} {solver}: ")), "{b}");
            let weights = |told: &str| told.split(['[', ']']).nth(1).map(str::to_owned);
            assert_eq!(weights(&a), weights(&b));
        }
    }

    #[test]
    fn other_names_are_errors_that_say_which_there_are() {
        let refused = |library, precision| chosen(library, precision, "auto").unwrap_err();
        assert_eq!(refused("numpy", "f64"), "library numpy: it must be ndarray or nalgebra");
        assert_eq!(refused("ndarray", "f16"), "precision f16: it must be f32 or f64");
        let refused = chosen("ndarray", "f64", "sgd").unwrap_err();
        assert!(refused.starts_with("solver is sgd: it must be auto, newton, "), "{refused}");
    }
}
