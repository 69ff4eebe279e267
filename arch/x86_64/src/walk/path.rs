//! A translation with the entries that it came from, so that it can be confirmed later without walking again.

use arrayvec::ArrayVec;
use phalanx_arch_api::{Gpa, GuestMemory};

use super::entry::Step;
use super::{Paging, read_entry};

/// Most levels of any paging mode.
const LEVELS: usize = 5;

/// The way from CR3 to one 4 KiB page.
///
/// As long as every entry on it still has the value that was read, walking again would end at the same page.
#[derive(Clone, Debug)]
pub struct Path {
    steps: ArrayVec<(Gpa, u64), LEVELS>,
    wide: bool,
    page: Gpa,
}

impl Path {
    /// Walks to the page of `linear`. `None` where there is no page; rights are not looked at.
    pub fn record<M: GuestMemory>(memory: &M, paging: &Paging, linear: u64) -> Option<Self> {
        let mut steps = ArrayVec::new();
        let wide = paging.has_wide_entries();
        let mut table = paging.root();
        for level in paging.levels() {
            let location = level.entry_address(table, linear);
            let entry = read_entry(memory, paging, location).ok()?;
            steps.try_push((Gpa::new(location), entry)).ok()?;
            match level.step(entry, &paging.rules).ok()? {
                Step::Table { next, .. } => table = next,
                Step::Page { start, .. } => {
                    let page = Gpa::new((start | linear & level.offset_mask()) & !0xfff);
                    return Some(Self { steps, wide, page });
                }
            }
        }
        Some(Self { steps, wide, page: Gpa::new(linear & !0xfff) })
    }

    /// Where the page lies.
    #[inline(always)]
    #[must_use]
    pub const fn page(&self) -> Gpa {
        self.page
    }

    /// Whether every entry still has its value.
    #[inline(always)]
    #[must_use]
    pub fn holds<M: GuestMemory>(&self, memory: &M) -> bool {
        self.steps.iter().all(|&(at, value)| {
            let now = if self.wide { memory.read_u64(at) } else { memory.read_u32(at).map(u64::from) };
            now == Ok(value)
        })
    }
}
