//! Sets of CPUs.

use crate::CpuId;

/// Most CPUs that a scheduler knows.
pub const MAX_CPUS: usize = u64::BITS as usize;

/// A set of CPUs, which is the iterator over its members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct CpuSet(u64);

impl CpuSet {
    /// No CPU.
    pub const EMPTY: Self = Self(0);

    /// Whether no CPU is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn insert(&mut self, cpu: usize) {
        if cpu < MAX_CPUS {
            self.0 |= 1 << cpu;
        }
    }
}

impl Iterator for CpuSet {
    type Item = CpuId;

    fn next(&mut self) -> Option<CpuId> {
        if self.0 == 0 {
            return None;
        }
        let cpu = self.0.trailing_zeros() as u16;
        self.0 &= self.0 - 1;
        Some(CpuId(cpu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_once_and_in_order() {
        let mut set = CpuSet::EMPTY;
        for cpu in [63, 0, 5, 5, 64] {
            set.insert(cpu);
        }
        assert!(set.eq([CpuId(0), CpuId(5), CpuId(63)]));
        assert!(CpuSet::EMPTY.is_empty() && !set.is_empty());
    }
}
