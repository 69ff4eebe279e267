//! Memory for stage-2 tables, and TLB maintenance that the hypervisor itself does not need: its tables change only while
//! nobody uses them.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use phalanx_arch_api::table::{ENTRIES, TableMemory};
use phalanx_arch_api::{Gpa, Hfn, Hpa};

use crate::asm::{self, Found, guest_read};
use crate::report::fail;

/// Tables for all trees of a run.
const TABLES: usize = 64;

#[repr(C, align(4096))]
struct Frames([[AtomicU64; ENTRIES]; TABLES]);

static FRAMES: Frames = Frames([const { [const { AtomicU64::new(0) }; ENTRIES] }; TABLES]);
static USED: AtomicUsize = AtomicUsize::new(0);

/// Where an address may lead while its translation changes: to one of these, or nowhere.
pub(crate) struct Watch {
    /// The address.
    pub(crate) address: Gpa,
    /// The frame before, and the one afterwards.
    pub(crate) allowed: [Option<Hpa>; 2],
    /// How often the hardware was asked.
    pub(crate) asked: u32,
}

/// Gives frames, and never takes one back. The hardware walks its tables in the guest of VTTBR_EL2.
#[derive(Default)]
pub(crate) struct Pool {
    /// Asked about after each write.
    pub(crate) watch: Option<Watch>,
}

impl Pool {
    fn entry(table: Hfn, index: usize) -> &'static AtomicU64 {
        let first = (&raw const FRAMES).addr() as u64;
        let number = table.start().as_u64().wrapping_sub(first) >> 12;
        match FRAMES.0.get(number as usize).and_then(|frame| frame.get(index)) {
            Some(entry) => entry,
            None => fail(format_args!("entry {index} of {table:?} is not in a table")),
        }
    }

    fn ask(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        watch.asked += 1;
        match guest_read(watch.address) {
            Found::Frame(frame) if watch.allowed.contains(&Some(Hpa::new(frame))) => {}
            Found::Translation { stage2: true, .. } => {}
            found => fail(format_args!("{:?} leads to {found:x?} after write {}", watch.address, watch.asked)),
        }
    }
}

impl TableMemory<Gpa> for Pool {
    fn read_entry(&self, table: Hfn, index: usize) -> u64 {
        Self::entry(table, index).load(Ordering::Relaxed)
    }

    fn write_entry(&mut self, table: Hfn, index: usize, value: u64) {
        Self::entry(table, index).store(value, Ordering::Relaxed);
        // SAFETY: a barrier.
        unsafe { core::arch::asm!("dsb ishst", "isb", options(nostack)) };
        self.ask();
    }

    fn allocate(&mut self) -> Option<Hfn> {
        let frame = FRAMES.0.get(USED.fetch_add(1, Ordering::Relaxed))?;
        Some(Hfn::containing(Hpa::new(frame.as_ptr().addr() as u64)))
    }

    fn free(&mut self, _: Hfn) {}

    fn invalidate(&mut self, _: Gpa, _: u64) {
        asm::forget_guest();
        self.ask();
    }
}
