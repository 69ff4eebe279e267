//! What the vCPUs of a simulated domain share: inboxes, interrupt lines, how often it was reset.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use phalanx_arch_api::{Hpa, VcpuIndex};

/// The first vector of the interrupt lines: line n raises vector `32 + n` of vCPU 0.
const FIRST_LINE: u32 = 32;
/// No start address.
const NOWHERE: u64 = u64::MAX;

/// The shared part of a domain.
#[derive(Debug)]
pub struct FakeDomain {
    /// Number in the order of creation.
    pub(crate) number: usize,
    /// The second-level tables that the simulated hardware walks.
    pub(crate) root: Hpa,
    pub(crate) inboxes: Vec<Inbox>,
    pub(crate) resets: AtomicU32,
    /// vCPUs inside of `run`: none may be while the domain is reset.
    pub(crate) running: AtomicU32,
    /// How often what is cached of the tables became outdated.
    pub(crate) translations: AtomicU64,
    /// Levels of the interrupt lines, a bit each.
    lines: AtomicU64,
}

/// What others have sent to a vCPU.
#[derive(Debug)]
pub(crate) struct Inbox {
    vectors: AtomicU64,
    start: AtomicU64,
}

impl FakeDomain {
    pub(crate) fn new(number: usize, vcpus: usize, root: Hpa) -> Self {
        let inboxes = (0..vcpus).map(|_| Inbox::new()).collect();
        let (resets, running) = (AtomicU32::new(0), AtomicU32::new(0));
        let (translations, lines) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { number, root, inboxes, resets, running, translations, lines }
    }

    /// Back to power-on.
    pub(crate) fn reset(&self) {
        assert_eq!(self.running.load(Ordering::Acquire), 0, "domain {} is reset while a vCPU runs", self.number);
        self.inboxes.iter().for_each(Inbox::clear);
        self.lines.store(0, Ordering::Release);
        self.resets.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn inbox(&self, vcpu: VcpuIndex) -> Option<&Inbox> {
        self.inboxes.get(usize::from(vcpu.0))
    }

    /// Drives a line, which is edge-triggered. Whether vCPU 0 has to look.
    pub(crate) fn set_line(&self, line: u32, asserted: bool) -> bool {
        let bit = 1 << line;
        if !asserted {
            self.lines.fetch_and(!bit, Ordering::AcqRel);
            return false;
        }
        let rose = self.lines.fetch_or(bit, Ordering::AcqRel) & bit == 0;
        if rose {
            self.inboxes[0].post(FIRST_LINE + line);
        }
        rose
    }
}

impl Inbox {
    const fn new() -> Self {
        Self { vectors: AtomicU64::new(0), start: AtomicU64::new(NOWHERE) }
    }

    fn clear(&self) {
        self.vectors.store(0, Ordering::Release);
        self.start.store(NOWHERE, Ordering::Release);
    }

    /// Leaves a vector.
    pub(crate) fn post(&self, vector: u32) {
        self.vectors.fetch_or(1 << vector, Ordering::AcqRel);
    }

    /// Leaves a start address.
    pub(crate) fn post_start(&self, address: u64) {
        self.start.store(address, Ordering::Release);
    }

    /// Takes all vectors.
    pub(crate) fn take_vectors(&self) -> u64 {
        self.vectors.swap(0, Ordering::AcqRel)
    }

    /// Takes the start address.
    pub(crate) fn take_start(&self) -> Option<u64> {
        Some(self.start.swap(NOWHERE, Ordering::AcqRel)).filter(|address| *address != NOWHERE)
    }
}
