//! Random systems with random timing: 1 to 4 CPUs, 1 to 6 domains of 1 to 4 vCPUs, one system for each seed.
//!
//! What must hold whatever happens:
//! - A vCPU is on one CPU at a time, a question is answered before the vCPU goes on, nothing is reset while it runs
//!   (the simulated architecture panics).
//! - Every RAM is zero where the bundle says nothing, in each life; no guest ever sees what another wrote (guests panic).
//! - No wake-up is lost: vCPUs meet at barriers of bare interrupts, and one that is lost stops the domain for ever.
//! - Every vCPU gets as far as it should, every domain ends once and for the right reason, and then every CPU does.
//!
//! `PHALANX_SIM_SEEDS=5000 cargo test -p phalanx-sim` looks further; `PHALANX_SIM_SEEDS=33..34` looks at one again.

mod check;
mod plan;
mod work;

use phalanx_sim::{Verdict, for_seeds, seeds};
use plan::Plan;

/// More than the longest system needs.
const LIMIT: u64 = 100_000_000;

#[test]
fn every_system_ends_as_it_should() {
    let seeds = seeds(200);
    println!("seeds {seeds:?}");
    for_seeds(seeds, |seed| {
        let plan = Plan::new(seed);
        let mut run = plan.boot(seed);
        let verdict = run.run(LIMIT);
        assert_eq!(verdict, Verdict::Ended, "{plan:#?}\n{:#?}", run.lines());
        check::all(&plan, &run);
    });
}

#[test]
fn a_seed_says_everything() {
    for_seeds(seeds(200).take(10), |seed| {
        let [first, second] = [(); 2].map(|()| {
            let mut run = Plan::new(seed).boot(seed);
            (run.run(LIMIT), run.time(), run.marks(0), run.lines())
        });
        assert_eq!(first, second);
    });
}
