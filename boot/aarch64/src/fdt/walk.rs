//! All nodes, each with its ancestors.

use arrayvec::ArrayVec;

use super::token::{Token, Tokens};
use super::{BadTree, Fdt};

/// Levels of nodes that a tree may have; boards have less than ten.
pub const MAX_DEPTH: usize = 16;

/// A node behind its ancestors, the root first.
pub type Path<'a> = ArrayVec<Node<'a>, MAX_DEPTH>;

/// One node.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its name with the unit address; empty for the root.
    pub name: &'a [u8],
    /// Its `compatible` list; empty where it has none.
    pub compatible: &'a [u8],
    properties: Tokens<'a>,
}

impl<'a> Node<'a> {
    /// The value of a property.
    #[must_use]
    pub fn property(&self, name: &[u8]) -> Option<&'a [u8]> {
        let mut tokens = self.properties;
        loop {
            match tokens.next() {
                Ok(Token::Property(property)) if property.is_named(name) => return Some(property.value),
                Ok(Token::Property(_)) => {}
                _ => return None,
            }
        }
    }

    /// The name without the unit address.
    #[must_use]
    pub fn base_name(&self) -> &'a [u8] {
        self.name.split(|&byte| byte == b'@').next().unwrap_or_default()
    }

    /// The text of a property that holds one.
    #[must_use]
    pub fn text(&self, name: &[u8]) -> Option<&'a [u8]> {
        super::strings(self.property(name)?).next()
    }

    /// Whether `status` lets the device be used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.text(b"status").is_none_or(|status| matches!(status, b"okay" | b"ok"))
    }
}

impl<'a> Fdt<'a> {
    /// Calls `visit` with every node, parents before their children; and checks the whole structure.
    ///
    /// # Errors
    /// [`BadTree::Structure`] where it is damaged; the nodes in front of the damage have been visited.
    pub fn walk(&self, mut visit: impl FnMut(&Path<'a>)) -> Result<(), BadTree> {
        let mut path = Path::new();
        let mut tokens = self.tokens();
        // Whether the properties of the last node of `path` are under way; it is visited when they end.
        let mut open = false;
        loop {
            let before = tokens;
            let token = tokens.next()?;
            match token {
                Token::Property(property) if open => {
                    if property.is_named(b"compatible")
                        && let Some(node) = path.last_mut()
                    {
                        node.compatible = property.value;
                    }
                    continue;
                }
                Token::Property(_) => return Err(before.damaged()),
                _ if open => visit(&path),
                _ => {}
            }
            open = matches!(token, Token::Begin(_));
            match token {
                Token::Begin(name) if path.is_empty() == name.is_empty() => {
                    let node = Node { name, compatible: &[], properties: tokens };
                    path.try_push(node).map_err(|_| before.damaged())?;
                }
                Token::End if path.pop().is_some() && path.is_empty() => return finish(tokens),
                Token::End if !path.is_empty() => {}
                _ => return Err(before.damaged()),
            }
        }
    }

    /// The node at `path`, whose components may lack their unit addresses; of several the first.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<Path<'a>> {
        let mut components = path.split(|&byte| byte == b'/').filter(|component| !component.is_empty()).peekable();
        let mut found = Path::new();
        let mut tokens = self.tokens();
        let mut depth = 0_usize;
        loop {
            match tokens.next().ok()? {
                Token::Begin(name) => {
                    let mut node = Node { name, compatible: &[], properties: tokens };
                    if depth == found.len() && (depth == 0 || components.next_if(|wanted| node.is(wanted)).is_some()) {
                        node.compatible = node.property(b"compatible").unwrap_or_default();
                        found.try_push(node).ok()?;
                        if components.peek().is_none() {
                            return Some(found);
                        }
                    }
                    depth += 1;
                }
                Token::End => {
                    depth = depth.checked_sub(1)?;
                    if depth < found.len() {
                        return None;
                    }
                }
                Token::Property(_) => {}
                Token::Finish => return None,
            }
        }
    }
}

impl Node<'_> {
    fn is(&self, component: &[u8]) -> bool {
        self.name == component || self.base_name() == component
    }
}

/// Behind the root node there is nothing but the end.
fn finish(mut tokens: Tokens<'_>) -> Result<(), BadTree> {
    let before = tokens;
    match tokens.next()? {
        Token::Finish => Ok(()),
        _ => Err(before.damaged()),
    }
}
