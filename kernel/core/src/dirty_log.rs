//! Reading a domain's dirty log: which pages were written since the last reading.
//!
//! ```text
//! clear the marks (the guest's in the second-level tables, the hypervisor's in the RAM's log)
//!   ─▶ every CPU forgets the translations by which it could write without a new mark
//!   ─▶ hand out the bitmap
//! ```
//! In this order: what a CPU writes by an old translation is written before the bitmap is there, to a page that is in it.

use phalanx_abi::hypercall::{DIRTY_LOG_MOST_FRAMES, HypercallError};
use phalanx_arch_api::addr::{FRAME_SHIFT, FRAME_SIZE};
use phalanx_arch_api::{Arch, Gpa, GuestMemory, Unanswered, Unbacked};

use crate::domain::Domain;
use crate::mem::GuestRam;

/// Bits in a word of the bitmap.
const BITS: u64 = u64::BITS as u64;
/// Words in the largest bitmap.
const WORDS: usize = (DIRTY_LOG_MOST_FRAMES / BITS) as usize;

/// What is asked for, checked.
struct Request {
    start: Gpa,
    bytes: u64,
    buffer: Gpa,
}

/// One bit for each page of a request.
struct Bitmap {
    start: Gpa,
    words: [u64; WORDS],
}

/// Reads the log for the domain itself: `arguments` are first frame, number of frames and address of the bitmap. Returns
/// the number of pages in the bitmap. Without a lock: each mark goes to one of those who read at the same time.
///
/// # Errors
/// [`HypercallError`] as the table of hypercalls says; the log is then as before.
pub(crate) fn read<A: Arch>(domain: &Domain<A>, arguments: [u64; 3]) -> Result<i64, HypercallError> {
    if !domain.ram.keeps_log() {
        return Err(HypercallError::NotSupported);
    }
    let request = Request::check(&domain.ram, arguments)?;
    let mut bitmap = Bitmap { start: request.start, words: [0; WORDS] };
    let found = domain.space.harvest(request.start, request.bytes, |page| bitmap.set(page));
    found.map_err(|_| HypercallError::InvalidArgument)?;
    let written = domain.ram.take_written(request.start, request.bytes, |page| bitmap.set(page));
    written.map_err(|Unbacked| HypercallError::InvalidArgument)?;
    if let Err(Unanswered) = A::forget_translations(&domain.arch) {
        bitmap.for_each(|page| domain.ram.mark_written(page));
        return Err(HypercallError::TryAgain);
    }
    bitmap.write(&domain.ram, &request).map_err(|Unbacked| HypercallError::BadAddress)
}

impl Request {
    /// Checks everything, so that what was harvested can be handed out.
    fn check(ram: &GuestRam, [first, frames, buffer]: [u64; 3]) -> Result<Self, HypercallError> {
        if !(1..=DIRTY_LOG_MOST_FRAMES).contains(&frames) || first > u64::MAX >> FRAME_SHIFT {
            return Err(HypercallError::InvalidArgument);
        }
        let (start, bytes) = (Gpa::new(first << FRAME_SHIFT), frames << FRAME_SHIFT);
        if !ram.holds(start, bytes) {
            return Err(HypercallError::InvalidArgument);
        }
        let bitmap = frames.div_ceil(BITS) * (BITS / 8);
        if !buffer.is_multiple_of(BITS / 8) || !ram.holds(Gpa::new(buffer), bitmap) {
            return Err(HypercallError::BadAddress);
        }
        Ok(Self { start, bytes, buffer: Gpa::new(buffer) })
    }
}

impl Bitmap {
    fn set(&mut self, page: Gpa) {
        let index = page.as_u64().wrapping_sub(self.start.as_u64()) / FRAME_SIZE;
        if let Some(word) = self.words.get_mut((index / BITS) as usize) {
            *word |= 1 << (index % BITS);
        }
    }

    fn for_each(&self, mut each: impl FnMut(Gpa)) {
        for (index, word) in (0..).zip(self.words) {
            for bit in (0..BITS).filter(|bit| word >> bit & 1 != 0) {
                each(Gpa::new(self.start.as_u64() + (index * BITS + bit) * FRAME_SIZE));
            }
        }
    }

    /// Copies as many words as the request has to the buffer; returns the number of bits that are set.
    fn write(&self, ram: &GuestRam, request: &Request) -> Result<i64, Unbacked> {
        let words = (request.bytes / FRAME_SIZE).div_ceil(BITS);
        let mut count = 0;
        for (index, word) in (0..words).zip(self.words) {
            let place = request.buffer.checked_add(index * (BITS / 8)).ok_or(Unbacked)?;
            ram.write(place, &word.to_le_bytes())?;
            count += i64::from(word.count_ones());
        }
        Ok(count)
    }
}
