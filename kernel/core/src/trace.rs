//! The last rare things that guests did: a ring a CPU, read when a domain fails.

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use phalanx_arch_api::{CpuIndex, Ticks, TraceEvent};
use spin::Mutex;

use crate::machine::Place;

/// Records that a CPU keeps.
const RING: usize = 64;
/// Records that are shown of one domain.
const SHOWN: usize = 8;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// When.
    pub(crate) at: Ticks,
    /// Which vCPU.
    pub(crate) place: Place,
    /// What.
    pub(crate) event: TraceEvent,
}

/// The records of one CPU; the oldest is overwritten.
#[derive(Debug)]
struct Ring {
    records: ArrayVec<Record, RING>,
    next: usize,
}

/// All rings.
#[derive(Debug)]
pub(crate) struct Trace {
    rings: Vec<Mutex<Ring>>,
}

impl Trace {
    /// Empty rings for `cpus` CPUs.
    pub(crate) fn new(cpus: usize) -> Self {
        Self { rings: (0..cpus).map(|_| Mutex::new(Ring { records: ArrayVec::new(), next: 0 })).collect() }
    }

    /// Adds a record on `cpu`. Its lock is contended only while somebody reads.
    pub(crate) fn record(&self, cpu: CpuIndex, record: Record) {
        let Some(ring) = self.rings.get(usize::from(cpu.0)) else { return };
        let mut ring = ring.lock();
        let next = ring.next;
        match ring.records.get_mut(next) {
            Some(oldest) => *oldest = record,
            None => ring.records.push(record),
        }
        ring.next = (next + 1) % RING;
    }

    /// The last records of a domain, the oldest first.
    pub(crate) fn last(&self, domain: usize) -> ArrayVec<Record, SHOWN> {
        let mut last = ArrayVec::<Record, SHOWN>::new();
        for ring in &self.rings {
            for record in ring.lock().records.iter().filter(|record| record.place.domain == domain) {
                let place = last.partition_point(|other| other.at <= record.at);
                if !last.is_full() {
                    last.insert(place, *record);
                } else if place > 0 {
                    last.remove(0);
                    last.insert(place - 1, *record);
                }
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_arch_api::VcpuIndex;

    fn record(at: Ticks, domain: usize) -> Record {
        let event = TraceEvent::UnownedPort { port: 0x80, write: true };
        Record { at, place: Place { domain, index: VcpuIndex(0) }, event }
    }

    #[test]
    fn the_last_records_of_a_domain_come_in_order_from_all_cpus() {
        let trace = Trace::new(2);
        for at in 0..20 {
            trace.record(CpuIndex((at % 2) as u16), record(at, (at % 4 / 2) as usize));
        }
        let times: ArrayVec<Ticks, SHOWN> = trace.last(1).iter().map(|record| record.at).collect();
        assert_eq!(times.as_slice(), &[6, 7, 10, 11, 14, 15, 18, 19]);
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let trace = Trace::new(1);
        for at in 0..(RING as u64 + 3) {
            trace.record(CpuIndex(0), record(at, 0));
        }
        assert_eq!(trace.last(0).last().map(|record| record.at), Some(RING as u64 + 2));
        assert!(trace.last(7).is_empty());
    }
}
