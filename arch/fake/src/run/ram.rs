//! The guest's RAM, through the tables that the core built.

use phalanx_arch_api::{DomainEnv, Gpa};

use super::Processor;
use crate::random::mix;
use crate::table::{walk, walk_to_write};

impl<E: DomainEnv> Processor<'_, E> {
    pub(super) fn fill(&mut self, gpa: u64, words: u64, pattern: u64) {
        (0..words).map(|word| gpa + 8 * word).for_each(|at| self.write(at, expected(pattern, at)));
    }

    pub(super) fn check(&self, gpa: u64, words: u64, pattern: u64) {
        for at in (0..words).map(|word| gpa + 8 * word) {
            let (found, wanted) = (self.read(at), Some(expected(pattern, at)));
            assert_eq!(found, wanted, "{}: RAM at {at:#x} is {found:#x?}, not {wanted:#x?}", self.vcpu);
        }
    }

    pub(super) fn read(&self, gpa: u64) -> Option<u64> {
        self.world.memory.read_u64(walk(&self.world.memory, self.domain.root, Gpa::new(gpa))?)
    }

    pub(super) fn write(&mut self, gpa: u64, value: u64) {
        let translate = if self.vcpu.tlb.knows(gpa) { walk } else { walk_to_write };
        let hpa = translate(&self.world.memory, self.domain.root, Gpa::new(gpa));
        let written = hpa.and_then(|hpa| self.world.memory.write_u64(hpa, value));
        assert!(written.is_some(), "{}: {gpa:#x} is not RAM", self.vcpu);
    }
}

/// What [`Op::Fill`] writes at an address.
const fn expected(pattern: u64, gpa: u64) -> u64 {
    if pattern == 0 { 0 } else { mix(pattern ^ gpa) }
}
