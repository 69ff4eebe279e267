//! The architectures, and what is called differently on each.

use clap::ValueEnum;
use phalanx_bundle::Architecture;

/// What the machine's processors are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Arch {
    /// AMD and Intel: the lanes `svm`, `svm-bochs` and `vtx`.
    #[default]
    #[value(name = "x86_64", alias = "amd64")]
    X86,
    /// 64-bit Arm: the lane `el2`.
    #[value(name = "aarch64", alias = "arm64")]
    Arm,
}

impl Arch {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::X86, Self::Arm];

    /// As `--arch` takes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86_64",
            Self::Arm => "aarch64",
        }
    }

    /// As the bundle calls it.
    pub(crate) const fn of_bundle(self) -> Architecture {
        match self {
            Self::X86 => Architecture::X86_64,
            Self::Arm => Architecture::Aarch64,
        }
    }

    /// As Debian calls it.
    pub(crate) const fn debian(self) -> &'static str {
        match self {
            Self::X86 => "amd64",
            Self::Arm => "arm64",
        }
    }

    /// Rust's target for the hypervisor and the test guests. On Arm without floating point: the guest's registers stay
    /// where they are while the hypervisor runs.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Self::X86 => "x86_64-unknown-none",
            Self::Arm => "aarch64-unknown-none-softfloat",
        }
    }

    /// The folder of the checkout that holds the test guests.
    pub(crate) const fn guests(self) -> &'static str {
        match self {
            Self::X86 => "tests/guests",
            Self::Arm => "tests/guests/aarch64",
        }
    }

    /// How Linux calls a domain's serial port.
    pub(crate) const fn console(self) -> &'static str {
        match self {
            Self::X86 => "ttyS0",
            Self::Arm => "ttyAMA0",
        }
    }

    /// The lane of a scenario that does not say, on QEMU.
    pub(crate) const fn lane(self) -> &'static str {
        match self {
            Self::X86 => "svm",
            Self::Arm => "el2",
        }
    }

    /// The architecture whose machines play `lane`.
    pub(crate) fn of_lane(lane: &str) -> Option<Self> {
        match lane {
            "svm" | "svm-bochs" | "vtx" => Some(Self::X86),
            "el2" => Some(Self::Arm),
            _ => None,
        }
    }

    /// The lanes whose exits are measured, in the order of their columns.
    pub(crate) const fn lanes(self) -> &'static [&'static str] {
        match self {
            Self::X86 => &["svm", "svm-bochs", "vtx"],
            Self::Arm => &["el2"],
        }
    }

    /// The other one.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::X86 => Self::Arm,
            Self::Arm => Self::X86,
        }
    }

    /// `text` with `${console}` filled in: what a manifest needs to fit both.
    pub(crate) fn fill(self, text: &str) -> String {
        text.replace("${console}", self.console())
    }

    /// `name` for x86, `name-arm64` for Arm: what is prepared for both needs two places.
    pub(crate) fn place(self, name: &str) -> String {
        match self {
            Self::X86 => name.to_owned(),
            Self::Arm => format!("{name}-{}", self.debian()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_architectures_belong_together() {
        assert_eq!(Arch::of_lane("svm"), Some(Arch::X86));
        assert_eq!(Arch::of_lane("el2"), Some(Arch::Arm));
        assert_eq!(Arch::of_lane("host"), None);
        for arch in Arch::ALL {
            assert_eq!(arch.lanes()[0], arch.lane());
            assert!(arch.lanes().iter().all(|lane| Arch::of_lane(lane) == Some(arch)));
        }
        assert!(Arch::ALL.iter().all(|arch| arch.other() != *arch));
    }

    #[test]
    fn a_manifest_is_filled_in() {
        assert_eq!(Arch::X86.fill("console=${console} x"), "console=ttyS0 x");
        assert_eq!(Arch::Arm.fill("console=${console} x"), "console=ttyAMA0 x");
    }
}
