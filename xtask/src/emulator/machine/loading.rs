//! The emulator's arguments for each way of booting.

use std::path::Path;

use super::{Boot, Direct, words};

/// Where a kernel beside a shim lies in the RAM of the `virt` board: a multiple of 2 MiB, above the shim and below the bundle.
pub(crate) const KERNEL_BESIDE_SHIM: u64 = 0x4400_0000;
/// Where its device tree lies.
pub(crate) const TREE_BESIDE_SHIM: u64 = 0x4700_0000;

impl Boot {
    /// What to load, in the emulator's words.
    pub(super) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Direct(Direct { kernel, module, words, tree }) => {
                let mut line = vec!["-kernel".into(), text(kernel)];
                line.extend(module.iter().flat_map(|module| ["-initrd".into(), text(module)]));
                line.extend(["-append".into(), words.clone()]);
                line.extend(tree.iter().flat_map(|tree| ["-dtb".into(), text(tree)]));
                line
            }
            Self::IsoBios { iso } => vec!["-cdrom".into(), text(iso)],
            Self::IsoUefi { iso, code, variables } => {
                let flash =
                    |unit, file: &Path, more| format!("if=pflash,format=raw,unit={unit},file={}{more}", file.display());
                let mut line = vec!["-drive".into(), flash(0, code, ",readonly=on")];
                line.extend(["-drive".into(), flash(1, variables, "")]);
                line.extend(["-cdrom".into(), text(iso)]);
                line
            }
            Self::Firmware { code, folder } => {
                let mut line = vec!["-bios".into(), text(code), "-drive".into()];
                line.push(format!("if=none,id=disk,format=raw,readonly=on,file=fat:{}", folder.display()));
                line.extend(words("-device virtio-blk-device,drive=disk"));
                line
            }
            Self::OwnTree { shim, kernel, tree, bundle } => {
                let raw = |file: &Path, at| format!("loader,file={},addr={at:#x},force-raw=on", file.display());
                let mut line = vec!["-kernel".into(), text(shim), "-initrd".into(), text(bundle)];
                line.extend(["-device".into(), raw(kernel, KERNEL_BESIDE_SHIM)]);
                line.extend(["-device".into(), raw(tree, TREE_BESIDE_SHIM)]);
                line
            }
        }
    }
}

/// The shim: the kernel's address and the tree's, as an Image is entered. A64 instructions (DDI 0487, C6.2).
pub(crate) fn shim() -> Vec<u8> {
    // MOVZ X0, tree >> 16, LSL 16; MOVZ X4, kernel >> 16, LSL 16; X1 to X3 = 0; BR X4.
    let movz = |register: u32, value: u32, shift: u32| 0xd280_0000 | shift << 21 | value << 5 | register;
    let high = |address: u64| u32::try_from(address >> 16 & 0xffff).unwrap_or_default();
    let code = [
        movz(0, high(TREE_BESIDE_SHIM), 1),
        movz(4, high(KERNEL_BESIDE_SHIM), 1),
        movz(1, 0, 0),
        movz(2, 0, 0),
        movz(3, 0, 0),
        0xd61f_0080,
    ];
    code.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shim_is_what_an_assembler_makes() {
        let words: Vec<u32> = shim().chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect();
        // movz x0, #0x4700, lsl #16; movz x4, #0x4400, lsl #16; mov x1, #0; mov x2, #0; mov x3, #0; br x4
        assert_eq!(words, [0xd2a8_e000, 0xd2a8_8004, 0xd280_0001, 0xd280_0002, 0xd280_0003, 0xd61f_0080]);
    }

    #[test]
    fn a_tree_of_our_own_is_loaded_unseen() {
        let boot = Boot::OwnTree { shim: "s".into(), kernel: "k".into(), tree: "t".into(), bundle: "b".into() };
        let line = boot.arguments().join(" ");
        assert!(line.starts_with("-kernel s -initrd b -device loader,file=k,addr=0x44000000,force-raw=on"), "{line}");
        assert!(!line.contains("-dtb"), "{line}");
    }
}
