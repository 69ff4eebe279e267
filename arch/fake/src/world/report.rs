//! What guests have told, and how much time they got.

use std::collections::BTreeMap;

use phalanx_arch_api::Ticks;

use super::World;
use crate::vcpu::FakeVcpu;

/// A number that a guest told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Ticks,
    /// On which CPU.
    pub cpu: usize,
    /// The domain, counted from 0.
    pub domain: usize,
    /// The vCPU.
    pub vcpu: u8,
    /// The number.
    pub value: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Report {
    marks: Vec<Mark>,
    computed: BTreeMap<(usize, u8), Ticks>,
}

impl World {
    /// Everything that guests told, in order.
    #[must_use]
    pub fn marks(&self) -> Vec<Mark> {
        self.report.borrow().marks.clone()
    }

    /// How long a vCPU has computed.
    #[must_use]
    pub fn computed(&self, domain: usize, vcpu: u8) -> Ticks {
        self.report.borrow().computed.get(&(domain, vcpu)).copied().unwrap_or(0)
    }

    pub(crate) fn mark(&self, vcpu: &FakeVcpu, value: u64) {
        let (at, cpu, domain, vcpu) = (self.time(), self.current_cpu(), vcpu.domain, vcpu.index.0);
        self.report.borrow_mut().marks.push(Mark { at, cpu, domain, vcpu, value });
    }

    pub(crate) fn add_computed(&self, vcpu: &FakeVcpu, ticks: Ticks) {
        *self.report.borrow_mut().computed.entry((vcpu.domain, vcpu.index.0)).or_default() += ticks;
    }
}
