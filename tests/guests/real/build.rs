//! Links below 1 MiB, with the real-mode code first.

fn main() {
    let path = format!("{}/link.ld", env!("CARGO_MANIFEST_DIR"));
    println!("cargo:rerun-if-changed={path}");
    println!("cargo:rustc-link-arg-bins=-T{path}");
    println!("cargo:rustc-link-arg-bins=--no-pie");
}
