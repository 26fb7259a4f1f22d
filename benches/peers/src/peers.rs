//! The peers, each called as its documentation says, on the matrix type that it likes best.
//!
//! Making that matrix is not part of the work that is timed. Everyone minimises
//! `mean cross-entropy + l2/2 · |w|²` with a free intercept; linfa and smartcore write it as a
//! sum over the n rows, so their `alpha` is l2 · n.

use clap::ValueEnum;
use linfa::prelude::Fit;
use logit::nalgebra::DMatrix;
use logit::ndarray::Array2;
use logit::sprs::CsMatI;
use logit::{
    Backend, GradientDescent, LogisticRegression, Nalgebra, Ndarray, Newton, Solver, Sprs,
    TrustRegion,
};
use serde::Serialize;
use smartcore::linalg::basic::arrays::Array;
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression as smart;

use crate::timer::{Measured, Timer};

/// Who can be run.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Peer {
    LogitNdarray,
    LogitNalgebra,
    LogitSprs,
    Linfa,
    Smartcore,
}

/// What a peer can be asked to do.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Job {
    /// Minimise the objective.
    Fit,
    /// Evaluate the objective and its gradient once, where all parameters are 0.01.
    Pass,
    /// The classic gradient descent: 1000 iterations at rate 0.001, losses kept, no penalty.
    Recipe,
}

/// What is to be fitted, and how well.
pub(crate) struct Problem {
    /// Row by row; every row has as many.
    pub(crate) x: Vec<f64>,
    /// The columns of these numbers, where the matrix is sparse.
    pub(crate) columns: Option<Vec<u32>>,
    pub(crate) y: Vec<bool>,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) l2: f64,
    /// In the peer's own terms.
    pub(crate) tolerance: f64,
}

impl Problem {
    /// The first rows only.
    pub(crate) fn head(&self, rows: usize) -> Self {
        let rows = rows.min(self.rows);
        let len = rows * (self.x.len() / self.rows);
        let columns = self.columns.as_ref().map(|columns| columns[..len].to_vec());
        Self { x: self.x[..len].to_vec(), columns, y: self.y[..rows].to_vec(), rows, ..*self }
    }

    /// The penalty beside a sum over the rows.
    fn alpha(&self) -> f64 {
        self.l2 * self.rows as f64
    }
}

/// What comes of a job.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Model {
        intercept: f64,
        weights: Vec<f64>,
        iterations: Option<usize>,
    },
    /// The intercept's part of the gradient is the last.
    Pass {
        loss: f64,
        gradient: Vec<f64>,
    },
}

/// Does and times one job.
pub(crate) fn run(
    peer: Peer,
    job: Job,
    mut problem: Problem,
    timer: &Timer,
) -> Result<Measured, String> {
    let (rows, cols, values) = (problem.rows, problem.cols, std::mem::take(&mut problem.x));
    match (peer, problem.columns.take()) {
        (Peer::LogitSprs, Some(columns)) => {
            let starts = (0..=rows).map(|i| i * (values.len() / rows)).collect();
            let x = CsMatI::<_, u32, usize>::new((rows, cols), starts, columns, values);
            logit(job, &Sprs::from(&x), &problem, timer)
        }
        (Peer::LogitSprs, None) => Err("only sparse matrices".to_owned()),
        (_, Some(_)) => Err("only dense matrices".to_owned()),
        (Peer::LogitNdarray, _) => {
            let x = Array2::from_shape_vec((rows, cols), values).expect("a number per element");
            logit(job, &Ndarray::from(&x), &problem, timer)
        }
        (Peer::LogitNalgebra, _) => {
            let x = DMatrix::from_row_slice(rows, cols, &values);
            logit(job, &Nalgebra::from(&x), &problem, timer)
        }
        _ if job != Job::Fit => Err("only fits".to_owned()),
        (Peer::Linfa, _) => linfa(values, problem, timer),
        (Peer::Smartcore, _) => smartcore(values, problem, timer),
    }
}

fn logit(
    job: Job,
    x: &impl Backend<Scalar = f64>,
    problem: &Problem,
    timer: &Timer,
) -> Result<Measured, String> {
    match job {
        Job::Fit => timer.time(|| fit_logit(x, problem)),
        Job::Recipe => timer.time(|| recipe(x, &problem.y)),
        Job::Pass => {
            let estimator = LogisticRegression::new().l2(problem.l2);
            let objective = estimator.objective(x, &problem.y);
            let mut objective = objective.map_err(|error| error.to_string())?;
            let parameters = vec![0.01; objective.dimension()];
            timer.time(|| {
                let found = objective.evaluate(&parameters[..]);
                Ok(Outcome::Pass { loss: found.loss(), gradient: found.gradient().to_vec() })
            })
        }
    }
}

/// By the solver that is the default for as many columns, with its tolerance.
fn fit_logit(x: &impl Backend<Scalar = f64>, problem: &Problem) -> Result<Outcome, String> {
    let (estimator, tolerance) = (LogisticRegression::new().l2(problem.l2), problem.tolerance);
    if problem.cols < 1024 {
        outcome(estimator.solver(Newton::new().tolerance(tolerance)), x, &problem.y)
    } else {
        outcome(estimator.solver(TrustRegion::new().tolerance(tolerance)), x, &problem.y)
    }
}

fn recipe(x: &impl Backend<Scalar = f64>, y: &[bool]) -> Result<Outcome, String> {
    outcome(LogisticRegression::new().solver(GradientDescent::new()), x, y)
}

fn outcome(
    estimator: LogisticRegression<impl Solver>,
    x: &impl Backend<Scalar = f64>,
    y: &[bool],
) -> Result<Outcome, String> {
    let fit = estimator.fit(x, y).map_err(|error| error.to_string())?;
    Ok(Outcome::Model {
        intercept: fit.model.intercept(),
        weights: fit.model.weights().to_vec(),
        iterations: Some(fit.report.iterations),
    })
}

fn linfa(values: Vec<f64>, problem: Problem, timer: &Timer) -> Result<Measured, String> {
    let (shape, alpha) = ((problem.rows, problem.cols), problem.alpha());
    let x = ndarray_016::Array2::from_shape_vec(shape, values).expect("a number per element");
    let data = linfa::Dataset::new(x, ndarray_016::Array1::from(problem.y));
    timer.time(|| {
        let model = linfa_logistic::LogisticRegression::default()
            .alpha(alpha)
            .max_iterations(100_000)
            .gradient_tolerance(problem.tolerance)
            .fit(&data)
            .map_err(|error| error.to_string())?;
        // Its positive class is the one with more rows.
        let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
        Ok(Outcome::Model {
            intercept: sign * model.intercept(),
            weights: model.params().iter().map(|w| sign * w).collect(),
            iterations: None,
        })
    })
}

/// Its tolerance is fixed: no component of the gradient of the sum above 1e-8.
fn smartcore(values: Vec<f64>, problem: Problem, timer: &Timer) -> Result<Measured, String> {
    // Not column by column: its loops go along rows.
    let x = DenseMatrix::new(problem.rows, problem.cols, values, false);
    let x = x.map_err(|error| error.to_string())?;
    let y: Vec<u8> = problem.y.iter().map(|&label| label.into()).collect();
    let parameters = smart::LogisticRegressionParameters::default().with_alpha(problem.alpha());
    timer.time(|| {
        let model = smart::LogisticRegression::fit(&x, &y, parameters.clone());
        let model = model.map_err(|error| error.to_string())?;
        Ok(Outcome::Model {
            intercept: *model.intercept().get((0, 0)),
            weights: model.coefficients().iterator(0).copied().collect(),
            iterations: None,
        })
    })
}
