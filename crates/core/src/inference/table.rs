//! Tables of estimates as R and Stata print them.

use std::fmt::{Display, Formatter, Result};

use crate::backend::contract::Backend;
use crate::inference::Inference;
use crate::inference::estimates::Estimates;
use crate::inference::likelihood::Likelihood;
use crate::inference::maximum::firth::Firth;
use crate::numbers::distributions::two_sided_quantile;

/// The probability of the intervals in tables.
const LEVEL: f64 = 0.95;
const HEADINGS: [&str; 7] = ["", "estimate", "std. error", "z", "p", "95 % from", "to"];

impl<B: Backend + ?Sized> Display for Inference<'_, B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "{}", self.likelihood())?;
        write!(f, "{}", self.estimates())
    }
}

impl<B: Backend + ?Sized> Display for Firth<'_, B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let value = significant(self.penalized_log_likelihood());
        writeln!(f, "Firth's penalty, penalised log-likelihood {value}")?;
        write!(f, "{}", self.estimates())
    }
}

impl Display for Likelihood {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{} rows", self.rows)?;
        if self.observations != self.rows as f64 {
            write!(f, " of weight {}", significant(self.observations))?;
        }
        let (own, null) = (self.log_likelihood, self.null_log_likelihood);
        writeln!(f, ", log-likelihood {}, null {}", significant(own), significant(null))?;
        let test = self.test();
        let (freedom, statistic) = (test.degrees_of_freedom, significant(test.statistic));
        write!(f, "likelihood ratio chi²({freedom}) = {statistic}, p = {}", p(test.p_value))?;
        writeln!(f, ", McFadden R² {}", significant(self.mcfadden()))?;
        let (aic, bic) = (significant(self.aic()), significant(self.bic()));
        write!(f, "AIC {aic}, BIC {bic}")
    }
}

impl Display for Estimates {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (errors, z, p_values) = (self.standard_errors(), self.z(), self.p_values());
        let by = two_sided_quantile(LEVEL);
        let row = |j: usize| {
            let (name, value) = (self.names[j].clone(), self.values[j]);
            if self.left_out.contains(&j) {
                let mut cells = [const { String::new() }; 7];
                (cells[0], cells[1]) = (name, "left out".to_owned());
                return cells;
            }
            let [lower, upper] = [value - by * errors[j], value + by * errors[j]];
            let [value, error, z, lower, upper] =
                [value, errors[j], z[j], lower, upper].map(significant);
            [name, value, error, z, p(p_values[j]), lower, upper]
        };
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend((0..self.values.len()).map(row));
        let width = |k: usize| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0);
        let widths: [usize; 7] = std::array::from_fn(width);
        for [name, cells @ ..] in &rows {
            let mut line = format!("{name:<0$}", widths[0]);
            for (cell, width) in cells.iter().zip(&widths[1..]) {
                line += &format!("  {cell:>width$}");
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        write!(f, "standard errors: {}", self.method)
    }
}

/// A number with five significant digits.
fn significant(x: f64) -> String {
    let exponent = x.abs().log10().floor();
    match x {
        0.0 => "0".to_owned(),
        _ if (-4.0..6.0).contains(&exponent) => {
            let decimals = (4.0 - exponent).max(0.0) as usize;
            format!("{x:.decimals$}")
        }
        _ => format!("{x:.4e}"),
    }
}

/// A p-value; the smallest ones too.
fn p(x: f64) -> String {
    if x < 1e-4 { format!("{x:.1e}") } else { format!("{x:.4}") }
}
