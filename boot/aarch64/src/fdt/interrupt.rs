//! Interrupts of the GIC (Devicetree Specification 0.4, section 2.4; bindings `arm,gic` and `arm,gic-v3`).

use super::cells::{number, take_cell};
use super::walk::Node;

/// Cells of a specifier; what a GICv3 adds behind the first three is of no use here.
const SPECIFIER_CELLS: usize = 3;

/// One interrupt as a node names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// The phandle of the controller.
    pub parent: u32,
    /// The GIC's number of it, if the controller is a GIC.
    pub intid: Option<u32>,
}

/// The interrupts of the last node of `path`; empty where it names none, or in a way that cannot be read.
///
/// `cells` is the GIC's `#interrupt-cells`.
pub(crate) fn interrupts<'a>(path: &[Node<'a>], cells: usize) -> impl Iterator<Item = Interrupt> + use<'a> {
    let extended = path.last().and_then(|node| node.property(b"interrupts-extended"));
    let inherited = path.iter().rev().find_map(|node| node.property(b"interrupt-parent"));
    let parent = inherited.and_then(phandle);
    let mut rest = extended.or_else(|| path.last()?.property(b"interrupts")).unwrap_or_default();
    core::iter::from_fn(move || {
        let parent = if extended.is_some() {
            let (parent, after) = take_cell(rest)?;
            rest = after;
            parent
        } else {
            parent?
        };
        let specifier = rest.get(..cells * 4)?;
        rest = rest.get(cells * 4..)?;
        Some(Interrupt { parent, intid: intid(specifier) })
    })
}

fn phandle(value: &[u8]) -> Option<u32> {
    u32::try_from(number(value)?).ok()
}

/// The INTID of a specifier: kind, number within the kind, trigger.
fn intid(specifier: &[u8]) -> Option<u32> {
    let (kind, rest) = take_cell(specifier)?;
    let (number, _) = take_cell(rest)?;
    let (first, count) = match kind {
        0 => (32, 988),
        1 => (16, 16),
        2 => (4096, 1024),
        3 => (1056, 64),
        _ => return None,
    };
    (number < count).then_some(first + number)
}

/// The `#interrupt-cells` of an interrupt controller, if there are enough for a GIC's specifier.
pub(crate) fn specifier_cells(node: &Node<'_>) -> Option<usize> {
    let cells = usize::try_from(number(node.property(b"#interrupt-cells")?)?).ok()?;
    (SPECIFIER_CELLS..=8).contains(&cells).then_some(cells)
}
