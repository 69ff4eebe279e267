//! Links with the guests' layout.

fn main() {
    let path = format!("{}/../rt/link.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={path}");
    println!("cargo:rustc-link-arg-bins=-T{path}");
    println!("cargo:rustc-link-arg-bins=--no-pie");
}
