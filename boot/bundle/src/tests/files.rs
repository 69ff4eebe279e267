//! Where files come from: the manifest's folder, or the tool.

use std::fs;

use super::Workshop;
use super::images::Elf;
use crate::Architecture;

#[test]
fn paths_are_relative_to_the_manifest() {
    let shop = Workshop::new(&[("kernel", &Elf::default().build())]);
    let manifest = shop.folder.path().join("SYSTEM.toml");
    fs::write(&manifest, "[[domain]]\nname = 'a'\nkernel = 'kernel'\n").unwrap();
    crate::build(&manifest, &|_| unreachable!("no name of the tool is used"), Architecture::X86_64).unwrap();
}

#[test]
fn names_of_the_tool_go_to_the_resolver() {
    let shop = Workshop::new(&[("kernel", &Elf::default().build()), ("busybox", b"file"), ("a:b", b"file")]);
    shop.domain("kernel = 'known:kernel'").unwrap();
    let asked = shop.domain("kernel = 'kernel'\ninitrd = 'busybox'").unwrap_err();
    assert!(asked.contains("cannot provide the initrd `busybox`: no such system"), "{asked}");
    shop.domain("kernel = 'kernel'\ninitrd = './busybox'").unwrap();
    shop.domain("kernel = 'kernel'\ninitrd = './a:b'").unwrap();
}

#[test]
fn a_manifest_that_is_not_there() {
    let error = crate::build("nowhere/SYSTEM.toml".as_ref(), &|_| unreachable!(), Architecture::X86_64).unwrap_err();
    assert!(error.to_string().starts_with("cannot read the manifest nowhere/SYSTEM.toml: "), "{error}");
}
