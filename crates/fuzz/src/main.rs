#![doc = include_str!("../README.md")]

mod case;
mod coefficients;
mod dd;
mod dependence;
mod draw;
mod judge;
mod problem;
mod quadratic;
mod reference;
mod report;
mod runs;
mod separation;
mod shrink;
mod verdict;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use case::Case;
use draw::{HOSTILE, Kind, TYPICAL, case_seed};
use judge::judge;
use lexopt::prelude::*;
use report::Tally;
use shrink::shrink;
use verdict::{Finding, Verdict};

const USAGE: &str = "\
logit-fuzz: random problems of odd kinds, fitted by logit and judged without trusting it

    --cases N         how many problems (1000)
    --seed S          the seed of the run (1)
    --hostile         kinds that people have on bad days, instead of typical ones
    --kind NAME       this kind alone
    --one KIND:SEED   one case, in full, as a failure names it
    --shrink FAULT    then a small case with that fault of the same solver's
    --threads N       cases at a time (1)
";

/// What the command line asks for.
struct Options {
    cases: u64,
    seed: u64,
    kinds: Vec<Kind>,
    one: Option<(Kind, u64)>,
    shrink: Option<String>,
    threads: usize,
}

fn options() -> Result<Options, lexopt::Error> {
    let kinds = TYPICAL.to_vec();
    let mut options = Options { cases: 1000, seed: 1, kinds, one: None, shrink: None, threads: 1 };
    let kind = |name: &str| Kind::named(name).ok_or(format!("no kind is called {name}"));
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("cases") => options.cases = parser.value()?.parse()?,
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("threads") => options.threads = parser.value()?.parse()?,
            Long("hostile") => options.kinds = HOSTILE.to_vec(),
            Long("shrink") => options.shrink = Some(parser.value()?.string()?),
            Long("kind") => options.kinds = vec![kind(&parser.value()?.string()?)?],
            Long("one") => {
                let value = parser.value()?.string()?;
                let (name, seed) = value.split_once(':').ok_or("--one wants KIND:SEED")?;
                let seed = u64::from_str_radix(seed, 16).map_err(|error| error.to_string())?;
                options.one = Some((kind(name)?, seed));
            }
            Long("help") | Short('h') => {
                print!("{USAGE}");
                std::process::exit(0);
            }
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    // Cases run side by side; a fit of these sizes gains nothing from threads.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first of its kind");
    // Panics are findings.
    std::panic::set_hook(Box::new(|_| {}));
    match options.one {
        Some((kind, seed)) => one(kind, seed, options.shrink.as_deref()),
        None => many(&options),
    }
}

/// One case in full, and a smaller one with a fault.
fn one(kind: Kind, seed: u64, fault: Option<&str>) -> ExitCode {
    let case = kind.draw(seed);
    let verdict = judge(&case, seed);
    print_case(&case, &verdict);
    print_findings(kind, seed, &verdict.findings);
    let named = |of: &&Finding| fault.is_some_and(|name| of.fault.to_string() == name);
    if let Some(finding) = verdict.findings.iter().find(named) {
        let solver = finding.run.map(|run| run.solver);
        let smallest = shrink(&case, seed, finding.fault, solver);
        print!("\nin small:\n{smallest}");
        let mut findings = judge(&smallest, seed).findings;
        findings.retain(|of| of.fault == finding.fault && of.run.map(|run| run.solver) == solver);
        print_findings(kind, seed, &findings);
    }
    ExitCode::from(u8::from(!verdict.findings.is_empty()))
}

fn print_case(case: &Case, verdict: &Verdict) {
    print!("{case}");
    verdict.log.iter().for_each(|line| println!("{line}"));
}

fn print_findings(kind: Kind, seed: u64, findings: &[Finding]) {
    for Finding { fault, run, text } in findings {
        let run = run.map_or("all".to_owned(), |run| run.to_string());
        println!("FAIL {fault} {kind}:{seed:x} [{run}] {text}");
    }
}

/// A worker tells what it begins and how it ended.
enum Message {
    Begun(usize, Kind, u64),
    Done(usize, Verdict),
    Finished,
}

/// Longer than any case may take.
const MOST_SECONDS: u64 = 120;

fn many(options: &Options) -> ExitCode {
    let (sender, messages) = mpsc::channel();
    let next = Arc::new(AtomicU64::new(0));
    for worker in 0..options.threads.max(1) {
        let (sender, next) = (sender.clone(), next.clone());
        let (kinds, cases, seed) = (options.kinds.clone(), options.cases, options.seed);
        thread::spawn(move || work(worker, &next, &kinds, cases, seed, &sender));
    }
    let start = Instant::now();
    let mut tally = Tally::default();
    let mut under_way: Vec<Option<(Kind, u64, Instant)>> = vec![None; options.threads.max(1)];
    let mut at_work = under_way.len();
    while at_work > 0 {
        match messages.recv_timeout(Duration::from_secs(1)) {
            Ok(Message::Begun(worker, kind, seed)) => {
                under_way[worker] = Some((kind, seed, Instant::now()));
            }
            Ok(Message::Done(worker, verdict)) => {
                let (kind, seed, _) = under_way[worker].take().expect("what is done was begun");
                print_findings(kind, seed, &verdict.findings);
                if verdict.open {
                    println!("OPEN {kind}:{seed:x}");
                }
                tally.add(kind, &verdict);
            }
            Ok(Message::Finished) | Err(RecvTimeoutError::Disconnected) => at_work -= 1,
            Err(RecvTimeoutError::Timeout) => {}
        }
        for work in &mut under_way {
            let late = |begun: &Instant| begun.elapsed().as_secs() > MOST_SECONDS;
            if let Some((kind, seed, _)) = work.take_if(|(_, _, begun)| late(begun)) {
                // The thread cannot be ended; its worker is given up.
                let verdict = Verdict::hang(format!("more than {MOST_SECONDS} s"));
                print_findings(kind, seed, &verdict.findings);
                tally.add(kind, &verdict);
                at_work -= 1;
            }
        }
    }
    println!("\n{}", tally.table());
    println!("{:.1} s", start.elapsed().as_secs_f64());
    ExitCode::from(u8::from(tally.failed() > 0))
}

fn work(
    worker: usize,
    next: &AtomicU64,
    kinds: &[Kind],
    cases: u64,
    seed: u64,
    sender: &Sender<Message>,
) {
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        if index >= cases {
            break;
        }
        let kind = kinds[(index % kinds.len() as u64) as usize];
        let seed = case_seed(seed, index);
        let case = kind.draw(seed);
        let sent = sender.send(Message::Begun(worker, kind, seed));
        if sent.is_err() || sender.send(Message::Done(worker, judge(&case, seed))).is_err() {
            return;
        }
    }
    // The receiver may be gone already, which is as well.
    let _ = sender.send(Message::Finished);
}
