//! An operand of an instruction that software carries out, wherever its bytes lie.

use phalanx_arch_api::addr::FRAME_SIZE;
use phalanx_arch_api::{AccessSize, DomainEnv, Gpa, GuestMemory};

use super::translate::{Intent, translate};
use crate::vcpu::{Control, Injection, Vcpu};

/// Most bytes of an operand.
const BYTES: usize = 8;

/// Where each byte of an operand is. All of them were translated before the first is touched, so that a page fault leaves
/// nothing half done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    places: [Gpa; BYTES],
    size: AccessSize,
}

impl Span {
    /// Translates an operand at `linear`.
    ///
    /// # Errors
    /// The exception that the guest takes instead.
    pub fn resolve<C: Control, E: DomainEnv>(
        vcpu: &mut Vcpu<C>,
        env: &E,
        linear: u64,
        size: AccessSize,
        intent: Intent,
    ) -> Result<Self, Injection> {
        let mut places = [Gpa::new(0); BYTES];
        for (index, place) in (0..u64::from(size.bytes())).zip(&mut places) {
            *place = translate(vcpu, env.memory(), linear.wrapping_add(index), intent)?;
        }
        Ok(Self { places, size })
    }

    /// Whether an operand of this size at `linear` lies on two pages.
    #[inline(always)]
    #[must_use]
    pub const fn crosses(linear: u64, size: AccessSize) -> bool {
        linear % FRAME_SIZE + size.bytes() as u64 > FRAME_SIZE
    }

    /// Reads the operand. What is not RAM is an empty bus, whose bytes are all-ones.
    #[must_use]
    pub fn read(&self, memory: &impl GuestMemory) -> u64 {
        let mut bytes = [0xff; BYTES];
        for (place, byte) in self.places().zip(&mut bytes) {
            let _ = memory.read(place, core::slice::from_mut(byte));
        }
        u64::from_le_bytes(bytes) & self.size.all_ones()
    }

    /// Writes the operand. What is not RAM is an empty bus, which drops bytes.
    pub fn write(&self, memory: &impl GuestMemory, value: u64) {
        for (place, byte) in self.places().zip(value.to_le_bytes()) {
            let _ = memory.write(place, &[byte]);
        }
    }

    fn places(&self) -> impl Iterator<Item = Gpa> {
        self.places.into_iter().take(self.size.bytes() as usize)
    }
}
