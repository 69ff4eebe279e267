//! Sets of pages, and what lies where.

/// Pages of RAM: 16 MiB.
pub(crate) const FRAMES: u64 = 4096;
/// Bytes in a page.
pub(crate) const PAGE: u64 = 4096;
/// Words in a set.
pub(crate) const WORDS: usize = (FRAMES / 64) as usize;
/// Where the rounds write: from here on to the end of RAM nothing else lies.
pub(crate) const AREA: u64 = 0x40_0000;
/// Pages from [`AREA`] on.
pub(crate) const AREA_PAGES: u64 = FRAMES - AREA / PAGE;

/// The address of a page of the area.
pub(crate) fn area(page: u64) -> u64 {
    AREA + page % AREA_PAGES * PAGE
}

/// A set of pages, as the log writes it.
#[derive(Clone, Copy)]
pub(crate) struct Pages(pub(crate) [u64; WORDS]);

impl Pages {
    /// No page.
    pub(crate) const NONE: Self = Self([0; WORDS]);

    /// Whether the page with this number is in it.
    pub(crate) fn has(&self, frame: u64) -> bool {
        self.0[(frame / 64) as usize] >> (frame % 64) & 1 != 0
    }

    /// Adds the page of an address.
    pub(crate) fn add(&mut self, address: u64) {
        let frame = address / PAGE;
        self.0[(frame / 64) as usize] |= 1 << (frame % 64);
    }

    /// Adds the pages of a range of bytes.
    pub(crate) fn add_range(&mut self, address: u64, bytes: u64) {
        (address / PAGE..=(address + bytes - 1) / PAGE).for_each(|frame| self.add(frame * PAGE));
    }
}

/// Whether the guest may write the page at any time: data, stacks and page tables of its image.
pub(crate) fn is_excluded(frame: u64) -> bool {
    unsafe extern "C" {
        static __writable_start: u8;
        static __image_end: u8;
    }
    let (start, end) = (&raw const __writable_start as u64, &raw const __image_end as u64);
    (start / PAGE..end / PAGE).contains(&frame)
}
