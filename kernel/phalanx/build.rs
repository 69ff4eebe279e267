//! Links the bare-metal binary by the boot crate's linker script.

use std::env;
use std::path::Path;

fn main() {
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    // x86-64: one fixed position, whatever relocation model the flags ask for. Arm: wherever the loader found room;
    // the entry relocates the image.
    let (folder, position) = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("aarch64") => ("aarch64", &["-pie", "--no-dynamic-linker", "-znotext", "--apply-dynamic-relocs"][..]),
        _ => ("x86_64", &["--no-pie"][..]),
    };
    let script = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../boot").join(folder).join("kernel.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    println!("cargo:rustc-link-arg-bins=-T{}", script.display());
    for argument in position {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
