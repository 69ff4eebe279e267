//! The hypercalls: one table from which enum, names, decoding and the manual (`docs/hypercalls.md`) come.
//!
//! | | instruction | number | arguments | result |
//! |---|---|---|---|---|
//! | x86-64 | `vmmcall` (AMD) or `vmcall` (Intel) | RAX | RDI, RSI, RDX | RAX |
//! | Arm | `hvc #0x5048` ([`ARM_IMMEDIATE`]) | X0 | X1, X2, X3 | X0 |
//!
//! Only the guest's kernel mode may call. The result is zero or positive, or a negative [`HypercallError`]. No other
//! register changes.

/// Most frames that one [`Hypercall::DirtyLog`] looks at: 128 MiB of memory, a bitmap of 4 KiB.
pub const DIRTY_LOG_MOST_FRAMES: u64 = 32768;

/// Version of this interface, which does not change when a hypercall is added (a kernel that lacks it says ENOSYS): what [`Hypercall::Version`] and on x86 CPUID leaf 0x4000_0101 return.
pub const ABI_VERSION: u32 = 1;

/// Number of the first hypercall ("PH" in the upper half keeps clear of other hypervisors' numbers).
pub const BASE: u64 = 0x5048_0000;

/// The immediate of the `hvc` instruction on Arm ("PH"): 0 is left to SMCCC (DEN 0028, "SMC and HVC immediate value").
pub const ARM_IMMEDIATE: u16 = 0x5048;

/// Builds [`Hypercall`] and everything derived from it from one table.
macro_rules! hypercalls {
    ($($(#[doc = $doc:literal])+ $variant:ident = $offset:literal, $name:literal, ($($argument:literal),*) -> $result:literal, $errors:expr;)+) => {
        /// A hypercall of Phalanx.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Hypercall {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Hypercall {
            /// All hypercalls, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value of the number's register (RAX, X0).
            #[must_use]
            pub const fn number(self) -> u64 {
                match self { $(Self::$variant => BASE + $offset,)+ }
            }

            /// The name that tools print.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it does, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// The meaning of each argument, in the order RDI, RSI, RDX or X1, X2, X3.
            #[must_use]
            pub const fn arguments(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($argument),*],)+ }
            }

            /// The meaning of a result that is not negative.
            #[must_use]
            pub const fn result(self) -> &'static str {
                match self { $(Self::$variant => $result,)+ }
            }

            /// The errors that it can return besides [`HypercallError::NotPermitted`], which all can.
            #[must_use]
            pub const fn errors(self) -> &'static [HypercallError] {
                match self { $(Self::$variant => $errors,)+ }
            }
        }

        impl TryFrom<u64> for Hypercall {
            type Error = HypercallError;

            /// Decodes the number's register; every number that is not in the table is [`HypercallError::Unknown`].
            fn try_from(number: u64) -> Result<Self, HypercallError> {
                match number.wrapping_sub(BASE) {
                    $($offset => Ok(Self::$variant),)+
                    _ => Err(HypercallError::Unknown),
                }
            }
        }
    };
}

/// Builds [`HypercallError`] from one table. The values are those that Linux knows from KVM.
macro_rules! hypercall_errors {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal;)+) => {
        /// Why a hypercall did nothing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum HypercallError {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl HypercallError {
            /// All errors.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The negative result.
            #[must_use]
            pub const fn code(self) -> i64 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The conventional name of the code.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// When it is returned, in one sentence.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }
        }
    };
}

hypercalls! {
    /// Does nothing: measures the way in and out.
    Null = 0, "null", () -> "0", &[];
    /// Tells the version of this interface.
    Version = 1, "version", () -> "1 (the ABI version)", &[];
    /// Reads one exit counter of the calling vCPU.
    ExitCount = 2, "exit-count", ("exit counter index") -> "exits counted since the domain started", &[HypercallError::InvalidArgument];
    /// Reads which pages of the own RAM were written since the last reading, and begins to log them anew. Bit 0 of the first 64-bit word of the bitmap is the first frame, set if it was written; the bitmap ends with a whole word. All RAM counts as written when the domain starts. Writes of the hypervisor count, that of the bitmap too, for the next reading; so do page tables that the processor walked, whether it changed them or not. Needs `dirty-log = true` in the manifest.
    DirtyLog = 3, "dirty-log", ("first frame (address / 4096)", "number of frames, 1 to 32768", "address of the bitmap, a multiple of 8") -> "number of pages that were written", &[HypercallError::BadAddress, HypercallError::InvalidArgument, HypercallError::TryAgain, HypercallError::NotSupported];
}

hypercall_errors! {
    /// The caller was not in kernel mode (x86: CPL 0; Arm: EL1).
    NotPermitted = -1, "EPERM";
    /// Another CPU did not answer in time; nothing is lost, call again.
    TryAgain = -11, "EAGAIN";
    /// A buffer is not, or not wholly, in the domain's RAM, or not aligned.
    BadAddress = -14, "EFAULT";
    /// An argument is outside its range.
    InvalidArgument = -22, "EINVAL";
    /// The domain was not given what the hypercall is about.
    NotSupported = -95, "EOPNOTSUPP";
    /// There is no hypercall of this number.
    Unknown = -1000, "ENOSYS";
}

/// The value of the result's register (RAX, X0) for the outcome of a hypercall. Results above `i64::MAX` do not occur and saturate.
#[must_use]
pub fn return_value(outcome: Result<u64, HypercallError>) -> u64 {
    match outcome {
        Ok(value) => value.min(i64::MAX.unsigned_abs()),
        Err(error) => error.code().cast_unsigned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decode_to_what_they_encode() {
        for call in Hypercall::ALL {
            assert_eq!(Hypercall::try_from(call.number()), Ok(*call));
        }
    }

    #[test]
    fn everything_else_is_unknown() {
        let next = BASE + Hypercall::ALL.len() as u64;
        for number in [0, 1, BASE - 1, next, u64::MAX, BASE | (1 << 32)] {
            assert_eq!(Hypercall::try_from(number), Err(HypercallError::Unknown), "{number:#x}");
        }
    }

    #[test]
    fn numbers_of_the_interface_are_fixed() {
        assert_eq!(Hypercall::Null.number(), 0x5048_0000);
        assert_eq!(Hypercall::Version.number(), 0x5048_0001);
        assert_eq!(Hypercall::ExitCount.number(), 0x5048_0002);
        assert_eq!(Hypercall::DirtyLog.number(), 0x5048_0003);
        assert_eq!(return_value(Err(HypercallError::Unknown)), (-1000i64).cast_unsigned());
        assert_eq!(return_value(Err(HypercallError::NotPermitted)), u64::MAX);
        assert_eq!(return_value(Ok(u64::MAX)), i64::MAX.unsigned_abs());
    }
}
