//! The structure block, token by token (Devicetree Specification 0.4, section 5.4).

use zerocopy::IntoBytes;

use super::BadTree;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;
/// Bytes of a token; everything is aligned to it.
const TOKEN_BYTES: usize = size_of::<u32>();

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
    /// The structure block from here on, in the tree's byte order: words are read faster than bytes.
    rest: &'a [u32],
    strings: &'a [u8],
    /// Words of the whole structure block.
    words: usize,
}

impl<'a> Tokens<'a> {
    pub(super) const fn new(structure: &'a [u32], strings: &'a [u8]) -> Self {
        Self { rest: structure, strings, words: structure.len() }
    }

    /// What to say where the token here does not belong.
    pub(super) const fn damaged(&self) -> BadTree {
        BadTree::Structure((self.words - self.rest.len()) * TOKEN_BYTES)
    }

    /// Reads the token here and steps behind it. Inlined, because a walk spends its time here.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Token<'a>, BadTree> {
        let before = *self;
        self.read().ok_or(before.damaged())
    }

    #[inline(always)]
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

    #[inline(always)]
    fn cell(&mut self) -> Option<u32> {
        let (cell, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(u32::from_be(*cell))
    }

    /// The bytes up to a NUL; steps behind it and its padding.
    #[inline(always)]
    fn name(&mut self) -> Option<&'a [u8]> {
        let (name, rest) = self.rest.split_at_checked(self.rest.iter().position(|&word| has_nul(word))? + 1)?;
        self.rest = rest;
        let name = name.as_bytes();
        let last_word = name.len() - TOKEN_BYTES;
        let nul = name.get(last_word..)?.iter().position(|&byte| byte == 0)?;
        name.get(..last_word + nul)
    }

    #[inline(always)]
    fn property(&mut self) -> Option<Property<'a>> {
        let bytes = usize::try_from(self.cell()?).ok()?;
        let name_at = usize::try_from(self.cell()?).ok()?;
        let (value, rest) = self.rest.split_at_checked(bytes.div_ceil(TOKEN_BYTES))?;
        self.rest = rest;
        // The strings block ends with a NUL, so that every name that begins in it ends in it.
        let name = self.strings.get(name_at..).filter(|name| !name.is_empty())?;
        Some(Property { name, value: value.as_bytes().get(..bytes)? })
    }
}

/// Whether one of the bytes of `word` is 0.
const fn has_nul(word: u32) -> bool {
    const LOW: u32 = 0x0101_0101;
    word.wrapping_sub(LOW) & !word & (LOW << 7) != 0
}
