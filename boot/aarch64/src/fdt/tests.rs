use dtoolkit::{Node as _, Property as _};
use phalanx_handoff::PhysRange;
use proptest::prelude::*;

use super::*;
use crate::fixture::{Builder, boards};

extern crate std;
use std::format;
use std::string::String;
use std::vec::Vec;

fn walked(blob: &[u8]) -> Result<(), BadTree> {
    Fdt::new(blob)?.walk(|_| {})
}

fn tree(content: impl FnOnce(&mut Builder)) -> Vec<u8> {
    Builder::tree(content).blob()
}

/// Every node's path, and one property of it.
fn outline(blob: &[u8], property: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let mut lines = Vec::new();
    let text = |name| core::str::from_utf8(name).unwrap();
    Fdt::new(blob)
        .unwrap()
        .walk(|path| {
            let name: String = path.iter().map(|node| format!("/{}", text(node.name))).collect();
            lines.push((name, path.last().unwrap().property(property.as_bytes()).map(Vec::from)));
        })
        .unwrap();
    lines
}

/// The same, as another reader sees it.
fn reference(node: dtoolkit::fdt::FdtNode<'_>, parent: &str, property: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let name = format!("{parent}/{}", node.name());
    let value = node.property(property).map(|property| Vec::from(property.value()));
    let children = node.children().flat_map(|child| reference(child, &name, property)).collect::<Vec<_>>();
    [(name, value)].into_iter().chain(children).collect()
}

#[test]
fn another_reader_sees_the_same() {
    for blob in [boards::server().blob(), boards::small().blob()] {
        let other = dtoolkit::fdt::Fdt::new(&blob).unwrap();
        for property in ["reg", "compatible", "interrupts", "phandle", "none"] {
            assert_eq!(outline(&blob, property), reference(other.root(), "", property));
        }
    }
}

#[test]
fn reservations_are_read() {
    let blob = boards::server().blob();
    let mut ranges = Vec::new();
    Fdt::new(&blob).unwrap().reservations(|range| ranges.push(range)).unwrap();
    let range = |start, len| PhysRange::new(phalanx_arch_api::Hpa::new(start), len).unwrap();
    assert_eq!(ranges, [range(0x4800_0000, 0x1000), range(0x4000_0000, 0x1000)]);
}

#[test]
fn nodes_are_found_by_path() {
    let blob = boards::small().blob();
    let fdt = Fdt::new(&blob).unwrap();
    let found = |path: &str| fdt.find(path.as_bytes()).map(|path| path.last().unwrap().name);
    assert_eq!(found("/soc/bus@100000/serial@2000"), Some(&b"serial@2000"[..]));
    assert_eq!(found("/soc/bus/serial"), Some(&b"serial@1000"[..]));
    assert_eq!(found("/"), Some(&b""[..]));
    assert_eq!([found("/soc/serial@2000"), found("/serial@2000"), found("/soc/bus/serial/x")], [None; 3]);
}

#[test]
fn nops_and_long_names_are_no_damage() {
    let blob = tree(|root| {
        root.token(4);
        root.text("a-property-name-of-more-than-thirty-one-bytes", "x");
        root.token(4);
        root.node("n", |node| node.token(4));
    });
    assert_eq!(walked(&blob), Ok(()));
    assert_eq!(outline(&blob, "a-property-name-of-more-than-thirty-one-bytes")[0].1.as_deref(), Some(&b"x\0"[..]));
}

#[test]
fn what_does_not_belong_is_refused() {
    let structure = |content: fn(&mut Builder)| walked(&tree(content));
    assert_eq!(structure(|root| root.token(7)), Err(BadTree::Structure(8)), "unknown token");
    assert_eq!(structure(|root| root.token(9)), Err(BadTree::Structure(8)), "early end");
    assert_eq!(structure(|root| root.token(2)), Err(BadTree::Structure(12)), "one end too many");
    assert_eq!(structure(|root| root.token(1)), Err(BadTree::Structure(8)), "no name");
    let late = structure(|root| {
        root.node("n", |_| ());
        root.text("late", "");
    });
    assert_eq!(late, Err(BadTree::Structure(20)), "property behind a node");
    fn nest(node: &mut Builder, levels: usize) {
        if levels != 0 {
            node.node("n", |node| nest(node, levels - 1));
        }
    }
    assert_eq!(walked(&tree(|root| nest(root, MAX_DEPTH - 1))), Ok(()));
    assert!(walked(&tree(|root| nest(root, MAX_DEPTH))).is_err(), "too deep");
}

#[test]
fn headers_that_lie_are_refused() {
    let blob = boards::small().blob();
    let with = |at: usize, value: u32| {
        let mut blob = blob.clone();
        blob[at..at + 4].copy_from_slice(&value.to_be_bytes());
        walked(&blob)
    };
    assert_eq!(with(0, 1), Err(BadTree::Magic(1)));
    assert_eq!([with(4, 39), with(4, u32::MAX)], [Err(BadTree::Size(39)), Err(BadTree::Size(u32::MAX))]);
    assert_eq!(with(4, 0x10_0000), Err(BadTree::Block), "longer than what there is");
    assert_eq!([with(20, 16), with(24, 18)], [Err(BadTree::Version(16)), Err(BadTree::Version(17))]);
    for at in [8, 12, 16, 32, 36] {
        assert_eq!(with(at, u32::MAX), Err(BadTree::Block));
    }
    assert_eq!(with(8, 0), Err(BadTree::Block), "structure in the header");
    assert_eq!(with(8, 41), Err(BadTree::Block), "structure at an odd place");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        flips in prop::collection::vec((40..1000usize, any::<u8>()), 0..8),
    ) {
        let _ = walked(&bytes);
        let mut near = boards::small().blob();
        for (at, value) in flips {
            near[at] = value;
        }
        let _ = walked(&near);
        if let Ok(fdt) = Fdt::new(&near) {
            let _ = fdt.find(b"/soc/bus/serial@3000");
            let _ = fdt.reservations(|_| {});
        }
    }
}
