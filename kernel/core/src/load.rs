//! Loading a domain: its RAM is scrubbed, then the segments are copied.
//!
//! The work is done in bounded steps on the domain's own time: vCPU 0 does it in its slices, at the first start and at
//! every restart, so that a reboot costs its neighbours nothing.

use phalanx_abi::bundle;
use phalanx_arch_api::{Gpa, Hva, Unbacked};

use crate::mem::GuestRam;

#[cfg(test)]
mod tests;

/// Most bytes that one step writes: bounds the time for which a CPU cannot be preempted.
const STEP: u64 = 256 * 1024;

/// What a step left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Progress {
    /// More steps are needed.
    More,
    /// The RAM is as the bundle says.
    Done,
}

/// What a step wrote.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Gpa,
    bytes: u64,
}

impl Piece {
    const NONE: Self = Self { start: Gpa::new(0), bytes: 0 };
}

/// How far loading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Zeroing: index of the region, bytes done in it.
    Scrub(usize, u64),
    /// Copying: index of the segment, bytes done in it.
    Copy(usize, u64),
}

/// A resumable copy of a domain's image into its RAM.
#[derive(Debug)]
pub(crate) struct Loader {
    stage: Stage,
}

impl Loader {
    pub(crate) const fn new() -> Self {
        Self { stage: Stage::Scrub(0, 0) }
    }

    /// Does one step. Segments that do not fit `machine`, the machine's alternative, are left out; `written` hears of
    /// every piece of memory that was written, after it was.
    ///
    /// # Errors
    /// [`Unbacked`] where the image does not fit the RAM, which the bundle's check has excluded.
    pub(crate) fn step(
        &mut self,
        image: bundle::Domain<'_>,
        ram: &GuestRam,
        machine: u32,
        mut written: impl FnMut(Hva, u64),
    ) -> Result<Progress, Unbacked> {
        let (progress, piece) = match self.stage {
            Stage::Scrub(index, done) => (Progress::More, self.scrub(image, ram, index, done)?),
            Stage::Copy(index, done) => self.copy(image, ram, machine, index, done)?,
        };
        ram.for_each_host_piece(piece.start, piece.bytes, &mut written)?;
        Ok(progress)
    }

    fn scrub(&mut self, image: bundle::Domain<'_>, ram: &GuestRam, index: usize, done: u64) -> Result<Piece, Unbacked> {
        let Some(region) = image.regions().nth(index) else {
            self.stage = Stage::Copy(0, 0);
            return Ok(Piece::NONE);
        };
        let bytes = STEP.min(region.size - done);
        let start = Gpa::new(region.gpa + done);
        ram.scrub(start, bytes)?;
        let done = done + bytes;
        self.stage = if done == region.size { Stage::Scrub(index + 1, 0) } else { Stage::Scrub(index, done) };
        Ok(Piece { start, bytes })
    }

    fn copy(
        &mut self,
        image: bundle::Domain<'_>,
        ram: &GuestRam,
        machine: u32,
        index: usize,
        done: u64,
    ) -> Result<(Progress, Piece), Unbacked> {
        let next = image.segments().enumerate().skip(index).find(|(_, segment)| segment.fits(machine));
        let Some((index, segment)) = next else { return Ok((Progress::Done, Piece::NONE)) };
        let rest = usize::try_from(done).ok().and_then(|done| segment.bytes.get(done..)).ok_or(Unbacked)?;
        let (piece, rest) = rest.split_at(rest.len().min(STEP as usize));
        let start = Gpa::new(segment.gpa + done);
        ram.load(start, piece)?;
        self.stage =
            if rest.is_empty() { Stage::Copy(index + 1, 0) } else { Stage::Copy(index, done + piece.len() as u64) };
        Ok((Progress::More, Piece { start, bytes: piece.len() as u64 }))
    }
}
