//! The solvers that reach the optimum: on good data, on bad data, and on data without one.

use logit_conformance::Matrix;
use logit_core::{Backend, Error, Fit, Lbfgs, LogisticRegression, Model, Newton, Solver};
use proptest::prelude::*;

/// Rows with noise on their labels, so that no direction separates them.
fn noisy(n: usize, d: usize, seed: u64) -> (Vec<Vec<f64>>, Vec<bool>) {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
    };
    let rows: Vec<Vec<f64>> = (0..n).map(|_| (0..d).map(|_| random()).collect()).collect();
    let y = rows.iter().enumerate().map(|(i, row)| match i {
        // The same row with either label: no plane has them on different sides.
        0 | 1 => i == 0,
        _ => row[0] + 1.5 * random() > 0.2,
    });
    let y: Vec<bool> = y.collect();
    let mut rows = rows;
    for i in 0..n / 4 {
        rows[2 * i + 1] = rows[2 * i].clone();
    }
    let mut y = y;
    for i in 0..n / 8 {
        y[2 * i + 1] = !y[2 * i];
    }
    (rows, y)
}

fn matrix(rows: &[Vec<f64>]) -> Matrix<f64> {
    Matrix::new((rows.len(), rows[0].len()), Default::default(), |i, j| rows[i][j])
}

#[test]
fn explore() {
    let p = |name: &str, r: Result<Fit<f64>, Error>| match r {
        Ok(f) => println!("{name}: {} | {:?} {}", f.report, f.model.weights(), f.model.intercept()),
        Err(e) => println!("{name}: ERR {e}"),
    };
    let new = LogisticRegression::new;
    let (rows, y) = noisy(40, 3, 1);
    let x = matrix(&rows);
    p("plain", new().fit(&x, &y));
    p("std", new().standardize(true).fit(&x, &y));
    for (name, f) in [
        ("const", 0),
        ("dup", 1),
        ("zero", 2),
        ("1e300", 3),
        ("1e-300", 4),
        ("1e150", 5),
        ("1e-150", 6),
        ("mean 1e9", 7),
        ("1e100", 8),
    ] {
        let rows: Vec<Vec<f64>> = rows
            .iter()
            .map(|r| {
                let mut r = r.clone();
                match f {
                    0 => r.push(7.0),
                    1 => r.push(r[0]),
                    2 => r.push(0.0),
                    3 => r[1] *= 1e300,
                    4 => r[1] *= 1e-300,
                    5 => r[1] *= 1e150,
                    6 => r[1] *= 1e-150,
                    7 => r[1] += 1e9,
                    _ => r[1] *= 1e100,
                }
                r
            })
            .collect();
        let x = matrix(&rows);
        p(name, new().fit(&x, &y));
        p(&format!("{name} l2"), new().l2(0.1).fit(&x, &y));
        p(&format!("{name} no intercept"), new().fit_intercept(false).fit(&x, &y));
        p(&format!("{name} lbfgs"), new().solver(Lbfgs::new()).fit(&x, &y));
    }
    let sep = matrix(&[vec![1.0, 0.3], vec![2.0, -0.2], vec![3.0, 0.9], vec![4.0, 0.1]]);
    p("separated", new().fit(&sep, [0, 0, 1, 1]));
    p("separated std", new().standardize(true).fit(&sep, [0, 0, 1, 1]));
    p("separated lbfgs", new().solver(Lbfgs::new()).fit(&sep, [0, 0, 1, 1]));
    let quasi = matrix(&[vec![1.0], vec![2.0], vec![2.0], vec![2.0], vec![3.0], vec![4.0]]);
    p("quasi", new().fit(&quasi, [0, 0, 1, 1, 1, 1]));
    p("quasi lbfgs", new().solver(Lbfgs::new()).fit(&quasi, [0, 0, 1, 1, 1, 1]));
    let (mut rows, y) = noisy(200, 3, 5);
    for (i, r) in rows.iter_mut().enumerate() {
        r.push(f64::from(u8::from(y[i] && i % 7 == 0)));
    }
    p("quasi dummy", new().fit(&matrix(&rows), &y));
    p("quasi dummy lbfgs", new().solver(Lbfgs::new()).fit(&matrix(&rows), &y));
    p("quasi dummy std", new().standardize(true).fit(&matrix(&rows), &y));
    let (rows, y) = noisy(10, 30, 5);
    p("wide", new().fit(&matrix(&rows[..]), &y));
    p("wide l2", new().l2(1e-3).fit(&matrix(&rows[..]), &y));
    p("wide l2 lbfgs", new().l2(1e-3).solver(Lbfgs::new()).fit(&matrix(&rows[..]), &y));
    let (rows, mut y) = noisy(5000, 4, 9);
    for (i, y) in y.iter_mut().enumerate() {
        *y = i % 500 == 3;
    }
    p("rare", new().fit(&matrix(&rows), &y));
    p("bad start", new().initial_weights([100.0, -300.0, 5.0, 1e4]).fit(&matrix(&rows), &y));
    p(
        "bad start lbfgs",
        new()
            .initial_weights([100.0, -300.0, 5.0, 1e4])
            .solver(Lbfgs::new())
            .fit(&matrix(&rows), &y),
    );
    let outl: Vec<Vec<f64>> =
        (0..50).map(|i| vec![if i == 7 { 1e8 } else { (i as f64 * 0.37).sin() }]).collect();
    p("outlier", new().fit(&matrix(&outl), (0..50).map(|i| i % 3 == 0)));
}
