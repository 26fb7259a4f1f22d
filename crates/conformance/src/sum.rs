//! Compensated summation.

/// A sum of numbers and products as accurate as if taken in twice the precision of `f64`.
///
/// Neumaier's summation with error-free products. Source: Ogita, Rump and Oishi, *Accurate sum and
/// dot product* (2005), algorithms 4.3 and 5.3.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    plain: f64,
    total: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, x: f64) {
        self.plain += x;
        let total = self.total + x;
        self.lost += if self.total.abs() >= x.abs() {
            (self.total - total) + x
        } else {
            (x - total) + self.total
        };
        self.total = total;
    }

    pub(crate) fn add_product(&mut self, x: f64, y: f64) {
        let product = x * y;
        let lost = x.mul_add(y, -product);
        self.add(product);
        if lost.is_finite() {
            self.lost += lost;
        }
    }

    /// The sum; where it is not finite, what plain summation gives.
    pub(crate) fn value(&self) -> f64 {
        let value = self.total + self.lost;
        if value.is_finite() { value } else { self.plain }
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(terms: I) -> Self {
        let mut sum = Self::default();
        terms.into_iter().for_each(|x| sum.add(x));
        sum
    }
}

/// The compensated mean of n terms.
pub(crate) fn mean(terms: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = terms.len() as f64;
    terms.collect::<Sum>().value() / n
}
