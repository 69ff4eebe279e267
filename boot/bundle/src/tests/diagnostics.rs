//! What a person sees who made a mistake in a manifest.

use super::Workshop;
use super::images::Elf;

/// The diagnostic of a whole manifest.
fn complaint(manifest: &str) -> String {
    Workshop::new(&[("kernel", &Elf::default().build())]).complaint(manifest)
}

/// The diagnostic of a domain that is right but for these lines.
fn domain_complaint(lines: &str) -> String {
    complaint(&format!("[[domain]]\nname = 'a'\nkernel = 'kernel'\n{lines}\n"))
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no «{part}» in:\n{text}");
    }
}

#[test]
fn an_unknown_key_reads_like_a_compiler_error() {
    let expected = r#"  x a domain has no key `kernal`
   ,-[SYSTEM.toml:3:1]
 2 | name = "linux"
 3 | kernal = "debian:cloud"
   : ^^^|^^
   :    `-- unknown key
 4 | kernel = "kernel"
   `----
  help: did you mean `kernel`?
"#;
    let manifest = "[[domain]]\nname = \"linux\"\nkernal = \"debian:cloud\"\nkernel = \"kernel\"\n";
    assert_eq!(complaint(manifest), expected);
}

#[test]
fn equal_names_show_both_places() {
    let expected = r#"  x two domains are called `a`
   ,-[SYSTEM.toml:2:8]
 1 | [[domain]]
 2 | name = "a"
   :        ^|^
   :         `-- first used here
 3 | kernel = "kernel"
 4 | [[domain]]
 5 | name = "a"
   :        ^|^
   :         `-- the same name
 6 | kernel = "kernel"
   `----
  help: give every domain a name of its own
"#;
    let domain = "[[domain]]\nname = \"a\"\nkernel = \"kernel\"\n";
    assert_eq!(complaint(&domain.repeat(2)), expected);
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_file() {
    let text = complaint("[[domain]]\nname = 'A'\nmemory = '12'\nvcpus = 0\nconsole = 1\nformat = 'raw'\n");
    let places: Vec<_> =
        ["has no `kernel`", "`A` cannot be", "`12` is not", "have 0 vCPUs", "`console` must", "`raw` is not"]
            .iter()
            .map(|part| text.find(part).unwrap_or_else(|| panic!("no «{part}» in:\n{text}")))
            .collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn manifests_without_domains() {
    has(&complaint(""), &["the manifest has no domain", "[[domain]]\n        name = \"linux\""]);
    has(&complaint("domain = []"), &["the manifest has 0 domains", "1 to 64 are possible"]);
    has(&complaint("[domain]\nname = 'a'\n"), &["not a list of tables", "write `[[domain]]` with two brackets"]);
    has(&complaint("domain = [1]"), &["not a list of tables"]);
    has(&complaint("[[domains]]\nname = 'a'\n"), &["a manifest has no key `domains`", "did you mean `domain`?"]);
    let many = (0..65).map(|n| format!("[[domain]]\nname = 'd{n}'\nkernel = 'kernel'\n")).collect::<String>();
    has(&complaint(&many), &["the manifest has 65 domains"]);
}

#[test]
fn text_that_is_not_toml() {
    has(&complaint("[[domain]\nname = 'a'\n"), &["not valid TOML", "SYSTEM.toml:1:10", "unclosed array table"]);
    has(&domain_complaint("vcpus = 1\nvcpus = 2"), &["not valid TOML", "duplicate key"]);
}

#[test]
fn names() {
    let long = "x".repeat(32);
    for name in ["", "Linux", "two words", "ü", "a_b", &long] {
        let text = complaint(&format!("[[domain]]\nname = '{name}'\nkernel = 'kernel'\n"));
        has(&text, &["cannot be the name of a domain", "use 1 to 31 of the characters a-z, 0-9 and -"]);
    }
    has(
        &complaint("[[domain]]\nkernel = 'kernel'\n"),
        &["the domain has no `name`", "write for example `name = \"linux\"`"],
    );
}

#[test]
fn memory_sizes() {
    for (memory, label) in [
        ("lots", "not a size"),
        ("1.5G", "not a size"),
        ("0", "less than 1 MiB"),
        ("1023K", "less than 1 MiB"),
        ("1025K", "not a multiple of 4 KiB"),
        ("513G", "more than 512 GiB"),
    ] {
        let text = domain_complaint(&format!("memory = '{memory}'"));
        has(&text, &[&format!("`{memory}` is not a possible memory size"), label, "memory = \"256M\""]);
    }
    has(&domain_complaint("memory = 256"), &["`memory` must be a string"]);
}

#[test]
fn vcpu_counts() {
    for vcpus in ["0", "65", "4294967297"] {
        let text = domain_complaint(&format!("vcpus = {vcpus}"));
        has(&text, &[&format!("a domain cannot have {vcpus} vCPUs"), "use 1 to 64"]);
    }
    has(&domain_complaint("vcpus = -1"), &["`vcpus` must be a whole number that is not negative"]);
    has(&domain_complaint("vcpus = '2'"), &["`vcpus` must be a whole number"]);
}

#[test]
fn suggestions() {
    has(&domain_complaint("cpus = 2"), &["did you mean `vcpus`?"]);
    has(&domain_complaint("initramfs = 'x'"), &["did you mean `initrd`?"]);
    has(&domain_complaint("on_reboot = 'end'"), &["did you mean `on-reboot`?"]);
    has(&domain_complaint("colour = 'red'"), &["possible keys are `name`, `kernel`, `format`, `initrd`, `cmdline`"]);
    has(&domain_complaint("on-reboot = 'restrat'"), &["did you mean `restart`?"]);
    has(
        &domain_complaint("format = 'coff'"),
        &["possible values are `auto`, `bzimage`, `elf`, `multiboot`, `flat`, `real-mode`, `image`"],
    );
}

#[test]
fn command_lines_without_nul() {
    has(&domain_complaint("cmdline = \"a\\u0000b\""), &["holds a NUL character"]);
}

#[test]
fn files_that_are_not_there() {
    let text = complaint("[[domain]]\nname = 'a'\nkernel = 'vmlinuz'\n[[domain]]\nname = 'b'\nkernel = 'no:thing'\n");
    has(&text, &["cannot read the kernel vmlinuz: No such file", "paths are relative to the manifest"]);
    has(&text, &["cannot provide the kernel `no:thing`: no such system", "for a file of this name write `./no:thing`"]);
}
