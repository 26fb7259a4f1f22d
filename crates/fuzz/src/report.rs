//! Counts by kind.

use std::collections::BTreeMap;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;

use crate::draw::Kind;
use crate::verdict::{Fault, Verdict};

/// Of one kind.
#[derive(Default)]
struct Counts {
    cases: usize,
    fits: usize,
    open: usize,
    failed: usize,
    faults: BTreeMap<Fault, usize>,
}

/// What came of all cases so far.
#[derive(Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<Kind, Counts>,
}

impl Tally {
    pub(crate) fn add(&mut self, kind: Kind, verdict: &Verdict) {
        let counts = self.kinds.entry(kind).or_default();
        counts.cases += 1;
        counts.fits += verdict.fits;
        counts.open += usize::from(verdict.open);
        counts.failed += usize::from(!verdict.findings.is_empty());
        for finding in &verdict.findings {
            *counts.faults.entry(finding.fault).or_default() += 1;
        }
    }

    pub(crate) fn failed(&self) -> usize {
        self.kinds.values().map(|counts| counts.failed).sum()
    }

    /// A row for each kind, a column for each fault that was found.
    pub(crate) fn table(&self) -> Table {
        let mut total = Counts::default();
        for counts in self.kinds.values() {
            total.cases += counts.cases;
            total.fits += counts.fits;
            total.open += counts.open;
            total.failed += counts.failed;
            for (&fault, count) in &counts.faults {
                *total.faults.entry(fault).or_default() += count;
            }
        }
        let faults: Vec<Fault> = total.faults.keys().copied().collect();
        let names = ["kind", "cases", "fits", "open", "cases failed"].map(str::to_owned);
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(names.into_iter().chain(faults.iter().map(Fault::to_string)));
        let row = |name: String, counts: &Counts| {
            let numbers = [counts.cases, counts.fits, counts.open, counts.failed];
            let faults = faults.iter().map(|fault| counts.faults.get(fault).copied().unwrap_or(0));
            let numbers = numbers.into_iter().chain(faults).map(|count| count.to_string());
            [name].into_iter().chain(numbers).collect::<Vec<_>>()
        };
        for (kind, counts) in &self.kinds {
            table.add_row(row(kind.to_string(), counts));
        }
        table.add_row(row("all".to_owned(), &total));
        table
    }
}
