//! What a simulated processor caches of a vCPU's second-level tables: through which leaves it has written already.
//!
//! As hardware does, it sets the mark of a leaf at the first write only. A core that clears marks and does not make the
//! processors forget loses what they write later.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use phalanx_arch_api::addr::FRAME_SIZE;

use crate::domain::FakeDomain;

/// The cache, with the tag that says what it belongs to.
#[derive(Debug)]
pub(crate) struct Tlb {
    /// The CPU that filled it.
    cpu: Option<usize>,
    /// The domain's count of outdatings when it was last emptied.
    translations: u64,
    /// Frame numbers of pages whose leaves are known to be marked.
    written: BTreeSet<u64>,
}

impl Tlb {
    pub(crate) const fn new() -> Self {
        Self { cpu: None, translations: 0, written: BTreeSet::new() }
    }

    /// Empties it where it belongs to another CPU or is outdated.
    pub(crate) fn look(&mut self, cpu: usize, domain: &FakeDomain) {
        let translations = domain.translations.load(Ordering::Acquire);
        if (self.cpu, self.translations) != (Some(cpu), translations) {
            *self = Self { cpu: Some(cpu), translations, written: BTreeSet::new() };
        }
    }

    /// Whether a write to `gpa` needs no walk; from now on it needs none.
    pub(crate) fn knows(&mut self, gpa: u64) -> bool {
        !self.written.insert(gpa / FRAME_SIZE)
    }
}
