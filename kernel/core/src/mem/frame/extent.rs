//! Contiguous frames, and the state they are in.

use core::fmt;
use core::marker::PhantomData;

use phalanx_arch_api::addr::FRAME_SHIFT;
use phalanx_arch_api::{Hfn, Hpa, Hva};

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
    /// Where the first byte is in the direct map.
    host: Hva,
    start: Hpa,
    /// A multiple of the frame size.
    bytes: u64,
    state: PhantomData<S>,
}

impl<S> Extent<S> {
    /// Names frames.
    ///
    /// # Safety
    /// What [`PhysMap::claim`](super::PhysMap::claim) asks for holds for these frames, and no other extent names them.
    pub(super) const unsafe fn name(host: Hva, start: Hpa, bytes: u64) -> Self {
        Self { host, start, bytes, state: PhantomData }
    }

    /// The first frame.
    #[must_use]
    pub const fn first(&self) -> Hfn {
        Hfn::containing(self.start)
    }

    /// The number of frames.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.bytes >> FRAME_SHIFT
    }

    /// The address of the first byte.
    #[must_use]
    pub const fn start(&self) -> Hpa {
        self.start
    }

    /// Length in bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where in the direct map the byte at `offset` is.
    #[inline(always)]
    #[must_use]
    pub const fn host(&self, offset: u64) -> Hva {
        Hva::new(self.host.as_u64().wrapping_add(offset))
    }

    /// Where the kernel sees the byte at `offset`.
    #[inline(always)]
    pub(super) fn pointer(&self, offset: u64) -> *mut u8 {
        // 64-bit targets only: `usize` holds every address.
        core::ptr::with_exposed_provenance_mut(self.host(offset).as_u64() as usize)
    }

    /// The number of the frame after the last.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.first().number() + self.frames()
    }

    /// The same frames in another state.
    const fn change<T>(self) -> Extent<T> {
        // SAFETY: `self` named exactly these frames and ends here.
        unsafe { Extent::name(self.host, self.start, self.bytes) }
    }

    /// Zeroes every byte.
    fn scrub(&mut self) {
        // SAFETY: the extent is the only name of its frames (module, 1), it is borrowed mutably, so neither a view of
        // the words nor a copy is under way, and all of it is mapped.
        unsafe { self.pointer(0).write_bytes(0, self.bytes as usize) }
    }
}

impl Extent<Free> {
    /// The first `frames` frames and the rest; a part without frames is `None`.
    pub fn split(self, frames: u64) -> (Option<Self>, Option<Self>) {
        let cut = frames.min(self.frames()) << FRAME_SHIFT;
        let part = |offset: u64, bytes| {
            let host = Hva::new(self.host.as_u64().wrapping_add(offset));
            let start = Hpa::new(self.start.as_u64() + offset);
            // SAFETY: `self`, which named all of them, ends here, and the two parts have no frame in common.
            (bytes > 0).then(|| unsafe { Self::name(host, start, bytes) })
        };
        (part(0, cut), part(cut, self.bytes - cut))
    }

    /// One extent out of `self` and `next`, where `next` begins at the end of `self` in memory and in the direct map.
    ///
    /// # Errors
    /// Gives both back where it does not.
    pub fn join(mut self, next: Self) -> Result<Self, (Self, Self)> {
        let end = (self.host.as_u64().wrapping_add(self.bytes), self.start.as_u64() + self.bytes);
        if end != (next.host.as_u64(), next.start.as_u64()) {
            return Err((self, next));
        }
        self.bytes += next.bytes;
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
        write!(f, "Extent<{}>({} + {:#x})", S::NAME, self.start, self.bytes)
    }
}
