//! What must be true of a system that has ended.

use phalanx_sim::{Ending, Run};

use crate::plan::{DomainPlan, End, Plan};

/// Everything.
pub fn all(plan: &Plan, run: &Run) {
    assert_eq!(run.endings(), vec![Ending::AllDomainsEnded; usize::from(plan.cpus)]);
    for (number, domain) in plan.domains.iter().enumerate() {
        notes(domain, run);
        rounds(number, domain, run);
    }
}

/// The hypervisor noted each start, each reboot and the end, once.
fn notes(domain: &DomainPlan, run: &Run) {
    let noted = |what: &str| run.count_lines(&format!("phalanx: domain {}: {what}", domain.name));
    let start = format!("phalanx: domain {}: started after ", domain.name);
    let starts = run.lines().iter().filter(|line| line.starts_with(&start)).count();
    assert_eq!(starts, domain.reboots as usize + 1, "{domain:?}");
    assert!((1..=domain.reboots).all(|reboot| noted(&format!("reboot {reboot}")) == 1), "{domain:?}");
    assert_eq!(noted(end(domain.end)), 1, "{domain:?}");
}

const fn end(end: End) -> &'static str {
    use phalanx_sim::FaultKind;
    match end {
        End::PowerOff => "power-off",
        End::Reset => "stopped: reset",
        End::TripleFault | End::Fault(FaultKind::Triple) => "stopped: triple fault",
        End::Fault(FaultKind::MachineCheck) => "stopped: machine check",
        End::Fault(FaultKind::Unknown) => "stopped: exit 0x77, which this version does not know",
    }
}

/// Every vCPU did every round of every life, in order.
fn rounds(number: usize, domain: &DomainPlan, run: &Run) {
    let lives = 0..=domain.reboots;
    let expected: Vec<u64> = lives.flat_map(|_| 0..u64::from(domain.rounds)).collect();
    let marks = run.marks(number);
    for vcpu in 0..domain.vcpus {
        let done: Vec<u64> = marks.iter().filter(|mark| mark.vcpu == vcpu).map(|mark| mark.value).collect();
        assert_eq!(done, expected, "vCPU {vcpu} of {domain:?}");
    }
}
