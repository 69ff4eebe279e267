//! Links with the guests' layout: at a fixed address, with or without the PVH note.

fn main() {
    let script = if std::env::var_os("CARGO_FEATURE_ELF64").is_some() { "link-elf64.ld" } else { "link.ld" };
    let path = format!("{}/../rt/{script}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={path}");
    println!("cargo:rustc-link-arg-bins=-T{path}");
    println!("cargo:rustc-link-arg-bins=--no-pie");
}
