//! What `compatible` says.

use crate::fdt::{Node, strings};

/// A device that the kernel knows how to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    /// The firmware's power interface.
    Psci(PsciNumbers),
    /// The generic timer.
    Timer,
    /// The interrupt controller.
    Gic(GicVersion),
    /// A serial port.
    Uart(UartFamily),
}

/// Where PSCI's function numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PsciNumbers {
    /// From the standard: version 0.2 and later.
    Standard,
    /// From the tree: version 0.1.
    Listed,
}

/// The interrupt controller's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GicVersion {
    /// IHI 0048.
    V2,
    /// IHI 0069; version 4 is one of version 3 too.
    V3,
}

/// Serial ports with the same registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UartFamily {
    /// Arm PrimeCell.
    Pl011,
    /// Zynq.
    Cadence,
    /// 16550 in memory.
    Ns16550,
}

impl Device {
    /// What the node is: the first entry of its `compatible` that is known decides.
    pub(super) fn of(node: &Node<'_>) -> Option<Self> {
        strings(node.compatible).find_map(Self::named)
    }

    fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"arm,psci-1.0" | b"arm,psci-0.2" => Self::Psci(PsciNumbers::Standard),
            b"arm,psci" => Self::Psci(PsciNumbers::Listed),
            b"arm,armv8-timer" | b"arm,armv7-timer" => Self::Timer,
            b"arm,gic-v3" => Self::Gic(GicVersion::V3),
            b"arm,gic-400" | b"arm,cortex-a15-gic" | b"arm,cortex-a7-gic" | b"qcom,msm-qgic2" => {
                Self::Gic(GicVersion::V2)
            }
            b"arm,pl011" => Self::Uart(UartFamily::Pl011),
            b"cdns,uart-r1p8" | b"cdns,uart-r1p12" | b"xlnx,xuartps" => Self::Uart(UartFamily::Cadence),
            b"ns16550a" | b"ns16550" | b"snps,dw-apb-uart" => Self::Uart(UartFamily::Ns16550),
            _ => return None,
        })
    }
}
