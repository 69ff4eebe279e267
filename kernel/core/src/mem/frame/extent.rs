//! Contiguous frames, and the state they are in.

use core::fmt;
use core::marker::PhantomData;

use phalanx_arch_api::addr::{FRAME_SHIFT, FRAME_SIZE};
use phalanx_arch_api::{Hfn, Hpa};

use super::PhysMap;

/// What frames are used for.
pub trait State: sealed::Sealed {
    /// For diagnostics.
    const NAME: &'static str;
}

/// Nobody's. What an earlier owner wrote is gone; what the firmware left may still be there.
#[derive(Debug)]
pub enum Free {}
/// The hypervisor's own: tables, control blocks.
#[derive(Debug)]
pub enum Hypervisor {}
/// A guest's RAM.
#[derive(Debug)]
pub enum Guest {}

impl State for Free {
    const NAME: &'static str = "Free";
}
impl State for Hypervisor {
    const NAME: &'static str = "Hypervisor";
}
impl State for Guest {
    const NAME: &'static str = "Guest";
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Free {}
    impl Sealed for super::Hypervisor {}
    impl Sealed for super::Guest {}
}

/// Contiguous frames in one state, and the only name of them.
#[must_use = "frames that are dropped are lost"]
pub struct Extent<S> {
    pub(super) map: PhysMap,
    pub(super) first: Hfn,
    pub(super) frames: u64,
    pub(super) state: PhantomData<S>,
}

impl<S: State> Extent<S> {
    /// The first frame.
    #[must_use]
    pub const fn first(&self) -> Hfn {
        self.first
    }

    /// The number of frames.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// The address of the first byte.
    #[must_use]
    pub const fn start(&self) -> Hpa {
        self.first.start()
    }

    /// Length in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.frames * FRAME_SIZE
    }

    /// The number of the frame after the last.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.first.number() + self.frames
    }

    /// The same frames in another state.
    const fn change<T: State>(self) -> Extent<T> {
        Extent { map: self.map, first: self.first, frames: self.frames, state: PhantomData }
    }

    /// Zeroes every byte.
    fn scrub(&mut self) {
        let start = self.map.pointer(self.start());
        // SAFETY: the extent is the only name of its frames (module, 1), it is borrowed mutably, so neither a view of
        // the words nor a copy is under way, and all of it is mapped.
        unsafe { start.write_bytes(0, (self.frames << FRAME_SHIFT) as usize) }
    }
}

impl Extent<Free> {
    /// The first `frames` frames and the rest; a part without frames is `None`.
    pub fn split(self, frames: u64) -> (Option<Self>, Option<Self>) {
        let frames = frames.min(self.frames);
        let rest = self.frames - frames;
        let part = |first, frames| (frames > 0).then_some(Self { map: self.map, first, frames, state: PhantomData });
        (part(self.first, frames), part(Hfn::new(self.first.number() + frames), rest))
    }

    /// One extent out of `self` and `next`, where `next` begins at the end of `self` in the same map.
    ///
    /// # Errors
    /// Gives both back where it does not.
    pub fn join(mut self, next: Self) -> Result<Self, (Self, Self)> {
        if self.end() != next.first.number() || !self.map.is(next.map) {
            return Err((self, next));
        }
        self.frames += next.frames;
        Ok(self)
    }

    /// Makes the frames the hypervisor's own, zeroed.
    pub fn into_hypervisor(mut self) -> Extent<Hypervisor> {
        self.scrub();
        self.change()
    }

    /// Makes the frames a guest's RAM. They still hold what the firmware left: whoever loads the guest zeroes first.
    pub const fn into_guest(self) -> Extent<Guest> {
        self.change()
    }
}

impl Extent<Hypervisor> {
    /// Gives the frames back, zeroed.
    pub fn release(mut self) -> Extent<Free> {
        self.scrub();
        self.change()
    }
}

impl Extent<Guest> {
    /// Gives the frames back, zeroed: the next owner learns nothing. State before: no table maps them.
    pub fn release(mut self) -> Extent<Free> {
        self.scrub();
        self.change()
    }
}

impl<S: State> fmt::Debug for Extent<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extent<{}>({} + {:#x})", S::NAME, self.start(), self.bytes())
    }
}
