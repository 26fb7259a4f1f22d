//! How work is timed: the best of several runs, as many as fit into a budget.

use std::fs;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::peers::Outcome;

/// How often to do the work, and whether to tell that it begins.
#[derive(Args)]
pub(crate) struct Timer {
    /// How often to do it at most; the best time counts.
    #[arg(long, default_value_t = 1)]
    repeats: usize,
    /// No repeat that would end later than so many seconds after the start of the first run.
    #[arg(long, default_value_t = 10.0)]
    budget: f64,
    #[arg(skip = true)]
    announce: bool,
}

/// The best time, and what came of the work.
#[derive(Serialize)]
pub(crate) struct Measured {
    seconds: f64,
    runs: usize,
    /// The most memory of the process during the first run.
    peak_mb: f64,
    #[serde(flatten)]
    outcome: Outcome,
}

impl Timer {
    /// Once, and not a word.
    pub(crate) fn warm_up() -> Self {
        Self { repeats: 1, budget: 0.0, announce: false }
    }

    /// Prints `ready`, from where on the caller's time limit counts, and does the work.
    pub(crate) fn time(
        &self,
        mut work: impl FnMut() -> Result<Outcome, String>,
    ) -> Result<Measured, String> {
        if self.announce {
            println!("ready");
        }
        let _ = fs::write("/proc/self/clear_refs", "5"); // the peak starts from here
        let start = Instant::now();
        let mut outcome = work()?;
        let mut seconds = start.elapsed().as_secs_f64();
        let peak_mb = peak_mb();
        let mut runs = 1;
        while runs < self.repeats && start.elapsed().as_secs_f64() + seconds < self.budget {
            let again = Instant::now();
            outcome = work()?;
            seconds = seconds.min(again.elapsed().as_secs_f64());
            runs += 1;
        }
        Ok(Measured { seconds, runs, peak_mb, outcome })
    }
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    kb.map_or(f64::NAN, |kb| kb / 1000.0)
}
