//! Where the guest's recent code pages lie, so that looking at an instruction needs no walk of the guest's tables.
#![forbid(unsafe_code)]

use phalanx_arch_api::{Gpa, GuestMemory};

use crate::walk::{Paging, Path};

/// Pages that are remembered: the least significant bits of the page number choose the place.
const PLACES: usize = 8;
const PAGE: u64 = 4096;

/// One code page.
#[derive(Clone, Debug)]
struct CodePage {
    cr3: u64,
    linear: u64,
    path: Path,
}

/// The recent code pages of a vCPU.
#[derive(Clone, Debug, Default)]
pub struct CodePages {
    places: [Option<CodePage>; PLACES],
}

#[inline(always)]
const fn place(linear: u64) -> usize {
    (linear / PAGE) as usize % PLACES
}

impl CodePages {
    /// Forgets everything: the paging mode changed.
    pub fn clear(&mut self) {
        self.places = Default::default();
    }

    /// The guest-physical address of the code at `linear`, if its page is remembered.
    ///
    /// The guest may have changed its tables since. So this serves to confirm bytes that the exit has made certain, or
    /// after [`Self::confirmed`].
    #[inline(always)]
    pub fn find(&self, cr3: u64, linear: u64) -> Option<Gpa> {
        let page = self.places[place(linear)].as_ref()?;
        let hit = page.cr3 == cr3 && page.linear == linear & !(PAGE - 1);
        hit.then(|| Gpa::new(page.path.page().as_u64() | linear & (PAGE - 1)))
    }

    /// As [`Self::find`], after checking that the guest's tables still say so.
    #[inline(always)]
    pub fn confirmed<M: GuestMemory>(&self, memory: &M, cr3: u64, linear: u64) -> Option<Gpa> {
        let found = self.find(cr3, linear)?;
        self.places[place(linear)].as_ref()?.path.holds(memory).then_some(found)
    }

    /// Remembers the page of `linear`.
    pub fn remember<M: GuestMemory>(&mut self, memory: &M, paging: &Paging, cr3: u64, linear: u64) {
        self.places[place(linear)] =
            Path::record(memory, paging, linear).map(|path| CodePage { cr3, linear: linear & !(PAGE - 1), path });
    }
}
