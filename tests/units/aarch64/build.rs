//! Links the way the kernel is linked: by the boot crate's linker script, position-independent.

fn main() {
    let script = format!("{}/../../../boot/aarch64/kernel.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={script}");
    println!("cargo:rustc-link-arg-bins=-T{script}");
    for argument in ["-pie", "--no-dynamic-linker", "-znotext", "--apply-dynamic-relocs"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
