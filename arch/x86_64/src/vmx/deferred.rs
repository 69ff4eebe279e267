//! Writes to a VMCS that is current nowhere: they wait until a CPU loads it.
#![forbid(unsafe_code)]

use arrayvec::ArrayVec;

/// Each field waits once at most.
const MOST: usize = super::field::COUNT;

/// Fields with their values, each field once.
#[derive(Clone, Debug, Default)]
pub(super) struct Deferred(ArrayVec<(u32, u64), MOST>);

impl Deferred {
    /// The last value of a field counts.
    pub(super) fn set(&mut self, field: u32, value: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == field) {
            Some((_, old)) => *old = value,
            None => self.0.push((field, value)),
        }
    }

    /// Takes all writes out.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (u32, u64)> + use<> {
        core::mem::take(&mut self.0).into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_field_counts() {
        let mut deferred = Deferred::default();
        deferred.set(1, 10);
        deferred.set(2, 20);
        deferred.set(1, 11);
        assert!(deferred.take().eq([(1, 11), (2, 20)]));
        assert_eq!(deferred.take().count(), 0);
    }
}
