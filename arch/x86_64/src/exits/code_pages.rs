//! Where the guest's recent code pages lie, so that looking at an instruction needs no walk of the guest's tables.
#![forbid(unsafe_code)]

use phalanx_arch_api::{Gpa, GuestMemory};

use crate::walk::{Paging, Path};

/// Pages that are remembered: the least significant bits of the page number choose the place.
const PLACES: usize = 8;
const PAGE: u64 = 4096;

/// Where one code page is. No page is at an odd linear address: that marks an empty place.
#[derive(Clone, Copy, Debug)]
struct Place {
    cr3: u64,
    linear: u64,
    physical: u64,
}

impl Place {
    const EMPTY: Self = Self { cr3: 0, linear: 1, physical: 0 };
}

/// The recent code pages of a vCPU.
#[derive(Clone, Debug)]
pub struct CodePages {
    places: [Place; PLACES],
    /// How each of them was found.
    paths: [Option<Path>; PLACES],
}

impl Default for CodePages {
    fn default() -> Self {
        Self { places: [Place::EMPTY; PLACES], paths: Default::default() }
    }
}

#[inline(always)]
const fn place(linear: u64) -> usize {
    (linear / PAGE) as usize % PLACES
}

impl CodePages {
    /// Forgets everything: the paging mode changed.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The guest-physical address of the code at `linear`, if its page is remembered.
    ///
    /// The guest may have changed its tables since. So this serves to confirm bytes that the exit has made certain, or
    /// after [`Self::confirmed`].
    #[inline(always)]
    pub fn find(&self, cr3: u64, linear: u64) -> Option<Gpa> {
        let page = self.places.get(place(linear))?;
        let hit = page.linear == linear & !(PAGE - 1) && page.cr3 == cr3;
        hit.then(|| Gpa::new(page.physical | linear & (PAGE - 1)))
    }

    /// As [`Self::find`], after checking that the guest's tables still say so.
    #[inline(always)]
    pub fn confirmed<M: GuestMemory>(&self, memory: &M, cr3: u64, linear: u64) -> Option<Gpa> {
        let found = self.find(cr3, linear)?;
        self.paths.get(place(linear))?.as_ref()?.holds(memory).then_some(found)
    }

    /// Remembers the page of `linear`.
    pub fn remember<M: GuestMemory>(&mut self, memory: &M, paging: &Paging, cr3: u64, linear: u64) {
        let path = Path::record(memory, paging, linear);
        let found = path.as_ref().map_or(Place::EMPTY, |path| Place {
            cr3,
            linear: linear & !(PAGE - 1),
            physical: path.page().as_u64(),
        });
        let index = place(linear);
        if let (Some(place), Some(way)) = (self.places.get_mut(index), self.paths.get_mut(index)) {
            (*place, *way) = (found, path);
        }
    }
}
