//! Leaf 0xd: which XSAVE states there are, and how much room they take (Intel SDM vol. 1, 13.2).

use super::build::Bounded;
use super::subleaf::Subleaves;
use super::{CpuidTable, HostCpuid, Leaf, policy};

const LEAF: u32 = 0xd;
/// XSAVE in leaf 1 ECX.
const XSAVE_BIT: u32 = 26;
/// Legacy area and header.
const LEAST_SIZE: u32 = 512 + 64;
/// Bit 1 of a component's ECX: aligned to 64 bytes in the compacted format.
const ALIGNED: u32 = 1 << 1;

/// x87.
pub(super) const X87: u64 = 1 << 0;
/// SSE.
pub(super) const SSE: u64 = 1 << 1;
/// AVX.
pub(super) const AVX: u64 = 1 << 2;
/// Opmask, high halves of ZMM 0 to 15, ZMM 16 to 31: all or none.
pub(super) const AVX_512: u64 = 0b111 << 5;
/// The components that a guest may have, besides x87 and SSE.
const COMPONENTS: [u32; 4] = [2, 5, 6, 7];

/// Where a component lies.
#[derive(Clone, Copy, Debug)]
struct Component {
    number: u32,
    size: u32,
    offset: u32,
    aligned: bool,
}

/// The XSAVE states that the guest may enable.
#[derive(Clone, Debug)]
pub(super) struct ExtendedState {
    /// Valid bits of XCR0; 0 without XSAVE.
    supported: u64,
    components: [Component; COMPONENTS.len()],
}

impl ExtendedState {
    /// A processor without XSAVE.
    pub(super) const fn none() -> Self {
        let absent = Component { number: 0, size: 0, offset: 0, aligned: false };
        Self { supported: 0, components: [absent; COMPONENTS.len()] }
    }

    /// The host's states that pass.
    fn of(read: &impl HostCpuid) -> Self {
        let zero = read.leaf(LEAF, 0);
        let host = u64::from(zero.edx) << 32 | u64::from(zero.eax);
        let mut supported = host & (X87 | SSE | AVX);
        if supported & AVX != 0 && host & AVX_512 == AVX_512 {
            supported |= AVX_512;
        }
        let components = COMPONENTS.map(|number| {
            let Leaf { eax: size, ebx: offset, ecx, .. } = read.leaf(LEAF, number);
            Component { number, size, offset, aligned: ecx & ALIGNED != 0 }
        });
        Self { supported, components }
    }

    /// Valid bits of XCR0.
    pub(super) const fn supported(&self) -> u64 {
        self.supported
    }

    fn enabled(&self, xcr0: u64) -> impl Iterator<Item = &Component> {
        let enabled = xcr0 & self.supported;
        self.components.iter().filter(move |component| enabled >> component.number & 1 != 0)
    }

    /// Bytes of the standard format.
    fn standard_size(&self, xcr0: u64) -> u32 {
        let end = |component: &Component| component.offset.saturating_add(component.size);
        self.enabled(xcr0).map(end).max().unwrap_or(0).max(LEAST_SIZE)
    }

    /// Bytes of the compacted format.
    fn compacted_size(&self, xcr0: u64) -> u32 {
        self.enabled(xcr0).fold(LEAST_SIZE, |size, component| {
            let start = if component.aligned { size.saturating_add(63) & !63 } else { size };
            start.saturating_add(component.size)
        })
    }

    /// Writes the sizes for this XCR0 into subleaves 0 and 1.
    pub(super) fn publish_sizes(&self, subleaves: &mut Subleaves, xcr0: u64) {
        if let Some(leaf) = subleaves.get_mut(LEAF, 0) {
            leaf.ebx = self.standard_size(xcr0);
        }
        if let Some(leaf) = subleaves.get_mut(LEAF, 1)
            && leaf.eax != 0
        {
            leaf.ebx = self.compacted_size(xcr0);
        }
    }
}

impl CpuidTable {
    pub(super) fn fill_extended_state(&mut self, host: &impl HostCpuid) {
        if self.basic[1].ecx >> XSAVE_BIT & 1 == 0 || self.max_basic < LEAF {
            self.basic[1].ecx &= !(1 << XSAVE_BIT);
            return;
        }
        let read = Bounded::basic(host);
        let state = ExtendedState::of(&read);
        let ecx = state.standard_size(state.supported);
        let zero = Leaf { eax: state.supported as u32, ebx: 0, ecx, edx: 0 };
        let eax = policy::LEAF_D_1_EAX.apply(read.leaf(LEAF, 1).eax);
        self.subleaves.push(LEAF, 0, zero);
        self.subleaves.push(LEAF, 1, Leaf { eax, ..Leaf::default() });
        for component in state.enabled(state.supported) {
            let Component { number, size, offset, aligned } = *component;
            let ecx = if aligned { ALIGNED } else { 0 };
            self.subleaves.push(LEAF, number, Leaf { eax: size, ebx: offset, ecx, edx: 0 });
        }
        state.publish_sizes(&mut self.subleaves, X87);
        self.xstate = state;
    }
}
