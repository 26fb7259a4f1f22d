//! Logistic regression on the Breast Cancer Wisconsin (Diagnostic) data, with every backend and
//! precision: first the classic recipe on the features as they are, then the default solver on standardised
//! ones.
//!
//! `cargo run --release --example breast_cancer`

use std::error::Error;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use logit::metrics::{Confusion, log_loss, roc_auc};
use logit::nalgebra::DMatrix;
use logit::ndarray::Array2;
use logit::{
    Backend, Float, GradientDescent, LogisticRegression, Nalgebra, Ndarray, Report, Solver,
};
use plotters::prelude::*;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/breast_cancer.csv");
const CURVES: &str = "breast_cancer_loss.svg";
const SEED: u64 = 0;
const SPLITS: u64 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let data = read(DATA)?;
    let (train, test) = stratified_split(&data, SEED);
    println!(
        "Breast Cancer Wisconsin (Diagnostic): {} rows to fit, {} held out (stratified, seed {SEED}), \
         {} features; benign is positive.\n",
        train.y.len(),
        test.y.len(),
        train.x[0].len()
    );

    println!("The classic recipe, features as they are: learning rate 0.001, 1000 iterations");
    let recipe = LogisticRegression::new().solver(GradientDescent::new());
    let raw = fit_all(&recipe, &train, &test)?;
    print_table(&raw);
    print_over_splits(&recipe, &data)?;
    println!(
        "Published for this recipe: accuracy 93 %, precision 91.7 %.\n\
         Some features are in the hundreds, so each step overshoots: the loss swings instead of\n\
         falling, and the model is whatever the last swing left. Of the first row it is reported:\n{}\n",
        indented(&raw[0].report)
    );

    println!("Standardised: l2 0.01, the default solver");
    let estimator = LogisticRegression::new().standardize(true).l2(0.01);
    let standardized = fit_all(&estimator, &train, &test)?;
    print_table(&standardized);
    print_over_splits(&estimator, &data)?;
    println!("{}\n", indented(&standardized[0].report));

    plot(&raw, &standardized)?;
    println!("Loss curves: {CURVES}");
    Ok(())
}

/// Rows of features with their labels.
#[derive(Default)]
struct Data {
    x: Vec<Vec<f64>>,
    y: Vec<bool>,
}

fn read(path: &str) -> Result<Data, Box<dyn Error>> {
    let mut data = Data::default();
    for record in csv::Reader::from_path(path)?.records() {
        let record = record?;
        let features = record.iter().take(record.len() - 1).map(str::parse);
        data.x.push(features.collect::<Result<_, _>>()?);
        data.y.push(&record[record.len() - 1] == "benign");
    }
    Ok(data)
}

/// Holds out a fifth of each class.
fn stratified_split(data: &Data, seed: u64) -> (Data, Data) {
    let mut order: Vec<usize> = (0..data.y.len()).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    let (mut train, mut test) = (Data::default(), Data::default());
    for class in [false, true] {
        let members: Vec<usize> = order.iter().copied().filter(|&i| data.y[i] == class).collect();
        let held_out = members.len() / 5;
        for (k, i) in members.into_iter().enumerate() {
            let part = if k < held_out { &mut test } else { &mut train };
            part.x.push(data.x[i].clone());
            part.y.push(class);
        }
    }
    (train, test)
}

/// How one backend did in one precision.
struct Outcome {
    name: String,
    confusion: Confusion,
    log_loss: f64,
    roc_auc: f64,
    report: Report,
    time: Duration,
}

fn fit_all(
    estimator: &LogisticRegression<impl Solver>,
    train: &Data,
    test: &Data,
) -> Result<Vec<Outcome>, logit::Error> {
    Ok(vec![
        with_ndarray::<f64>(estimator, train, test)?,
        with_ndarray::<f32>(estimator, train, test)?,
        with_nalgebra::<f64>(estimator, train, test)?,
        with_nalgebra::<f32>(estimator, train, test)?,
    ])
}

fn with_ndarray<F: Float>(
    estimator: &LogisticRegression<impl Solver>,
    train: &Data,
    test: &Data,
) -> Result<Outcome, logit::Error> {
    let matrix = |data: &Data| {
        let shape = (data.x.len(), data.x[0].len());
        Array2::from_shape_fn(shape, |(i, j)| F::narrow(data.x[i][j]))
    };
    let (x_train, x_test) = (matrix(train), matrix(test));
    fit("ndarray", estimator, (&(&x_train).into(), train), (&Ndarray::from(&x_test), test))
}

fn with_nalgebra<F: Float>(
    estimator: &LogisticRegression<impl Solver>,
    train: &Data,
    test: &Data,
) -> Result<Outcome, logit::Error> {
    let matrix = |data: &Data| {
        DMatrix::from_fn(data.x.len(), data.x[0].len(), |i, j| F::narrow(data.x[i][j]))
    };
    let (x_train, x_test) = (matrix(train), matrix(test));
    fit("nalgebra", estimator, (&(&x_train).into(), train), (&Nalgebra::from(&x_test), test))
}

/// Written once, for any backend.
fn fit<B: Backend>(
    backend: &str,
    estimator: &LogisticRegression<impl Solver>,
    (x_train, train): (&B, &Data),
    (x_test, test): (&B, &Data),
) -> Result<Outcome, logit::Error> {
    let start = Instant::now();
    let fit = estimator.fit(x_train, &train.y)?;
    let time = start.elapsed();
    let p = fit.model.predict_proba(x_test)?;
    let p: Vec<_> = (0..test.y.len()).map(|i| p[i]).collect();
    Ok(Outcome {
        name: format!("{backend} {}", B::Scalar::NAME),
        confusion: Confusion::new(&test.y, fit.model.predict(x_test)?)?,
        log_loss: log_loss(&test.y, p.iter().copied())?,
        roc_auc: roc_auc(&test.y, p.iter().copied())?,
        report: fit.report,
        time,
    })
}

fn print_table(outcomes: &[Outcome]) {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "backend",
        "accuracy",
        "precision",
        "recall",
        "log loss",
        "AUC",
        "iterations",
        "stopped by",
        "time",
    ]);
    for outcome in outcomes {
        table.add_row([
            outcome.name.clone(),
            format!("{:.1} %", 100.0 * outcome.confusion.accuracy()),
            format!("{:.1} %", 100.0 * outcome.confusion.precision()),
            format!("{:.1} %", 100.0 * outcome.confusion.recall()),
            format!("{:.4}", outcome.log_loss),
            format!("{:.4}", outcome.roc_auc),
            outcome.report.iterations.to_string(),
            outcome.report.stop.to_string(),
            format!("{:.1} ms", 1e3 * outcome.time.as_secs_f64()),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
}

/// One split is luck: the same fit, with ndarray in f64, over many.
fn print_over_splits(
    estimator: &LogisticRegression<impl Solver>,
    data: &Data,
) -> Result<(), logit::Error> {
    let (mut accuracy, mut precision) = (Vec::new(), 0.0);
    for seed in 0..SPLITS {
        let (train, test) = stratified_split(data, seed);
        let outcome = with_ndarray::<f64>(estimator, &train, &test)?;
        accuracy.push(100.0 * outcome.confusion.accuracy());
        precision += 100.0 * outcome.confusion.precision() / SPLITS as f64;
    }
    accuracy.sort_by(f64::total_cmp);
    println!(
        "Over {SPLITS} splits: accuracy {:.1} % on average ({:.1} to {:.1} %), precision {precision:.1} %.",
        accuracy.iter().sum::<f64>() / SPLITS as f64,
        accuracy[0],
        accuracy[accuracy.len() - 1],
    );
    Ok(())
}

fn indented(report: &Report) -> String {
    format!("  {report}").replace('\n', "\n  ")
}

/// Both sets of loss curves, on logarithmic axes.
fn plot(raw: &[Outcome], standardized: &[Outcome]) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(CURVES, (900, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let panels = root.split_evenly((1, 2));
    for (panel, title, outcomes) in
        [(&panels[0], "features as they are", raw), (&panels[1], "standardised", standardized)]
    {
        let losses = || outcomes.iter().flat_map(|outcome| &outcome.report.losses);
        let low = losses().copied().fold(f64::INFINITY, f64::min);
        let high = losses().copied().fold(0.0, f64::max);
        let iterations = outcomes.iter().map(|outcome| outcome.report.iterations).max();
        let mut chart = ChartBuilder::on(panel)
            .caption(title, ("sans-serif", 16))
            .margin(10)
            .x_label_area_size(32)
            .y_label_area_size(56)
            .build_cartesian_2d(
                (1.0..iterations.unwrap_or(1) as f64).log_scale(),
                (low..high).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc("iteration")
            .y_desc("loss")
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| format!("{y:.1}"))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (k, outcome) in outcomes.iter().enumerate() {
            let color = Palette99::pick(k).to_rgba();
            let losses = outcome.report.losses.iter().enumerate();
            let points = losses.map(|(iteration, &loss)| ((iteration + 1) as f64, loss));
            chart
                .draw_series(LineSeries::new(points, color))?
                .label(&outcome.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()?;
    }
    root.present()?;
    Ok(())
}
