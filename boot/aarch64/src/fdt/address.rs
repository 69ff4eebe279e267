//! Where a node's registers lie, as the CPUs see it (Devicetree Specification 0.4, sections 2.3.6 and 2.3.8).

use phalanx_arch_api::Hpa;
use phalanx_handoff::PhysRange;

use super::cells::{number, take_number};
use super::walk::Node;

/// `#address-cells` and `#size-cells`: how the children of a node write their addresses.
#[derive(Clone, Copy, Debug)]
struct Format {
    address: u32,
    size: u32,
}

impl Format {
    fn of_children(node: &Node<'_>) -> Option<Self> {
        Some(Self { address: cells(node, b"#address-cells", 2)?, size: cells(node, b"#size-cells", 1)? })
    }
}

#[inline(always)]
fn cells(node: &Node<'_>, name: &[u8], standard: u32) -> Option<u32> {
    match node.property(name) {
        Some(value) => number(value).and_then(|cells| u32::try_from(cells).ok()).filter(|&cells| cells <= 4),
        None => Some(standard),
    }
}

/// The ranges of the last node's `reg`, in the address space of its parent.
///
/// A range that is cut, or wraps, ends the list with `None`.
pub(crate) fn registers<'a>(path: &[Node<'a>]) -> impl Iterator<Item = Option<PhysRange>> + use<'a> {
    let (format, reg) = reg_of(path).unzip();
    let mut rest = reg.unwrap_or_default();
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let range = format.and_then(|format| take_range(rest, format));
        rest = range.map_or(&[], |(_, after)| after);
        Some(range.map(|(range, _)| range))
    })
}

fn reg_of<'a>(path: &[Node<'a>]) -> Option<(Format, &'a [u8])> {
    let [.., parent, node] = path else { return None };
    Some((Format::of_children(parent)?, node.property(b"reg")?))
}

fn take_range(bytes: &[u8], format: Format) -> Option<(PhysRange, &[u8])> {
    if format.address == 0 {
        return None;
    }
    let (start, rest) = take_number(bytes, format.address)?;
    let (len, rest) = take_number(rest, format.size)?;
    Some((PhysRange::new(Hpa::new(start), len)?, rest))
}

/// What a device of the last node's parent bus calls `range`, as the CPUs see it.
///
/// `None` where one of the buses between does not pass it on as a whole.
pub(crate) fn translated(path: &[Node<'_>], range: PhysRange) -> Option<PhysRange> {
    let buses = path.get(..path.len().checked_sub(1)?)?;
    let mut range = range;
    for pair in buses.windows(2).rev() {
        let [parent, bus] = pair else { return None };
        range = through(parent, bus, range)?;
    }
    Some(range)
}

/// `range` of `bus`'s children in the address space of `parent`'s children.
fn through(parent: &Node<'_>, bus: &Node<'_>, range: PhysRange) -> Option<PhysRange> {
    let mut rest = bus.property(b"ranges")?;
    if rest.is_empty() {
        return Some(range);
    }
    let (child, parent) = (Format::of_children(bus)?, Format::of_children(parent)?);
    while !rest.is_empty() {
        let (from, after) = take_number(rest, child.address)?;
        let (to, after) = take_number(after, parent.address)?;
        let (len, after) = take_number(after, child.size)?;
        let offset = range.start().as_u64().checked_sub(from);
        if let Some(offset) = offset.filter(|offset| len.checked_sub(*offset).is_some_and(|left| range.len() <= left)) {
            return PhysRange::new(Hpa::new(to.checked_add(offset)?), range.len());
        }
        if after.len() == rest.len() {
            return None;
        }
        rest = after;
    }
    None
}
