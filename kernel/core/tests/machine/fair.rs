//! More vCPUs than CPUs: everybody gets its share.

use phalanx_sim::{Guest, Program, System, Verdict, for_seeds};

use crate::{CODE, compute_for_ever};

/// Length of a slice.
const SLICE: u64 = 1000;

fn computes() -> Program {
    let mut program = Program::at(CODE);
    compute_for_ever(&mut program);
    program
}

fn shares(system: System, domains: usize, ticks: u64) -> Vec<u64> {
    let guests = (0..domains).map(|number| Guest::new(&format!("d{number}"), &computes()));
    let mut run = guests.fold(system, System::guest).boot().unwrap();
    assert_eq!(run.run(ticks), Verdict::TimeIsUp);
    (0..domains).map(|domain| run.computed(domain, 0)).collect()
}

#[test]
fn equal_domains_get_equal_time() {
    for (cpus, domains) in [(1, 2), (1, 5), (2, 3), (2, 7), (4, 6)] {
        let shares = shares(System::new(cpus), domains, 300 * SLICE);
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= 2 * SLICE, "{cpus} CPUs: {shares:?}");
    }
}

#[test]
fn no_cpu_is_wasted_while_somebody_computes() {
    for (cpus, domains) in [(1, 1), (2, 2), (2, 5), (4, 4), (4, 9)] {
        let used: u64 = shares(System::new(cpus), domains, 200 * SLICE).iter().sum();
        let there = 200 * SLICE * u64::from(cpus);
        assert!(used * 100 >= there * 95, "{domains} domains used {used} of {there} on {cpus} CPUs");
    }
}

#[test]
fn shares_are_fair_with_any_timing() {
    for_seeds(0..12, |seed| {
        let domains = 2 + seed as usize % 5;
        let shares = shares(System::new(1 + (seed % 2) as u16).seed(seed), domains, 300 * SLICE);
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= 4 * SLICE, "{shares:?}");
    });
}
