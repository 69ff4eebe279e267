//! The machine under test.

use phalanx_arch_aarch64::host::{Host, KernelImage, PerCpu, this_cpu};

/// What [`phalanx_arch_aarch64::host::init_boot_cpu`] leaves.
pub(crate) struct Bench {
    /// The machine.
    pub(crate) host: Host,
    /// The image that this runs in.
    pub(crate) image: KernelImage,
    /// The CPU that this runs on.
    pub(crate) cpu: &'static PerCpu,
}

impl Bench {
    /// The bench of a machine that was taken over.
    pub(crate) fn new(host: Host, image: KernelImage) -> Self {
        Self { host, image, cpu: this_cpu() }
    }
}

/// Calls a function that is generic over the interrupt controller with the one that the machine has.
macro_rules! with_gic {
    ($test:ident, $bench:expr) => {
        match ::phalanx_arch_aarch64::host::gic::version() {
            ::phalanx_arch_aarch64::gic::Version::V2 => $test::<::phalanx_arch_aarch64::host::gic::GicV2>($bench),
            ::phalanx_arch_aarch64::gic::Version::V3 => $test::<::phalanx_arch_aarch64::host::gic::GicV3>($bench),
        }
    };
}
pub(crate) use with_gic;
