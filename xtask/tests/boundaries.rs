//! The architecture's boundaries, read from the manifests and sources: who may depend on whom, where a target may be asked
//! for, and where unsafe code may stand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use walkdir::WalkDir;

/// Package, what it may depend on, and what its tests may besides. Dependencies point one way:
/// `abi ← sched ← core ← phalanx`, `arch/api ← core`, and no architecture knows the core.
const MAY_DEPEND: &[(&str, &[&str], &[&str])] = &[
    ("phalanx-abi", &[], &[]),
    ("phalanx-sched", &["phalanx-abi"], &[]),
    ("phalanx-uart", &[], &[]),
    ("phalanx-arch-api", &["phalanx-abi"], &[]),
    ("phalanx-handoff", &["phalanx-abi", "phalanx-arch-api"], &[]),
    ("phalanx-arch-x86_64", &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff"], &["phalanx-arch-fake"]),
    ("phalanx-arch-aarch64", &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff"], &["phalanx-arch-fake"]),
    ("phalanx-arch-fake", &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff"], &[]),
    ("phalanx-boot-aarch64", &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff", "phalanx-uart"], &[]),
    ("phalanx-boot-x86_64", &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff", "phalanx-uart"], &[]),
    ("phalanx-bundle", &["phalanx-abi"], &["phalanx-arch-api"]),
    (
        "phalanx-core",
        &["phalanx-abi", "phalanx-arch-api", "phalanx-handoff", "phalanx-sched", "phalanx-uart"],
        &["phalanx-arch-fake", "phalanx-bundle", "phalanx-sim"],
    ),
    (
        "phalanx",
        &[
            "phalanx-abi",
            "phalanx-arch-api",
            "phalanx-arch-aarch64",
            "phalanx-arch-x86_64",
            "phalanx-boot-aarch64",
            "phalanx-boot-x86_64",
            "phalanx-core",
            "phalanx-handoff",
            "phalanx-sched",
            "phalanx-uart",
        ],
        &[],
    ),
    (
        "phalanx-sim",
        &["phalanx-abi", "phalanx-arch-api", "phalanx-arch-fake", "phalanx-core", "phalanx-handoff", "phalanx-sched"],
        &[],
    ),
    ("guest-rt", &["phalanx-abi"], &[]),
    ("guest-arm-rt", &[], &[]),
    ("guest-arm-*", &["guest-arm-rt"], &[]),
    ("guest-*", &["guest-rt", "phalanx-abi"], &[]),
    (
        "unit-aarch64",
        &["phalanx-abi", "phalanx-arch-aarch64", "phalanx-arch-api", "phalanx-boot-aarch64", "phalanx-handoff"],
        &[],
    ),
    ("xtask", &["phalanx-abi", "phalanx-bundle"], &[]),
];

/// Folders whose sources may ask for the target's architecture.
const KNOWS_TARGETS: &[&str] = &["arch/", "boot/", "kernel/phalanx/", "tests/guests/", "tests/units/"];
/// Beginnings of the paths whose sources may be unsafe: the architectures, the boot paths, the binary that ties the core to
/// one architecture and its twin that ties it to the simulated one, the frame module with its tests, the test guests, and the
/// unit tests that run on the processor.
const MAY_BE_UNSAFE: &[&str] = &[
    "arch/",
    "boot/",
    "kernel/phalanx/",
    "kernel/core/src/mem/frame",
    "kernel/core/src/mem/tests/",
    "tests/guests/",
    "tests/sim/",
    "tests/units/",
];

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (manifest, package) in packages() {
        let name = package["package"]["name"].as_str().unwrap_or_default();
        let Some((_, normal, tests)) = rule(name) else {
            wrong.push(format!(
                "{manifest}: no rule for {name}; say in xtask/tests/boundaries.rs what it may depend on"
            ));
            continue;
        };
        for (section, allowed) in [
            ("dependencies", normal.to_vec()),
            ("build-dependencies", normal.to_vec()),
            ("dev-dependencies", [*normal, *tests].concat()),
        ] {
            for dependency in ours(&package, section).filter(|dependency| !allowed.contains(&dependency.as_str())) {
                wrong.push(format!("{manifest}: {name} must not have {dependency} among its {section}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn only_architecture_code_asks_for_the_target() {
    let wrong = lines_with(r"\btarget_arch\b", KNOWS_TARGETS);
    assert!(wrong.is_empty(), "the target's architecture is asked for here:\n{}\n", wrong.join("\n"));
}

#[test]
fn unsafe_code_stays_where_it_may_be() {
    let wrong = lines_with(r"\bunsafe\b", MAY_BE_UNSAFE);
    assert!(wrong.is_empty(), "unsafe code stands here:\n{}\n", wrong.join("\n"));
}

#[test]
fn safe_crates_forbid_unsafe_code() {
    let mut wrong = Vec::new();
    for (manifest, _) in packages() {
        let folder = manifest.trim_end_matches("Cargo.toml");
        let may =
            MAY_BE_UNSAFE.iter().any(|start| folder.starts_with(start) || start.starts_with(&format!("{folder}src")));
        let root = ["src/lib.rs", "src/main.rs"].map(|file| top().join(folder).join(file));
        let text = root.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        if !may && !text.contains("#![forbid(unsafe_code)]") {
            wrong.push(format!("{folder}src: write #![forbid(unsafe_code)] at the crate's top"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_reader_sees_code_only() {
    assert_eq!(code("let a = 1; // risky"), "let a = 1; ");
    assert_eq!(code(r#"say("risky \" risky"); risky {}"#), r#"say(""); risky {}"#);
    assert_eq!(code(r#"let url = "http://x"; risky {}"#), r#"let url = ""; risky {}"#);
}

/// The rule of a package: its own, or the one of its kind.
fn rule(name: &str) -> Option<&'static (&'static str, &'static [&'static str], &'static [&'static str])> {
    let own = MAY_DEPEND.iter().find(|(package, ..)| *package == name);
    let kind = || {
        MAY_DEPEND.iter().find(|(package, ..)| package.strip_suffix('*').is_some_and(|start| name.starts_with(start)))
    };
    own.or_else(kind)
}

/// The workspace's own packages in one section of a manifest, for every target.
fn ours(package: &toml::Table, section: &str) -> impl Iterator<Item = String> {
    let mut tables: Vec<&toml::Table> = package.get(section).and_then(toml::Value::as_table).into_iter().collect();
    let targets = package.get("target").and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::values);
    tables.extend(targets.filter_map(|target| target.get(section)?.as_table()));
    let names: Vec<String> = tables.into_iter().flat_map(toml::Table::keys).cloned().collect();
    names.into_iter().filter(|name| rule(name).is_some())
}

/// Every package of the workspace by the path of its manifest.
fn packages() -> BTreeMap<String, toml::Table> {
    let read = |path: &Path| -> toml::Table { toml::from_str(&fs::read_to_string(path).unwrap()).unwrap() };
    let workspace = read(&top().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let manifest = |member: &toml::Value| format!("{}/Cargo.toml", member.as_str().unwrap());
    members.iter().map(manifest).map(|path| (path.clone(), read(&top().join(path)))).collect()
}

/// `path:line: text` of all lines of code that match, outside of the `allowed` paths.
fn lines_with(pattern: &str, allowed: &[&str]) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let mut found = Vec::new();
    for path in sources() {
        let short = path.strip_prefix(top()).unwrap().display().to_string();
        if allowed.iter().any(|start| short.starts_with(start)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let matching = (1..).zip(text.lines()).filter(|(_, line)| pattern.is_match(&code(line)));
        found.extend(matching.map(|(number, line)| format!("{short}:{number}: {}", line.trim())));
    }
    found
}

/// All Rust sources of the workspace's packages.
fn sources() -> Vec<PathBuf> {
    let rust = |path: &Path| path.extension().is_some_and(|ending| ending == "rs");
    let folders = packages().into_keys().map(|manifest| top().join(manifest.trim_end_matches("/Cargo.toml")));
    let files = folders.flat_map(|folder| WalkDir::new(folder).sort_by_file_name());
    files.map(|entry| entry.unwrap().into_path()).filter(|path| rust(path)).collect()
}

/// A line without comment and without the content of string literals.
fn code(line: &str) -> String {
    static STRING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""(?:\\.|[^"\\])*""#).unwrap());
    let without = STRING.replace_all(line, "\"\"");
    without.split("//").next().unwrap_or_default().to_owned()
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
