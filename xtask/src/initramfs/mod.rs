//! The guests' initramfs: busybox, an `/init`, and the scripts of the system scenarios.

pub(crate) mod cpio;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use crate::arch::Arch;
use crate::error::{Result, at_path};
use crate::places::Places;
use crate::prepare::busybox;
use crate::store;
use cpio::Node;

/// The scripts that `phalanx.run=NAME` on the kernel's command line starts.
const SCRIPTS: [(&str, &str); 9] = [
    ("clock30", include_str!("scripts/clock30.sh")),
    ("compute", include_str!("scripts/compute.sh")),
    ("hotplug", include_str!("scripts/hotplug.sh")),
    ("idle", include_str!("scripts/idle.sh")),
    ("lib", include_str!("scripts/lib.sh")),
    ("poweroff", include_str!("scripts/poweroff.sh")),
    ("reboot-loop", include_str!("scripts/reboot-loop.sh")),
    ("smp", include_str!("scripts/smp.sh")),
    ("smp-lib", include_str!("scripts/smp-lib.sh")),
];

/// Returns the path of the packed initramfs for `arch`.
pub(crate) fn build(places: &Places, arch: Arch) -> Result<PathBuf> {
    let binary = busybox::binary(places, arch)?;
    let busybox = fs::read(&binary).map_err(at_path("read", &binary))?;
    write(places, &arch.place("busybox"), &tree(busybox))
}

/// Returns the path of an initramfs called `name` that holds nothing but the program `init`.
pub(crate) fn alone(places: &Places, name: &str, init: &Path) -> Result<PathBuf> {
    let content = fs::read(init).map_err(at_path("read", init))?;
    let console = ("dev/console".to_owned(), Node::Device { major: 5, minor: 1 });
    let init = ("init".to_owned(), Node::File { content, executable: true });
    write(places, name, &BTreeMap::from([("dev".to_owned(), Node::Folder), console, init]))
}

/// Packs `tree`; the file is written again only when its content changed.
fn write(places: &Places, name: &str, tree: &BTreeMap<String, Node>) -> Result<PathBuf> {
    let archive = cpio::pack(tree.iter().map(|(path, node)| (path.as_str(), node)));
    let path = places.target.join("initramfs").join(format!("{name}.cpio.gz"));
    let packed = compress(&archive).map_err(at_path("compress", &path))?;
    if fs::read(&path).ok().as_ref() != Some(&packed) {
        store::write_atomically(&path, &packed)?;
    }
    Ok(path)
}

/// All entries by path: sorted, so a folder comes before what is in it.
fn tree(busybox: Vec<u8>) -> BTreeMap<String, Node> {
    let executable = |content: &[u8]| Node::File { content: content.to_vec(), executable: true };
    let mut tree = BTreeMap::new();
    for folder in ["bin", "dev", "etc", "proc", "root", "run", "scripts", "sys", "tmp"] {
        tree.insert(folder.to_owned(), Node::Folder);
    }
    tree.insert("bin/busybox".into(), Node::File { content: busybox, executable: true });
    tree.insert("bin/sh".into(), Node::Link("busybox".into()));
    tree.insert("dev/console".into(), Node::Device { major: 5, minor: 1 });
    tree.insert("etc/profile".into(), Node::File { content: PROFILE.into(), executable: false });
    tree.insert("init".into(), executable(include_bytes!("scripts/init.sh")));
    for (name, text) in SCRIPTS {
        tree.insert(format!("scripts/{name}"), executable(text.as_bytes()));
    }
    tree
}

/// What an interactive shell reads first.
const PROFILE: &str = "export PATH=/bin HOME=/root PS1='guest# '\ncd\n";

/// gzip without name and time; the fast level, because it is unpacked by an emulated processor anyway.
fn compress(archive: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    gzip.write_all(archive)?;
    gzip.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> Vec<u8> {
        let tree = tree(b"\x7fELF".to_vec());
        compress(&cpio::pack(tree.iter().map(|(path, node)| (path.as_str(), node)))).unwrap()
    }

    #[test]
    fn equal_input_gives_equal_bytes() {
        assert_eq!(packed(), packed());
    }

    #[test]
    fn folders_come_before_their_content() {
        let tree = tree(Vec::new());
        let mut seen = std::collections::BTreeSet::new();
        for path in tree.keys() {
            if let Some((folder, _)) = path.rsplit_once('/') {
                assert!(seen.contains(folder), "{path} before its folder");
            }
            seen.insert(path.as_str());
        }
    }

    #[test]
    fn every_script_reads_the_library_that_exists() {
        for (name, text) in SCRIPTS.iter().filter(|(name, _)| !name.ends_with("lib")) {
            assert!(text.contains(". /scripts/lib"), "{name}");
        }
    }
}
