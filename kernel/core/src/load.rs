//! Loading a domain: its RAM is scrubbed, then the segments are copied.
//!
//! The work is done in bounded steps on the domain's own time: vCPU 0 does it in its slices, at the first start and at
//! every restart, so that a reboot costs its neighbours nothing.

use phalanx_abi::bundle;
use phalanx_arch_api::{Gpa, GuestMemory, Unbacked};

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

    /// Does one step.
    ///
    /// # Errors
    /// [`Unbacked`] where the image does not fit the RAM, which the bundle's check has excluded.
    pub(crate) fn step(&mut self, image: bundle::Domain<'_>, ram: &GuestRam) -> Result<Progress, Unbacked> {
        match self.stage {
            Stage::Scrub(index, done) => self.scrub(image, ram, index, done)?,
            Stage::Copy(index, done) => return self.copy(image, ram, index, done),
        }
        Ok(Progress::More)
    }

    fn scrub(&mut self, image: bundle::Domain<'_>, ram: &GuestRam, index: usize, done: u64) -> Result<(), Unbacked> {
        let Some(region) = image.regions().nth(index) else {
            self.stage = Stage::Copy(0, 0);
            return Ok(());
        };
        let bytes = STEP.min(region.size - done);
        ram.zero(Gpa::new(region.gpa + done), bytes)?;
        let done = done + bytes;
        self.stage = if done == region.size { Stage::Scrub(index + 1, 0) } else { Stage::Scrub(index, done) };
        Ok(())
    }

    fn copy(
        &mut self,
        image: bundle::Domain<'_>,
        ram: &GuestRam,
        index: usize,
        done: u64,
    ) -> Result<Progress, Unbacked> {
        let Some(segment) = image.segments().nth(index) else { return Ok(Progress::Done) };
        let rest = usize::try_from(done).ok().and_then(|done| segment.bytes.get(done..)).ok_or(Unbacked)?;
        let (piece, rest) = rest.split_at(rest.len().min(STEP as usize));
        ram.write(Gpa::new(segment.gpa + done), piece)?;
        self.stage =
            if rest.is_empty() { Stage::Copy(index + 1, 0) } else { Stage::Copy(index, done + piece.len() as u64) };
        Ok(Progress::More)
    }
}
