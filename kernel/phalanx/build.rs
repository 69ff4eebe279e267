//! Links the bare-metal binary by the boot crate's linker script.

use std::env;
use std::path::Path;

fn main() {
    let script = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../boot/x86_64/kernel.ld");
    println!("cargo:rerun-if-changed={}", script.display());
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        println!("cargo:rustc-link-arg-bins=-T{}", script.display());
        // One fixed position, whatever relocation model the flags ask for.
        println!("cargo:rustc-link-arg-bins=--no-pie");
    }
}
