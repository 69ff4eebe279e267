//! A reader of flattened device trees (Devicetree Specification 0.4, chapter 5): calls back for every property.

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
/// Deepest node that is followed.
const MAX_DEPTH: usize = 8;
/// Greatest tree that is believed.
const MAX_BYTES: u32 = 2 << 20;

/// A property with the names of the nodes around it.
pub struct Property<'a> {
    path: &'a [&'static str],
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: &'static [u8],
}

impl Property<'_> {
    /// The node at `depth` (1 is below the root), without its unit address.
    pub fn node(&self, depth: usize) -> &'static str {
        let full = self.path.get(depth).copied().unwrap_or("");
        full.split_once('@').map_or(full, |(name, _)| name)
    }

    /// How deep its node is; 0 is the root.
    pub fn depth(&self) -> usize {
        self.path.len() - 1
    }

    /// The value as a number of `cells` 32-bit words, the one at `index` of a list of such numbers.
    pub fn number(&self, cells: usize, index: usize) -> Option<u64> {
        let bytes = self.value.get(index * cells * 4..(index + 1) * cells * 4)?;
        Some(bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    /// Whether the value is a list of strings with `wanted` among them.
    pub fn has(&self, wanted: &str) -> bool {
        self.value.split(|&byte| byte == 0).any(|text| text == wanted.as_bytes())
    }
}

struct Tree {
    address: u64,
    at: u64,
}

impl Tree {
    fn header(&self, word: u64) -> u64 {
        load(self.address + word * 4).into()
    }

    fn token(&mut self) -> u32 {
        self.at += 4;
        load(self.at - 4)
    }
}

fn load(address: u64) -> u32 {
    // SAFETY: inside a tree that the loader left in identity-mapped RAM; its words are aligned.
    u32::from_be(unsafe { (address as *const u32).read() })
}

fn bytes(address: u64, length: u64) -> &'static [u8] {
    // SAFETY: as above; nothing writes to the tree.
    unsafe { core::slice::from_raw_parts(address as *const u8, length as usize) }
}

/// The string at `address`.
fn string(address: u64) -> &'static str {
    let length = (0..256).find(|&offset| bytes(address + offset, 1) == [0]).unwrap_or(0);
    core::str::from_utf8(bytes(address, length)).unwrap_or("")
}

/// Calls `each` for every property of the tree at `address`, in order; false if there is no tree.
pub fn for_each(address: u64, mut each: impl FnMut(&Property<'_>)) -> bool {
    let mut tree = Tree { address, at: 0 };
    if tree.header(0) != MAGIC.into() || tree.header(1) > MAX_BYTES.into() {
        return false;
    }
    tree.at = address + tree.header(2);
    let (end, strings) = (address + tree.header(1), address + tree.header(3));
    let mut path = [""; MAX_DEPTH];
    let mut depth = 0;
    while tree.at < end {
        match tree.token() {
            BEGIN_NODE if depth < MAX_DEPTH => {
                path[depth] = string(tree.at);
                depth += 1;
                tree.at = (tree.at + path[depth - 1].len() as u64 + 1).next_multiple_of(4);
            }
            END_NODE if depth > 0 => depth -= 1,
            PROPERTY if depth > 0 => {
                let (length, name) = (u64::from(tree.token()), string(strings + u64::from(tree.token())));
                each(&Property { path: &path[..depth], name, value: bytes(tree.at, length) });
                tree.at = (tree.at + length).next_multiple_of(4);
            }
            NOP => {}
            _ => break,
        }
    }
    true
}
