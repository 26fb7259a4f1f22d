//! Covariances that hold where rows of a cluster depend on each other.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::peers::Peers;
use crate::inference::Inference;
use crate::inference::estimates::Estimates;
use crate::inference::information::add_lower;
use crate::linalg::eigen::without_negative_eigenvalues;
use crate::numbers::gram::{add_gram, padded};

/// How the covariance of clusters makes up for their small number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClusterCorrection {
    /// Not at all: CR0.
    None,
    /// By `G / (G - 1)`, for G clusters: Stata's `logit, vce(cluster)`, and `sandwich::vcovCL` of a `glm`.
    #[default]
    Clusters,
    /// By `G / (G - 1) · (n - 1) / (n - k)`, for n rows and k parameters. This is what statsmodels does,
    /// and `sandwich::vcovCL` with `type = "HC1"`.
    ClustersAndParameters,
}

/// To which clusters the rows belong, by one label or by two.
///
/// ```text
/// V (Σ_g s_g s_gᵀ) V        s_g = Σ_{i in g} ωᵢ (yᵢ - pᵢ) aᵢ        one way
/// V_A + V_B - V_AB                                           two ways, AB the clusters of both labels
/// ```
///
/// Source: Liang and Zeger, *Longitudinal data analysis using generalized linear models* (1986); Cameron,
/// Gelbach and Miller, *Robust inference with multiway clustering* (2011).
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, LogisticRegression};
/// use logit::{ClusterCorrection, Clusters};
///
/// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
/// let y = [0, 0, 1, 0, 1, 0, 1, 1];
/// let estimator = LogisticRegression::new();
/// let model = estimator.fit(&x, y)?.model;
/// let schools = ["north", "south", "east", "north", "south", "east", "north", "south"];
/// let clusters = Clusters::new(schools).correction(ClusterCorrection::None);
/// let robust = estimator.inference(&model, &x, y)?.clustered(&clusters)?;
/// println!("{robust}"); // the table with these standard errors
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Clusters {
    first: Grouping,
    second: Option<Grouping>,
    correction: ClusterCorrection,
    repaired: bool,
}

/// One cluster per row.
#[derive(Clone, Debug)]
struct Grouping {
    /// The number of each row's cluster, in the order of their first rows.
    of_row: Vec<usize>,
    /// A number for each cluster that is the same in all processes.
    ids: Vec<u64>,
}

impl Grouping {
    fn new<L: Hash + Eq>(labels: impl IntoIterator<Item = L>) -> Self {
        let mut numbers = HashMap::new();
        let mut ids = Vec::new();
        let number = |label: L| {
            let mut hasher = DefaultHasher::new();
            label.hash(&mut hasher);
            *numbers.entry(label).or_insert_with(|| {
                ids.push(hasher.finish());
                ids.len() - 1
            })
        };
        let of_row = labels.into_iter().map(number).collect();
        Self { of_row, ids }
    }

    /// Clusters of rows that are in the same ones by both.
    fn intersected(&self, other: &Self) -> Self {
        let ids = |grouping: &Self, row: usize| grouping.ids[grouping.of_row[row]];
        Self::new((0..self.of_row.len()).map(|row| (ids(self, row), ids(other, row))))
    }
}

impl Clusters {
    /// The clusters by a label per row, sorted or not. With processes, a cluster may be spread over
    /// them; its label must hash alike in each.
    pub fn new<L: Hash + Eq>(labels: impl IntoIterator<Item = L>) -> Self {
        let (first, correction) = (Grouping::new(labels), ClusterCorrection::default());
        Self { first, second: None, correction, repaired: false }
    }

    /// Adds a second label per row: two-way clusters.
    pub fn and<L: Hash + Eq>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.second = Some(Grouping::new(labels));
        self
    }

    /// The correction for a small number of clusters. Default: [`ClusterCorrection::Clusters`].
    pub fn correction(mut self, correction: ClusterCorrection) -> Self {
        self.correction = correction;
        self
    }

    /// Whether negative eigenvalues of a two-way covariance become 0, as Cameron, Gelbach and Miller
    /// do (2011, section 2.3). Default: false, and a negative variance is an error.
    pub fn repaired(mut self, repaired: bool) -> Self {
        self.repaired = repaired;
        self
    }
}

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// The coefficients with a covariance that allows for dependence within clusters. Takes a pass, or
    /// three with two labels per row. Memory grows with the number of clusters times that of columns.
    ///
    /// # Errors
    /// [`Error::RowCount`] where labels are not one per row. [`Error::Setting`] where there are fewer than
    /// two clusters. [`Error::NegativeVariance`] from two-way clusters that are not
    /// [repaired](Clusters::repaired).
    pub fn clustered(&self, clusters: &Clusters) -> Result<Estimates, Error> {
        let mut meat = self.meat_of(&clusters.first, clusters.correction)?;
        let mut method = "clusters".to_owned();
        if let Some(second) = &clusters.second {
            let both = clusters.first.intersected(second);
            let second = self.meat_of(second, clusters.correction)?;
            let both = self.meat_of(&both, clusters.correction)?;
            for (sum, (second, both)) in meat.iter_mut().zip(second.iter().zip(&both)) {
                *sum += second - both;
            }
            method = "two-way clusters".to_owned();
        }
        let mut covariance = self.information.sandwich(&meat);
        if clusters.second.is_some() {
            if clusters.repaired {
                covariance = without_negative_eigenvalues(covariance, self.information.dimension());
            }
            self.check_variances(&covariance)?;
        }
        Ok(self.estimates.with_covariance(covariance, method))
    }

    fn check_variances(&self, covariance: &[f64]) -> Result<(), Error> {
        let order = self.information.dimension();
        let variances = covariance.iter().step_by(order + 1).take(order);
        match variances.enumerate().find(|(_, variance)| **variance < 0.0) {
            None => Ok(()),
            Some((j, &variance)) => {
                let is_weight = j < self.model.weights().len();
                let parameter = if is_weight { format!("weight {j}") } else { "intercept".into() };
                Err(Error::NegativeVariance { parameter, variance })
            }
        }
    }

    /// `Σ_g s_g s_gᵀ` with its correction.
    fn meat_of(
        &self,
        grouping: &Grouping,
        correction: ClusterCorrection,
    ) -> Result<Vec<f64>, Error> {
        let peers = self.objective.data.peers();
        let (given, rows) = (grouping.of_row.len(), self.objective.data.x.nrows());
        let name = "cluster label";
        let fits = if given == rows { Ok(()) } else { Err(Error::RowCount { name, given, rows }) };
        peers.agree(fits)?;
        let (sums, count) = self.scores_of(grouping);
        check_setting("number of clusters", count, count > 1, "at least 2")?;
        let order = padded(self.information.dimension());
        let mut lower = vec![0.0; order * order];
        add_gram(&sums, &mut lower, order);
        let dimension = self.information.dimension();
        let mut meat = vec![0.0; dimension * dimension];
        add_lower(&lower, order, &mut meat, dimension);
        let (g, n) = (count as f64, self.likelihood.rows as f64);
        let factor = match correction {
            ClusterCorrection::None => 1.0,
            ClusterCorrection::Clusters => g / (g - 1.0),
            ClusterCorrection::ClustersAndParameters => {
                g / (g - 1.0) * ((n - 1.0) / (n - self.information.rank() as f64))
            }
        };
        meat.iter_mut().for_each(|sum| *sum *= factor);
        Ok(meat)
    }

    /// The sum of the scores of each cluster, in rows of padded length. Also the number of clusters with
    /// a row that counts. Both are the same in all processes.
    fn scores_of(&self, grouping: &Grouping) -> (Vec<f64>, usize) {
        let (data, order) = (&self.objective.data, padded(self.information.dimension()));
        let (clusters, dimension) = (grouping.ids.len(), self.information.dimension());
        // So few sums at once that they are small beside the rows.
        let count = (data.x.nrows() / (4 * clusters.max(1))).clamp(1, data.segments().min(8));
        let partial = || (vec![0.0; clusters * order], vec![0.0; dimension], vec![false; clusters]);
        let mut partials: Vec<_> = (0..count).map(|_| partial()).collect();
        data.for_each_batch(&self.model, &mut partials, |(sums, folded, counts), batch| {
            for row in batch.rows().filter(|row| row.weight > 0.0) {
                let cluster = grouping.of_row[row.position];
                self.information.fold(row.x, 1.0, folded);
                let score = row.weight * row.residual();
                let sum = &mut sums[cluster * order..][..dimension];
                sum.iter_mut().zip(&*folded).for_each(|(sum, x)| *sum += score * x);
                counts[cluster] = true;
            }
        });
        let (mut sums, _, mut counts) = partials.swap_remove(0);
        for (others, _, other_counts) in &partials {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
            counts.iter_mut().zip(other_counts).for_each(|(counts, other)| *counts |= other);
        }
        joined(data.peers(), &grouping.ids, &sums, &counts, order)
    }
}

/// The sums of clusters of all processes, and their number.
fn joined(
    peers: &dyn Peers,
    ids: &[u64],
    sums: &[f64],
    counts: &[bool],
    order: usize,
) -> (Vec<f64>, usize) {
    if peers.size() == 1 {
        return (sums.to_vec(), counts.iter().filter(|counts| **counts).count());
    }
    // An id in two halves, which a sum over processes leaves exact.
    let halves = |id: &u64| vec![(id >> 32) as f64, (id & 0xffff_ffff) as f64];
    let own = ids.iter().zip(counts).filter(|(_, counts)| **counts).map(|(id, _)| halves(id));
    let number = own.clone().count();
    let most = peers.max(number as f64) as usize;
    let all = peers.share(own, most * peers.size(), 2);
    let all: BTreeSet<u64> = all.iter().map(|id| (id[0] as u64) << 32 | id[1] as u64).collect();
    let all: Vec<u64> = all.into_iter().collect();
    let mut joined = vec![0.0; all.len() * order];
    for ((id, sum), _) in ids.iter().zip(sums.chunks_exact(order)).zip(counts).filter(|(_, c)| **c)
    {
        if let Ok(place) = all.binary_search(id) {
            joined[place * order..][..order].copy_from_slice(sum);
        }
    }
    peers.sum(&mut joined);
    (joined, all.len())
}
