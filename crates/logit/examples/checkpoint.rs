//! A fit that is killed half way and resumed from a file: `cargo run --example checkpoint
//! --features serde`, twice.

use std::error::Error;
use std::fs::{self, File};
use std::ops::ControlFlow;
use std::path::Path;

use logit::{
    Checkpoint, Fit, GradientDescent, LogisticRegression, Ndarray, Progress, ndarray::Array2,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let file = std::env::temp_dir().join("logit_checkpoint.json");
    let kill = if file.exists() { None } else { Some(700) };
    let fit = fit(&file, kill)?;
    println!("{}", fit.report);
    if kill.is_some() {
        println!("killed; run it again to resume from {}", file.display());
    } else {
        fs::remove_file(file)?;
    }
    Ok(())
}

/// Resumes the fit from the file, where there is one, and saves it there every 100 iterations.
fn fit(file: &Path, kill: Option<usize>) -> Outcome<Fit<f64>> {
    let x = Array2::from_shape_fn((300, 4), |(i, j)| ((i * (j + 3)) % 11) as f64);
    let y = (0..300).map(|i| (i * 3) % 11 > i % 7);
    let solver = GradientDescent::new().learning_rate(0.05).momentum(0.9).batch_size(32);
    let saved: Option<Checkpoint> =
        if file.exists() { Some(serde_json::from_reader(File::open(file)?)?) } else { None };
    let estimator = LogisticRegression::new().standardize(true).solver(solver).resume(saved);
    let mut saving = Ok(());
    let fit = estimator.fit_observed(&Ndarray::from(&x), y, |progress| {
        if progress.iteration % 100 == 0 {
            saving = save(progress, file);
        }
        if saving.is_err() || Some(progress.iteration) == kill {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    saving.map(|()| fit)
}

/// Writes beside the file and renames, so that whoever is killed here leaves the old one whole.
fn save(progress: &Progress<'_, f64>, file: &Path) -> Outcome<()> {
    let new = file.with_extension("new");
    fs::write(&new, serde_json::to_string(&progress.checkpoint())?)?;
    Ok(fs::rename(new, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_fit_ends_in_the_bits_of_one_that_was_not() {
        let file = |name| std::env::temp_dir().join(format!("{name}_{}", std::process::id()));
        let (killed, whole) = (file("killed"), file("whole"));
        let expected = fit(&whole, None).expect("a fit");
        assert_eq!(fit(&killed, Some(250)).expect("a fit").report.iterations, 250);
        assert_eq!(fit(&killed, None).expect("a fit"), expected);
        fs::remove_file(killed).expect("written");
        fs::remove_file(whole).expect("written");
    }
}
