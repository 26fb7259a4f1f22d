//! Folds of rows: dealt by class, by group, or given.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::backend::error::{Error, check_setting};
use crate::backend::peers::Peers;
use crate::backend::shard::Shard;
use crate::numbers::float::Float;
use crate::objective::data::observed::Observed;

/// How rows become folds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Folds {
    pub(super) count: usize,
    pub(super) seed: u64,
    by: By,
}

#[derive(Clone, Debug, PartialEq)]
enum By {
    Class,
    /// The hash of each row's group, the same in all processes.
    Group(Vec<u64>),
    /// The fold of each row.
    Given(Vec<usize>),
}

impl Default for Folds {
    fn default() -> Self {
        Self { count: 10, seed: 0, by: By::Class }
    }
}

impl Folds {
    pub(super) fn set_groups(&mut self, groups: impl IntoIterator<Item: Hash>) {
        let hash = |group| {
            let mut hasher = DefaultHasher::new();
            Hash::hash(&group, &mut hasher);
            hasher.finish()
        };
        self.by = By::Group(groups.into_iter().map(hash).collect());
    }

    pub(super) fn set_given(&mut self, folds: impl IntoIterator<Item = usize>) {
        self.by = By::Given(folds.into_iter().collect());
    }

    /// The fold of each row held here.
    pub(super) fn deal<F: Float>(
        &self,
        observed: &Observed<F>,
        shard: Shard,
        peers: &dyn Peers,
    ) -> Result<Vec<usize>, Error> {
        let rows = observed.y.len();
        let (name, given) = match &self.by {
            By::Class => ("fold", rows),
            By::Group(groups) => ("group", groups.len()),
            By::Given(folds) => ("fold", folds.len()),
        };
        let enough =
            if given == rows { Ok(()) } else { Err(Error::RowCount { name, given, rows }) };
        peers.agree(enough)?;
        let folds = match &self.by {
            By::Class => self.by_class(observed, shard, peers)?,
            By::Group(groups) => self.by_group(groups, shard, peers)?,
            By::Given(folds) => {
                let last = folds.iter().copied().max().unwrap_or(0);
                let count = peers.max(last as f64) + 1.0;
                let holds = (2.0..=shard.of as f64).contains(&count);
                let accepted = "2 folds or more, counted from 0, and no more than rows";
                check_setting("folds", count, holds, accepted)?;
                folds.clone()
            }
        };
        check_classes(observed, &folds, peers)?;
        Ok(folds)
    }

    /// All rows of class 0 are dealt in turn, in an order drawn from the seed, then those of class 1,
    /// then those that do not count.
    fn by_class<F: Float>(
        &self,
        observed: &Observed<F>,
        shard: Shard,
        peers: &dyn Peers,
    ) -> Result<Vec<usize>, Error> {
        let block = observed.block(0..observed.y.len());
        let class = |i: usize| match block.counts(i) {
            true => f64::from(u8::from(observed.y[i])),
            false => 2.0,
        };
        let class_of = of_all((0..shard.len).map(class), shard, peers);
        let rows_of = |class: f64| (0..shard.of).filter(|&i| class_of[i] == class).collect();
        let classes: [Vec<usize>; 3] = [0.0, 1.0, 2.0].map(rows_of);
        let most = classes[0].len().min(classes[1].len());
        let accepted = "at least 2, and at most the number of rows of the rarer class that count";
        check_setting("folds", self.count, (2..=most).contains(&self.count), accepted)?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut folds = vec![0; shard.of];
        let mut next = (0..self.count).cycle();
        for mut rows in classes {
            rows.shuffle(&mut rng);
            rows.into_iter().zip(&mut next).for_each(|(i, fold)| folds[i] = fold);
        }
        Ok(folds[shard.first..][..shard.len].to_vec())
    }

    /// The groups, in an order drawn from the seed but the largest first, each to the fold with the
    /// fewest rows.
    fn by_group(
        &self,
        groups: &[u64],
        shard: Shard,
        peers: &dyn Peers,
    ) -> Result<Vec<usize>, Error> {
        // Each half is exact as an f64.
        let half = |shift: u32| {
            let of_row = groups.iter().map(|hash| f64::from((hash >> shift) as u32));
            of_all(of_row, shard, peers)
        };
        let (high, low) = (half(32), half(0));
        let mut rows_of: HashMap<(u64, u64), usize> = HashMap::new();
        let mut order = Vec::new();
        for (&high, &low) in high.iter().zip(&low) {
            let group = (high.to_bits(), low.to_bits());
            let rows = rows_of.entry(group).or_insert(0);
            if *rows == 0 {
                order.push(group);
            }
            *rows += 1;
        }
        let accepted = "at least 2, and at most the number of groups";
        check_setting("folds", self.count, (2..=order.len()).contains(&self.count), accepted)?;
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(self.seed));
        order.sort_by_key(|group| std::cmp::Reverse(rows_of[group]));
        let mut sizes = vec![0; self.count];
        let mut fold_of = HashMap::new();
        for group in order {
            let smallest = (0..self.count).min_by_key(|&fold| sizes[fold]).unwrap_or_default();
            sizes[smallest] += rows_of[&group];
            fold_of.insert(group, smallest);
        }
        let held = shard.first..shard.first + shard.len;
        let fold = |(high, low): (&f64, &f64)| fold_of[&(high.to_bits(), low.to_bits())];
        Ok(high[held.clone()].iter().zip(&low[held]).map(fold).collect())
    }
}

/// A number per row of the whole matrix, given those of the rows held here.
fn of_all(own: impl Iterator<Item = f64>, shard: Shard, peers: &dyn Peers) -> Vec<f64> {
    let mut all = vec![0.0; shard.of];
    all[shard.first..][..shard.len].iter_mut().zip(own).for_each(|(to, own)| *to = own);
    peers.sum(&mut all);
    all
}

/// Fails where the rows outside a fold are of one class, or a fold has no row that counts.
fn check_classes<F: Float>(
    observed: &Observed<F>,
    folds: &[usize],
    peers: &dyn Peers,
) -> Result<(), Error> {
    let count = peers.max(folds.iter().copied().max().unwrap_or(0) as f64) as usize + 1;
    let mut weights = vec![0.0; 2 * count];
    for (i, &fold) in folds.iter().enumerate() {
        let weight = observed.weights.get(i).map_or(1.0, |weight| weight.widen());
        weights[2 * fold + usize::from(observed.y[i])] += weight;
    }
    peers.sum(&mut weights);
    for fold in 0..count {
        let (own, others) = (&weights[2 * fold..][..2], |class: usize| {
            (0..count).filter(|&other| other != fold).map(|other| weights[2 * other + class]).sum()
        });
        let others: [f64; 2] = [others(0), others(1)];
        let holds = own[0] + own[1] > 0.0;
        let value = format_args!("{count} folds, with no row that counts in fold {fold}");
        check_setting("folds", value, holds, "folds that each have a row that counts")?;
        match others {
            [0.0, _] => return Err(Error::OneClass { class: 1 }),
            [_, 0.0] => return Err(Error::OneClass { class: 0 }),
            _ => {}
        }
    }
    Ok(())
}
