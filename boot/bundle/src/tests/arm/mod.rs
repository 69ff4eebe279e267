//! Systems for Arm machines: what lies where, what the device tree says, and what is refused.

mod board;
mod formats;
mod images;
mod promise;
mod refusals;

use phalanx_abi::bundle::{ArmEntryRecord, Bundle, Entry, ONLY_GICV2, ONLY_GICV3};

use super::{Built, Workshop};
use crate::Architecture::Aarch64;

/// Where RAM begins, and Linux.
const RAM: u64 = 0x4000_0000;
const KERNEL: u64 = 0x4020_0000;

/// A folder with this kernel and a small initrd.
fn workshop(kernel: &[u8]) -> Workshop {
    Workshop::new(&[("kernel", kernel), ("initrd", &[0x17; 5000]), ("empty", &[])])
}

/// A domain of this kernel and further lines, as a machine with a GICv3 sees it.
#[track_caller]
fn build(kernel: &[u8], lines: &str) -> Built {
    let built = workshop(kernel).domain_for(Aarch64, &format!("kernel = 'kernel'\n{lines}"));
    Built { machine: ONLY_GICV3, ..built.unwrap_or_else(|text| panic!("{text}")) }
}

impl Built {
    fn arm_entry(&self) -> ArmEntryRecord {
        match self.only().entry() {
            Entry::Arm(entry) => *entry,
            Entry::X86(_) => panic!("an Arm domain was built"),
        }
    }

    /// The device tree that vCPU 0 is pointed at, on a machine with this alternative.
    fn tree(&self, machine: u32) -> Vec<u8> {
        let address = self.arm_entry().x[0].get();
        let mut trees = self.only().segments().filter(|segment| segment.gpa == address && segment.fits(machine));
        trees.next().unwrap().bytes.to_vec()
    }
}

#[test]
fn a_bundle_is_for_the_machines_that_it_was_built_for() {
    let built = build(&images::Image::default().build(), "");
    assert_eq!(Bundle::parse(&built.bytes).unwrap().architecture(), Aarch64);
    assert_ne!(built.tree(ONLY_GICV2), built.tree(ONLY_GICV3));
}
