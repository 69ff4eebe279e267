//! How an x86 guest finds out on what it runs: the hypervisor leaves of CPUID.
//!
//! Two interfaces are offered side by side. At [`KVM_BASE`] stands the subset of KVM's that lets stock systems learn
//! their TSC frequency; at [`PHALANX_BASE`] stands Phalanx's own.

/// First leaf of the KVM-compatible interface: EAX = [`KVM_MAX`], EBX:ECX:EDX = [`KVM_SIGNATURE`].
pub const KVM_BASE: u32 = 0x4000_0000;
/// Highest leaf of the KVM-compatible interface; its EAX is [`KVM_FEATURES`].
pub const KVM_MAX: u32 = 0x4000_0001;
/// The KVM signature as EBX, ECX and EDX hold it.
pub const KVM_SIGNATURE: [u32; 3] = signature(*b"KVMKVMKVM\0\0\0");

/// The paravirtual clock by the MSRs 0x11 and 0x12 ([`MSR_WALL_CLOCK_OLD`], [`MSR_SYSTEM_TIME_OLD`]).
pub const KVM_FEATURE_CLOCKSOURCE: u32 = 1 << 0;
/// No delay is needed between port accesses.
pub const KVM_FEATURE_NOP_IO_DELAY: u32 = 1 << 1;
/// The paravirtual clock by the MSRs 0x4b564d00 and 0x4b564d01.
pub const KVM_FEATURE_CLOCKSOURCE2: u32 = 1 << 3;
/// All vCPUs see one clock: per-vCPU warps need not be expected.
pub const KVM_FEATURE_CLOCKSOURCE_STABLE: u32 = 1 << 24;
/// EAX of leaf [`KVM_MAX`]: exactly what Phalanx does.
pub const KVM_FEATURES: u32 =
    KVM_FEATURE_CLOCKSOURCE | KVM_FEATURE_NOP_IO_DELAY | KVM_FEATURE_CLOCKSOURCE2 | KVM_FEATURE_CLOCKSOURCE_STABLE;

/// Address of the wall clock structure.
pub const MSR_WALL_CLOCK: u32 = 0x4b56_4d00;
/// Address of this vCPU's system time structure; bit 0 enables it.
pub const MSR_SYSTEM_TIME: u32 = 0x4b56_4d01;
/// The older number of [`MSR_WALL_CLOCK`].
pub const MSR_WALL_CLOCK_OLD: u32 = 0x11;
/// The older number of [`MSR_SYSTEM_TIME`].
pub const MSR_SYSTEM_TIME_OLD: u32 = 0x12;

/// First leaf of Phalanx's own interface: EAX = [`PHALANX_MAX`], EBX:ECX:EDX = [`PHALANX_SIGNATURE`].
pub const PHALANX_BASE: u32 = 0x4000_0100;
/// Highest leaf of Phalanx's own interface; its EAX is [`crate::hypercall::ABI_VERSION`].
pub const PHALANX_MAX: u32 = 0x4000_0101;
/// Phalanx's signature as EBX, ECX and EDX hold it.
pub const PHALANX_SIGNATURE: [u32; 3] = signature(*b"PhalanxPhlnx");

/// The 12 characters of a hypervisor signature as EBX, ECX and EDX.
const fn signature(text: [u8; 12]) -> [u32; 3] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = text;
    [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]), u32::from_le_bytes([i, j, k, l])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_read_as_their_text() {
        let text = |words: [u32; 3]| words.map(u32::to_le_bytes).concat();
        assert_eq!(text(KVM_SIGNATURE), b"KVMKVMKVM\0\0\0");
        assert_eq!(text(PHALANX_SIGNATURE), b"PhalanxPhlnx");
    }

    #[test]
    fn kvm_features_are_the_documented_bits() {
        assert_eq!(KVM_FEATURES, 0x0100_000b);
    }
}
