//! Fits at the edges of what numbers can hold: nearly dependent columns, logits that saturate, rare
//! levels. Each is compared with a fit of the same model that is not at the edge.

use logit_conformance::Matrix;
use logit_core::{
    Backend, Error, Fit, Float, Lbfgs, LogisticRegression, Newton, Report, Solver, StopReason,
    TrustRegion, sigmoid,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Standard normals and uniform numbers.
struct Draws(Xoshiro256PlusPlus);

impl Draws {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn normals(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.normal()).collect()
    }

    fn label(&mut self, logit: f64) -> bool {
        self.uniform() < sigmoid(logit)
    }
}

fn matrix<F: Float>(rows: &[Vec<f64>]) -> Matrix<F> {
    Matrix::new((rows.len(), rows[0].len()), Default::default(), |i, j| F::narrow(rows[i][j]))
}

fn fitted<F: Float, S: Solver>(
    estimator: LogisticRegression<S>,
    rows: &[Vec<f64>],
    y: &[bool],
) -> Fit<F> {
    estimator.fit(&matrix(rows), y).expect("an optimum exists")
}

/// The fits of all solvers that know of no tuning.
fn by_all_solvers(rows: &[Vec<f64>], y: &[bool]) -> Vec<(&'static str, Report)> {
    let new = LogisticRegression::new;
    vec![
        ("Auto", fitted::<f64, _>(new(), rows, y).report),
        ("Newton", fitted::<f64, _>(new().solver(Newton::new()), rows, y).report),
        ("Lbfgs", fitted::<f64, _>(new().solver(Lbfgs::new()), rows, y).report),
        ("TrustRegion", fitted::<f64, _>(new().solver(TrustRegion::new()), rows, y).report),
    ]
}

/// A report that says converged is right, and what it prints is no less than the truth, up to what
/// the columns' own rounding may be worth.
fn check_report(name: &str, report: &Report, minimum: f64, rounding: f64) {
    let distance = report.loss - minimum;
    if report.stop == StopReason::Converged {
        assert!(distance <= 1e-9 + rounding, "{name}: {distance:e} above the minimum, {report}");
    }
    if let Some(printed) = report.suboptimality {
        assert!(distance <= printed + rounding, "{name}: {distance:e} above, {report}");
    }
}

#[test]
fn nearly_dependent_columns_lose_nothing() {
    for seed in 0..6 {
        let draws = &mut Draws::new(seed);
        let columns: Vec<(f64, f64)> = (0..400).map(|_| (draws.normal(), draws.normal())).collect();
        let y: Vec<bool> = columns.iter().map(|(p, q)| draws.label(p + 2.0 * q)).collect();
        let plain: Vec<Vec<f64>> = columns.iter().map(|&(p, q)| vec![p, q]).collect();
        let minimum = fitted::<f64, _>(LogisticRegression::new(), &plain, &y).report.loss;
        for apart in [1e-4, 1e-6, 1e-7, 1e-8, 1e-9] {
            let near: Vec<_> = columns.iter().map(|&(p, q)| vec![p, p + apart * q]).collect();
            for (name, report) in by_all_solvers(&near, &y) {
                // The second column is rounded by 1e-16, q by as much over the distance.
                check_report(&format!("{name}, {apart:e}"), &report, minimum, 1e-15 / apart);
                assert_eq!(report.stop, StopReason::Converged, "{name}, {apart:e}: {report}");
            }
        }
    }
}

#[test]
fn powers_of_a_column_far_from_zero_lose_nothing() {
    for seed in 0..4 {
        let draws = &mut Draws::new(seed);
        let points: Vec<f64> = (0..300).map(|_| draws.uniform() * 2.0 - 1.0).collect();
        let y: Vec<bool> = points.iter().map(|t| draws.label(2.0 * (6.0 * t).sin())).collect();
        let powers = |x: f64| (1..=8).map(|k| x.powi(k)).collect::<Vec<f64>>();
        let centred: Vec<_> = points.iter().map(|&t| powers(t)).collect();
        let far: Vec<_> = points.iter().map(|&t| powers(3.0 * t - 6.0)).collect();
        let minimum = fitted::<f64, _>(LogisticRegression::new(), &centred, &y).report.loss;
        let report = fitted::<f64, _>(LogisticRegression::new(), &far, &y).report;
        assert_eq!((report.stop, report.left_out.len()), (StopReason::Converged, 0), "{report}");
        for (name, report) in by_all_solvers(&far, &y) {
            check_report(name, &report, minimum, 1e-10);
        }
    }
}

#[test]
fn what_is_printed_of_a_fit_cut_short_is_no_less_than_the_truth() {
    for seed in 0..20 {
        let draws = &mut Draws::new(seed);
        let rows: Vec<_> = (0..100).map(|_| draws.normals(3)).collect();
        let scale = 10f64.powf(2.0 * draws.uniform() - 1.0);
        let y: Vec<bool> = rows.iter().map(|row| draws.label(scale * (row[0] - row[1]))).collect();
        let Ok(best) = LogisticRegression::new().fit(&matrix::<f64>(&rows), &y) else { continue };
        for iterations in 0..10 {
            let solver = Newton::new().max_iterations(iterations);
            let estimator = LogisticRegression::new().solver(solver);
            let Ok(fit) = estimator.fit(&matrix::<f64>(&rows), &y) else { continue };
            check_report(&format!("{seed}"), &fit.report, best.report.loss, 1e-15);
        }
    }
}

/// Rows, labels, and the loss of their fit.
fn three_normals(seed: u64) -> (Vec<Vec<f64>>, Vec<bool>, f64) {
    let draws = &mut Draws::new(seed);
    let rows: Vec<_> = (0..200).map(|_| draws.normals(3)).collect();
    let y: Vec<bool> = rows.iter().map(|row| draws.label(row[0] - row[1])).collect();
    let loss = fitted::<f64, _>(LogisticRegression::new(), &rows, &y).report.loss;
    (rows, y, loss)
}

fn check_saturated(what: &str, report: &Report, minimum: f64, rounding: f64) {
    let distance = report.loss - minimum;
    assert!(distance.abs() <= rounding * minimum, "{what}: {distance:e} above {minimum}, {report}");
    assert!(report.passes <= 60.0, "{what}: {report}");
}

#[test]
fn offsets_that_the_model_can_make_up_for_change_no_loss() {
    let (rows, y, minimum) = three_normals(0);
    for size in [20.0f64, -40.0, 300.0, -1e4, 1e6] {
        let estimator = LogisticRegression::new().offsets(vec![size; y.len()]);
        let of_all = fitted::<f64, _>(estimator.clone(), &rows, &y).report;
        check_saturated(&format!("all {size}"), &of_all, minimum, 1e-9);
        let of_column: Vec<f64> =
            rows.iter().map(|row| size.clamp(-300.0, 300.0) * row[0]).collect();
        let estimator = estimator.offsets(of_column);
        let report = fitted::<f64, _>(estimator, &rows, &y).report;
        check_saturated(&format!("{size} times a column"), &report, minimum, 1e-9);
        let estimator = LogisticRegression::new().offsets(vec![size.clamp(-40.0, 40.0); y.len()]);
        let report = fitted::<f32, _>(estimator, &rows, &y).report;
        check_saturated(&format!("f32, all {size}"), &report, minimum, 1e-6);
    }
}

#[test]
fn any_start_leads_to_the_optimum() {
    let (rows, y, minimum) = three_normals(1);
    for size in [10.0, -40.0, 300.0, 1e5, -1e12] {
        for start in [[size, 0.0, 0.0], [size, -size, size]] {
            let estimator =
                LogisticRegression::new().initial_weights(start).initial_intercept(size);
            let report = fitted::<f64, _>(estimator, &rows, &y).report;
            check_saturated(&format!("{start:?}"), &report, minimum, 1e-9);
        }
    }
}

#[test]
fn offsets_that_contradict_the_classes_have_an_optimum_in_reach() {
    for seed in 0..4 {
        let (rows, y, _) = three_normals(seed);
        let draws = &mut Draws::new(100 + seed);
        let offsets: Vec<f64> = y.iter().map(|_| 60.0 * (2.0 * draws.uniform() - 1.0)).collect();
        let estimator = LogisticRegression::new().offsets(offsets);
        let report = fitted::<f64, _>(estimator.clone(), &rows, &y).report;
        let lbfgs = fitted::<f64, _>(estimator.solver(Lbfgs::new()), &rows, &y).report;
        check_saturated("any offsets", &report, lbfgs.loss, 1e-9);
    }
}

#[test]
fn coefficients_of_a_default_fit_to_many_rows_have_seven_digits() {
    let draws = &mut Draws::new(3);
    let rows: Vec<_> = (0..30_000).map(|_| draws.normals(8)).collect();
    let rare = |row: &[f64]| 0.5 * row[0] - 0.5 * row[1] - 6.0;
    let y: Vec<bool> = rows.iter().map(|row| draws.label(rare(row))).collect();
    let few = Newton::new().tolerance(1e-16);
    let exact = fitted::<f64, _>(LogisticRegression::new().solver(few), &rows, &y).model;
    let model = fitted::<f64, _>(LogisticRegression::new(), &rows, &y).model;
    let pairs = model.weights().iter().zip(exact.weights());
    for (w, exact) in pairs.chain([(&model.intercept(), &exact.intercept())]) {
        assert!((w - exact).abs() <= 1e-7 * exact.abs().max(1.0), "{w} is not {exact}");
    }
}

/// Four normals and rare levels, each with rows of either class but the `separated` first ones.
fn rare_levels(seed: u64, n: usize, levels: usize, separated: usize) -> (Vec<Vec<f64>>, Vec<bool>) {
    let draws = &mut Draws::new(seed);
    let (mut rows, mut y) = (Vec::new(), Vec::new());
    for i in 0..n {
        let mut row = draws.normals(4);
        y.push(draws.label(5.0 * (row[0] - row[1] + 0.5 * row[2])));
        let level = i % (6 * levels);
        // Every sixth row has no level.
        row.extend((0..levels).map(|k| f64::from(u8::from(level == 6 * k))));
        if level.is_multiple_of(6) {
            let k = level / 6;
            y[i] = k < separated || (i / (6 * levels)).is_multiple_of(2);
        }
        rows.push(row);
    }
    (rows, y)
}

#[test]
fn that_an_optimum_exists_takes_a_few_passes() {
    for seed in 0..3 {
        let (rows, y) = rare_levels(seed, 1440, 40, 0);
        let new = LogisticRegression::new;
        // A penalty too small to change anything, but there is always an optimum with one.
        let unasked = fitted::<f64, _>(new().l2(1e-300), &rows, &y);
        let asked = fitted::<f64, _>(new(), &rows, &y);
        assert_eq!(asked.model.weights(), unasked.model.weights());
        let further = asked.report.passes - unasked.report.passes;
        assert!((1.0..=4.0).contains(&further), "{further} further passes");
    }
}

#[test]
fn a_separated_level_is_found_beside_dependent_columns_in_any_precision_and_layout() {
    fn check<F: Float>(rows: &[Vec<f64>], y: &[bool]) {
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| row.iter().map(|&x| F::narrow(x).widen()).collect())
            .map(|row: Vec<f64>| {
                let sum = F::narrow(row[0]) + F::narrow(row[1]);
                vec![row[0], row[1], sum.widen(), row[4]]
            })
            .collect();
        let by_rows = matrix::<F>(&rows);
        let by_columns = logit_core::dense::Dense::from_columns(
            by_rows.columns(),
            by_rows.nrows(),
            by_rows.ncols(),
        );
        let verdicts = [
            LogisticRegression::new().fit(&by_rows, y).err(),
            LogisticRegression::new().fit(&by_columns, y).err(),
        ];
        for verdict in verdicts {
            match verdict {
                Some(Error::Separated { direction, .. }) => assert!(direction.weights()[3] != 0.0),
                other => panic!("{} in {}", other.map_or("Ok".into(), |e| e.to_string()), F::NAME),
            }
        }
    }
    for seed in 0..10 {
        let draws = &mut Draws::new(seed);
        let rows: Vec<_> = (0..300)
            .map(|i| {
                let mut row = draws.normals(4);
                row.push(f64::from(u8::from(i % 37 == 5)));
                row
            })
            .collect();
        let y: Vec<bool> =
            rows.iter().map(|row| row[4] == 1.0 || draws.label(row[0] - row[1])).collect();
        check::<f64>(&rows, &y);
        check::<f32>(&rows, &y);
    }
}
