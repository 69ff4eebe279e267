//! What is wrong with an Arm machine's device tree in a scenario.
//!
//! The tree is the emulator's own, as it says it would load it, with one change. A tree that still reads is given to the
//! emulator; one that does not is put into memory beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::corruption::{Corruption, Position};
use crate::emulator::machine::loading::shim;
use crate::emulator::machine::{Boot, Direct, Machine};
use crate::error::{Result, at_path, trouble};
use crate::{process, store};

/// A change.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum TreeChange {
    /// Only so much of it is there.
    Truncate(Position),
    /// The bits of this byte are inverted.
    Flip(Position),
    /// It lists so many CPUs, whatever the machine has.
    Cpus(u32),
    /// The first property of this name that is longer than `to` bytes ends there.
    Shorten {
        /// The property's name.
        property: String,
        /// Bytes that are left.
        to: u32,
    },
}

/// Changes how `machine` boots, so that the hypervisor meets the changed tree. Files are kept as `files` with an ending of
/// their own.
pub(crate) fn apply(change: &TreeChange, machine: &mut Machine, files: &Path) -> Result<()> {
    let Boot::Direct(direct) = &machine.boot else {
        return Err(trouble(
            "the device tree is changed where the emulator loads the kernel",
            "leave out machine.boot",
        ));
    };
    let direct = direct.clone();
    let path = files.with_extension("dtb");
    let mut tree = described(change, machine, &path)?;
    let refused = |why: String| trouble(why, "mend the scenario's machine.tree");
    match change {
        TreeChange::Cpus(_) => {}
        TreeChange::Shorten { property, to } => shorten(&mut tree, property, *to).map_err(refused)?,
        TreeChange::Truncate(at) => Corruption::Truncate(at.clone()).apply(&mut tree).map_err(refused)?,
        TreeChange::Flip(at) => Corruption::Flip(at.clone()).apply(&mut tree).map_err(refused)?,
    }
    store::write_atomically(&path, &tree)?;
    machine.boot = match change {
        TreeChange::Cpus(_) | TreeChange::Shorten { .. } => Boot::Direct(Direct { tree: Some(path), ..direct }),
        TreeChange::Truncate(_) | TreeChange::Flip(_) => beside(direct, path, files)?,
    };
    Ok(())
}

fn beside(direct: Direct, tree: PathBuf, files: &Path) -> Result<Boot> {
    let shim_file = files.with_extension("shim");
    store::write_atomically(&shim_file, &shim())?;
    let bundle = direct.module.ok_or_else(|| trouble("there is no bundle to load", "mend the scenario"))?;
    Ok(Boot::OwnTree { shim: shim_file, kernel: direct.kernel, tree, bundle })
}

/// The tree that the emulator would give this machine.
fn described(change: &TreeChange, machine: &Machine, path: &Path) -> Result<Vec<u8>> {
    let mut asked = machine.clone();
    if let TreeChange::Cpus(cpus) = change {
        asked.cpus = *cpus;
    }
    asked.extra.extend(["-machine".to_owned(), format!("dumpdtb={}", path.display())]);
    store::write_atomically(path, &[])?;
    let mut emulator = Command::new(asked.program());
    process::output(emulator.args(asked.arguments()), "ask the emulator for its device tree", "cargo xtask doctor")?;
    let mut tree = fs::read(path).map_err(at_path("read", path))?;
    trim(&mut tree).ok_or_else(|| trouble("the emulator's device tree is not readable", "cargo xtask doctor"))?;
    Ok(tree)
}

/// Leaves out the room behind the tree's last block, of which the emulator leaves a megabyte (header: 5.2).
fn trim(tree: &mut Vec<u8>) -> Option<()> {
    let end = |offset, size| Some(offset_at(tree, offset)? + offset_at(tree, size)?);
    let end = usize::max(end(8, 36)?, end(12, 32)?);
    tree.get_mut(4..8)?.copy_from_slice(&u32::try_from(end).ok()?.to_be_bytes());
    tree.truncate(end);
    Some(())
}

fn word_at(tree: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(tree.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn offset_at(tree: &[u8], at: usize) -> Option<usize> {
    usize::try_from(word_at(tree, at)?).ok()
}

/// Tokens of the structure block (Devicetree Specification, 5.4.1).
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOTHING: u32 = 4;

/// Ends a property early; what was behind it becomes FDT_NOP.
fn shorten(tree: &mut [u8], property: &str, to: u32) -> std::result::Result<(), String> {
    let unreadable = || "the device tree is not readable".to_owned();
    let (mut at, strings) = offset_at(tree, 8).zip(offset_at(tree, 12)).ok_or_else(unreadable)?;
    loop {
        match word_at(tree, at).ok_or_else(unreadable)? {
            BEGIN_NODE => {
                let name = tree[at + 4..].iter().position(|byte| *byte == 0).ok_or_else(unreadable)?;
                at += 4 + (name + 1).next_multiple_of(4);
            }
            PROPERTY => {
                let length = offset_at(tree, at + 4).ok_or_else(unreadable)?;
                let name =
                    offset_at(tree, at + 8).and_then(|name| tree.get(strings + name..)).ok_or_else(unreadable)?;
                let end = at + 12 + length.next_multiple_of(4);
                let left = usize::try_from(to).map_err(|error| error.to_string())?;
                if name.strip_prefix(property.as_bytes()).is_some_and(|rest| rest.first() == Some(&0)) && length > left
                {
                    tree[at + 4..at + 8].copy_from_slice(&to.to_be_bytes());
                    let behind = at + 12 + left.next_multiple_of(4);
                    tree[behind..end].chunks_exact_mut(4).for_each(|word| word.copy_from_slice(&NOTHING.to_be_bytes()));
                    return Ok(());
                }
                at = end;
            }
            END_NODE | NOTHING => at += 4,
            _ => return Err(format!("no property {property} is longer than {to} bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree with one node that has the property `reg` of 16 bytes.
    fn tree() -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let structure = words(&[1, 0, 3, 16, 0, 0xa, 0xb, 0xc, 0xd, 2, 9]);
        let mut tree = words(&[0xd00d_feed, 0, 40, 40 + u32::try_from(structure.len()).unwrap(), 0, 17, 16, 0, 4, 44]);
        tree.extend(structure);
        tree.extend(b"reg\0");
        tree
    }

    #[test]
    fn a_shortened_property_leaves_nothing_behind() {
        let mut tree = tree();
        shorten(&mut tree, "reg", 8).unwrap();
        let words: Vec<u32> = tree[40..84].chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        assert_eq!(words, [1, 0, 3, 8, 0, 0xa, 0xb, 4, 4, 2, 9]);
    }

    #[test]
    fn the_room_behind_the_tree_goes() {
        let mut padded = tree();
        let length = padded.len();
        padded.resize(1000, 0);
        trim(&mut padded).unwrap();
        assert_eq!((padded.len(), offset_at(&padded, 4)), (length, Some(length)));
        assert!(trim(&mut vec![0; 8]).is_none());
    }

    #[test]
    fn what_is_not_there_cannot_be_shortened() {
        assert!(shorten(&mut tree(), "re", 8).unwrap_err().contains("no property re"));
        assert!(shorten(&mut tree(), "reg", 16).is_err());
        assert!(shorten(&mut [0; 4], "reg", 16).is_err());
    }

    #[test]
    fn changes_are_written_as_one_key() {
        let read = |text: &str| toml::from_str::<TreeChange>(text).unwrap();
        assert_eq!(read("cpus = 3"), TreeChange::Cpus(3));
        assert_eq!(
            read("shorten = { property = 'reg', to = 32 }"),
            TreeChange::Shorten { property: "reg".into(), to: 32 }
        );
        assert!(matches!(read("flip = 1"), TreeChange::Flip(_)));
    }
}
