//! The library's answers to one problem: solvers, layouts and precisions.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use logit::nalgebra::DMatrix;
use logit::ndarray::{Array2, ShapeBuilder, s};
use logit::sprs::TriMat;
use logit::{
    Backend, Error, Fit, Float, GradientDescent, Lbfgs, LogisticRegression, Nalgebra, Ndarray,
    Path, ProximalNewton, Report, Sprs, TrustRegion,
};

use crate::case::Case;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Solver {
    Auto,
    TrustRegion,
    Lbfgs,
    ProximalNewton,
    /// Second derivatives by so many parameters that others must do without.
    FewDerivatives,
    GradientDescent,
    /// The default solver along a grid of penalties.
    Path,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    Rows,
    Columns,
    /// Every other row and column of a matrix twice as large, by ndarray's own products.
    Strided,
    Nalgebra,
    Sparse,
}

/// One fit of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) solver: Solver,
    pub(crate) layout: Layout,
    /// In `f32`.
    pub(crate) single: bool,
    /// Rows as often as their weights say, instead of weights.
    pub(crate) repeated: bool,
}

pub(crate) enum Outcome {
    Fit { weights: Vec<f64>, intercept: f64, report: Box<Report> },
    Error(Error),
    Panic(String),
}

pub(crate) struct Answer {
    pub(crate) run: Run,
    pub(crate) outcome: Outcome,
    pub(crate) seconds: f64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = if self.single { "f32" } else { "f64" };
        let repeated = if self.repeated { " repeated" } else { "" };
        write!(f, "{:?} {:?} {precision}{repeated}", self.solver, self.layout)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Fit { report, .. } => write!(f, "a model, {}", report.stop),
            Outcome::Error(error) => write!(f, "{error}"),
            Outcome::Panic(text) => write!(f, "a panic: {text}"),
        }
    }
}

impl Solver {
    /// The share of the loss that it converges to.
    pub(crate) fn tolerance(self, case: &Case) -> f64 {
        match self {
            Solver::GradientDescent => f64::INFINITY,
            Solver::ProximalNewton | Solver::FewDerivatives => 1e-9,
            _ if case.l1 > 0.0 => 1e-9,
            _ => 1e-11,
        }
    }
}

/// What is to be tried: the default in every layout, every other solver in some.
pub(crate) fn plan(case: &Case, seed: u64) -> Vec<Run> {
    use {Layout::*, Solver::*};
    let single = case.single;
    let run = |solver, layout| Run { solver, layout, single, repeated: false };
    let some = [Rows, Columns, Strided][(seed % 3) as usize];
    let mut runs: Vec<Run> =
        [Rows, Columns, Strided, Nalgebra, Sparse].map(|layout| run(Auto, layout)).into();
    if case.l1 > 0.0 {
        runs.extend([run(FewDerivatives, some), run(FewDerivatives, Sparse)]);
    } else {
        runs.extend([run(TrustRegion, some), run(Lbfgs, some), run(ProximalNewton, some)]);
        runs.extend([run(TrustRegion, Sparse), run(Lbfgs, Sparse)]);
        if seed.is_multiple_of(8) {
            runs.push(run(GradientDescent, some));
        }
    }
    if single {
        runs.push(Run { single: false, ..run(Auto, Rows) });
    }
    if case.repeated().is_some() {
        runs.push(Run { repeated: true, ..run(Auto, some) });
    }
    runs
}

/// A few fits of a path with the case's share of L1, each with the case that it answers.
pub(crate) fn path(case: &Case) -> Vec<(Case, Answer)> {
    let run =
        Run { solver: Solver::Path, layout: Layout::Rows, single: case.single, repeated: false };
    let ratio = case.l1 / (case.l1 + case.l2);
    let free = Case { l1: 0.0, l2: 0.0, start: None, ..case.clone() };
    let start = Instant::now();
    let fits = caught(|| match case.single {
        true => steps::<f32>(&free, ratio),
        false => steps::<f64>(&free, ratio),
    });
    let seconds = start.elapsed().as_secs_f64();
    let fits = match fits {
        Ok(fits) => fits,
        Err(outcome) => vec![(case.l1 + case.l2, outcome)],
    };
    let with_case = |(strength, outcome)| {
        let case = Case { l1: ratio * strength, l2: (1.0 - ratio) * strength, ..free.clone() };
        (case, Answer { run, outcome, seconds })
    };
    fits.into_iter().map(with_case).collect()
}

fn steps<F: Float>(case: &Case, ratio: f64) -> Result<Vec<(f64, Outcome)>, Error> {
    let x = Array2::from_shape_fn((case.nrows(), case.ncols()), |(i, j)| F::narrow(case.x[i][j]));
    let path = Path::new().l1_ratio(ratio).steps(4).least_ratio(1e-3);
    let path = path.fit(&estimator(case), &Ndarray::from(&x), &case.y)?;
    Ok(path.strengths.into_iter().zip(path.fits.into_iter().map(outcome)).collect())
}

/// What it returns; an error or a panic as an outcome.
fn caught<T>(fit: impl FnOnce() -> Result<T, Error>) -> Result<T, Outcome> {
    match catch_unwind(AssertUnwindSafe(fit)) {
        Ok(result) => result.map_err(Outcome::Error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            Err(Outcome::Panic(text.unwrap_or("of unknown cause").to_owned()))
        }
    }
}

impl Run {
    pub(crate) fn answer(self, case: &Case) -> Answer {
        let repeated = case.repeated();
        let case = repeated.as_ref().filter(|_| self.repeated).unwrap_or(case);
        let start = Instant::now();
        let fit = caught(|| match self.single {
            true => self.fit::<f32>(case),
            false => self.fit::<f64>(case),
        });
        let outcome = fit.unwrap_or_else(|outcome| outcome);
        Answer { run: self, outcome, seconds: start.elapsed().as_secs_f64() }
    }

    fn fit<F: Float>(self, case: &Case) -> Result<Outcome, Error> {
        let (n, d) = (case.nrows(), case.ncols());
        let value = |i: usize, j: usize| F::narrow(case.x[i][j]);
        let dense = |shape: (usize, usize)| shape.set_f(self.layout == Layout::Columns);
        match self.layout {
            Layout::Rows | Layout::Columns => {
                let x = Array2::from_shape_fn(dense((n, d)), |(i, j)| value(i, j));
                self.solve(case, &Ndarray::from(&x))
            }
            Layout::Strided => {
                let x = Array2::from_shape_fn((2 * n, 2 * d), |(i, j)| match (i % 2, j % 2) {
                    (0, 0) => value(i / 2, j / 2),
                    _ => F::nan(),
                });
                self.solve(case, &Ndarray::from(x.slice(s![..;2, ..;2])))
            }
            Layout::Nalgebra => {
                let x = DMatrix::from_fn(n, d, value);
                self.default(case, &Nalgebra::from(&x))
            }
            Layout::Sparse => {
                let mut x = TriMat::new((n, d));
                for (i, row) in case.x.iter().enumerate() {
                    for (j, &element) in row.iter().enumerate().filter(|of| *of.1 != 0.0) {
                        x.add_triplet(i, j, F::narrow(element));
                    }
                }
                self.solve(case, &Sprs::from(&x.to_csr::<usize>()))
            }
        }
    }

    fn default<B: Backend>(self, case: &Case, x: &B) -> Result<Outcome, Error> {
        Ok(outcome(estimator(case).fit(x, &case.y)?))
    }

    fn solve<B: Backend>(self, case: &Case, x: &B) -> Result<Outcome, Error> {
        let estimator = estimator(case);
        let fit = match self.solver {
            Solver::Auto | Solver::Path => return self.default(case, x),
            Solver::TrustRegion => estimator.solver(TrustRegion::new()).fit(x, &case.y)?,
            Solver::Lbfgs => estimator.solver(Lbfgs::new()).fit(x, &case.y)?,
            Solver::ProximalNewton => estimator.solver(ProximalNewton::new()).fit(x, &case.y)?,
            Solver::FewDerivatives => {
                let few = ProximalNewton::new().most_derivatives(case.ncols() / 2);
                estimator.solver(few).fit(x, &case.y)?
            }
            Solver::GradientDescent => {
                let descent = GradientDescent::new().backtracking().max_iterations(200);
                estimator.solver(descent).fit(x, &case.y)?
            }
        };
        Ok(outcome(fit))
    }
}

fn estimator(case: &Case) -> LogisticRegression {
    let mut estimator = LogisticRegression::new()
        .l1(case.l1)
        .l2(case.l2)
        .fit_intercept(case.intercept)
        .standardize(case.standardize);
    if let Some(weights) = &case.weights {
        estimator = estimator.sample_weights(weights);
    }
    if let Some(offsets) = &case.offsets {
        estimator = estimator.offsets(offsets);
    }
    if let Some((zero, one)) = case.class_weights {
        estimator = estimator.class_weights(zero, one);
    }
    if let Some((weights, intercept)) = &case.start {
        estimator = estimator.initial_weights(weights).initial_intercept(*intercept);
    }
    estimator
}

fn outcome<F: Float>(fit: Fit<F>) -> Outcome {
    let weights = fit.model.weights().iter().map(|w| w.widen()).collect();
    Outcome::Fit { weights, intercept: fit.model.intercept().widen(), report: Box::new(fit.report) }
}
