//! Prediction with any backend.

use crate::backend::contract::{Backend, check_products};
use crate::backend::error::{Error, check_setting};
use crate::backend::model::Model;
use crate::numbers::float::{Float, Number};
use crate::numbers::slice;
use crate::objective::data::blocks::Partition;

impl<F: Float> Model<F> {
    /// The logits `x·w + b`, one per row of `x`: positive if class 1 is the likelier.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] if `x` has another number of columns than the model has weights;
    /// [`Error::NonFiniteFeature`] for a NaN or infinity in `x`; [`Error::NonFiniteLogit`] if a
    /// logit overflows.
    pub fn decision_function<B>(&self, x: &B) -> Result<B::Vector, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        Ok(x.vector(self.map_logits(x, |_| {})?))
    }

    /// The same, into a slice of the caller's: one number per row of `x`.
    ///
    /// # Errors
    /// [`Error::OutputLength`] where `out` has another length; else as for
    /// [`decision_function`](Self::decision_function). What `out` holds after an error is not said.
    pub fn decision_function_into<B>(&self, x: &B, out: &mut [F]) -> Result<(), Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        self.map_logits_into(x, |_| {}, out)
    }

    /// The probability of class 1 for each row of `x`.
    ///
    /// # Errors
    /// As for [`decision_function`](Self::decision_function).
    pub fn predict_proba<B>(&self, x: &B) -> Result<B::Vector, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        Ok(x.vector(self.map_logits(x, slice::sigmoid)?))
    }

    /// The same, into a slice of the caller's: one number per row of `x`.
    ///
    /// It serves any backend alike, whatever its own vector is, and allocates nothing per row.
    ///
    /// # Errors
    /// As for [`decision_function_into`](Self::decision_function_into).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Backend, Dense, Error, Float, Model};
    ///
    /// fn mean_probability<B: Backend>(model: &Model<B::Scalar>, x: &B) -> Result<f64, Error> {
    ///     let mut p = vec![B::Scalar::default(); x.nrows()];
    ///     model.predict_proba_into(x, &mut p)?;
    ///     Ok(p.iter().sum::<B::Scalar>().widen() / p.len() as f64)
    /// }
    ///
    /// let model = Model::new([1.0], 0.0)?;
    /// let x = Dense::from_rows(&[-1.0, 0.0, 1.0], 3, 1); // or any other backend
    /// assert!((mean_probability(&model, &x)? - 0.5).abs() < 1e-9);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn predict_proba_into<B>(&self, x: &B, out: &mut [F]) -> Result<(), Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        self.map_logits_into(x, slice::sigmoid, out)
    }

    /// The probability of class 1 for each row of `x`, given an offset for each: what is known of its
    /// logit already, as for [`offsets`](crate::LogisticRegression::offsets) of a fit.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is not one offset per row, and [`Error::RowSetting`] if one is not
    /// finite; else as for [`decision_function`](Self::decision_function).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, Model};
    ///
    /// let model = Model::new([1.0], 0.0)?; // p = sigmoid(x + offset)
    /// let x = Dense::from_rows(&[-1.0, 1.0], 2, 1); // or any other backend
    /// assert_eq!(model.predict_proba_with_offsets(&x, [1.0, -1.0])?, [0.5, 0.5]);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn predict_proba_with_offsets<B>(
        &self,
        x: &B,
        offsets: impl IntoIterator<Item: Number>,
    ) -> Result<B::Vector, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let offsets: Vec<f64> = offsets.into_iter().map(|o| o.float().widen()).collect();
        let (name, given, rows) = ("offset", offsets.len(), x.nrows());
        if given != rows {
            return Err(Error::RowCount { name, given, rows });
        }
        if let Some(row) = offsets.iter().position(|offset| !offset.is_finite()) {
            let (value, accepted) = (offsets[row], "finite");
            return Err(Error::RowSetting { name, row, value, accepted });
        }
        let mut logits = self.map_logits(x, |_| {})?;
        for (z, offset) in logits.iter_mut().zip(offsets) {
            *z = F::narrow(z.widen() + offset);
        }
        slice::sigmoid(&mut logits);
        Ok(x.vector(logits))
    }

    /// The likelier class of each row of `x`: whether its probability is at least 0.5.
    ///
    /// # Errors
    /// As for [`decision_function`](Self::decision_function).
    pub fn predict<B>(&self, x: &B) -> Result<Vec<bool>, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        self.predict_at(x, 0.5)
    }

    /// For each row of `x`, whether the probability of class 1 is at least `threshold`.
    ///
    /// # Errors
    /// [`Error::Setting`] if `threshold` is not within 0 to 1; else as for
    /// [`decision_function`](Self::decision_function).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, Model};
    ///
    /// let model = Model::new([1.0], 0.0)?; // p = sigmoid(x)
    /// let x = Dense::from_rows(&[-1.0, 0.0, 1.0], 3, 1); // or any other backend
    /// assert_eq!(model.predict(&x)?, [false, true, true]);
    /// assert_eq!(model.predict_at(&x, 0.6)?, [false, false, true]);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn predict_at<B>(&self, x: &B, threshold: f64) -> Result<Vec<bool>, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let holds = (0.0..=1.0).contains(&threshold);
        check_setting("threshold", threshold, holds, "within 0 to 1")?;
        let probabilities = self.map_logits(x, slice::sigmoid)?;
        Ok(probabilities.iter().map(|p| p.widen() >= threshold).collect())
    }

    /// The logits of all rows. `map` changes each block while it is in cache.
    pub(crate) fn map_logits<B>(
        &self,
        x: &B,
        map: impl Fn(&mut [F]) + Sync,
    ) -> Result<Vec<F>, Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let mut out = vec![F::zero(); x.nrows()];
        self.map_logits_into(x, map, &mut out)?;
        Ok(out)
    }

    fn map_logits_into<B>(
        &self,
        x: &B,
        map: impl Fn(&mut [F]) + Sync,
        out: &mut [F],
    ) -> Result<(), Error>
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let (given, expected) = (x.ncols(), self.weights.len());
        if given != expected {
            return Err(Error::FeatureCount { given, expected });
        }
        let (given, rows) = (out.len(), x.nrows());
        if given != rows {
            return Err(Error::OutputLength { given, rows });
        }
        let partition = Partition::of(x);
        let segments = partition.split(out).into_iter();
        let mut segments: Vec<_> = segments.map(|out| Segment { out, non_finite: None }).collect();
        partition.for_each_segment(&mut segments, |rows, segment| {
            let start = rows.start;
            for block in partition.blocks(rows) {
                let out = &mut segment.out[block.start - start..block.end - start];
                x.matvec(block.clone(), &self.weights, out);
                out.iter_mut().for_each(|z| *z += self.intercept);
                if segment.non_finite.is_none() {
                    let found = out.iter().position(|z| !z.is_finite());
                    segment.non_finite = found.map(|i| (block.start + i, out[i].widen()));
                }
                map(out);
            }
        });
        match segments.iter().find_map(|segment| segment.non_finite) {
            None => Ok(()),
            Some((row, value)) => {
                check_products(x, row..row + 1, &self.weights)?;
                Err(Error::NonFiniteLogit { row, value })
            }
        }
    }
}

/// A segment's results, and its first non-finite logit: row and value.
struct Segment<'a, F> {
    out: &'a mut [F],
    non_finite: Option<(usize, f64)>,
}
