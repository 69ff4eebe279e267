//! The structure block, token by token (Devicetree Specification 0.4, section 5.4).

use super::BadTree;
use super::cells::take_cell;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;
/// Bytes of a token; everything is aligned to it.
const TOKEN_BYTES: usize = 4;

/// What the structure block is made of; NOPs are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A node with this name begins.
    Begin(&'a [u8]),
    /// The innermost node ends.
    End,
    /// A property of the innermost node.
    Property(Property<'a>),
    /// The tree ends.
    Finish,
}

/// A property's name and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Property<'a> {
    /// The strings block from the name on: the name ends at the first NUL.
    name: &'a [u8],
    /// The value.
    pub(super) value: &'a [u8],
}

impl Property<'_> {
    /// Whether the property has this name. Inlined, so that the comparison is with a constant.
    #[inline(always)]
    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        self.name.get(name.len()) == Some(&0) && self.name.starts_with(name)
    }
}

/// A position in the structure block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(structure: &'a [u8], strings: &'a [u8]) -> Self {
        Self { structure, strings, at: 0 }
    }

    /// Reads the token here and steps behind it.
    pub(super) fn next(&mut self) -> Result<Token<'a>, BadTree> {
        self.read().ok_or(BadTree::Structure(self.at))
    }

    /// What to say where the token here does not belong.
    pub(super) const fn damaged(&self) -> BadTree {
        BadTree::Structure(self.at)
    }

    fn read(&mut self) -> Option<Token<'a>> {
        loop {
            match self.cell()? {
                NOP => {}
                BEGIN_NODE => return self.name().map(Token::Begin),
                END_NODE => return Some(Token::End),
                PROPERTY => return self.property().map(Token::Property),
                END => return Some(Token::Finish),
                _ => return None,
            }
        }
    }

    fn cell(&mut self) -> Option<u32> {
        let (cell, _) = take_cell(self.structure.get(self.at..)?)?;
        self.at += TOKEN_BYTES;
        Some(cell)
    }

    /// The bytes up to a NUL; steps behind it and its padding.
    fn name(&mut self) -> Option<&'a [u8]> {
        let rest = self.structure.get(self.at..)?;
        let name = rest.get(..rest.iter().position(|&byte| byte == 0)?)?;
        self.at += (name.len() + 1).next_multiple_of(TOKEN_BYTES);
        Some(name)
    }

    fn property(&mut self) -> Option<Property<'a>> {
        let bytes = usize::try_from(self.cell()?).ok()?;
        let name_at = usize::try_from(self.cell()?).ok()?;
        let value = self.structure.get(self.at..)?.get(..bytes)?;
        self.at += bytes.next_multiple_of(TOKEN_BYTES);
        // The strings block ends with a NUL, so that every name that begins in it ends in it.
        let name = self.strings.get(name_at..).filter(|name| !name.is_empty())?;
        Some(Property { name, value })
    }
}
