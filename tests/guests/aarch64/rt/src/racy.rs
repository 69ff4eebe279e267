//! Statics that hardware or several CPUs touch behind the compiler's back.

use core::cell::UnsafeCell;

/// A static whose contents are reached by raw pointer only: translation tables, vectors, stacks.
#[repr(transparent)]
pub struct Racy<T>(UnsafeCell<T>);

// SAFETY: the cell hands out nothing but a raw pointer; whoever dereferences it names the owner of the contents.
unsafe impl<T> Sync for Racy<T> {}

impl<T> Racy<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The address of the value; physical and virtual address are the same.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// A stack of `N` bytes, aligned as AAPCS64 wants it.
#[repr(C, align(16))]
pub struct Stack<const N: usize>([u8; N]);

impl<const N: usize> Stack<N> {
    /// An empty stack.
    pub const EMPTY: Self = Self([0; N]);
}

impl<const N: usize> Racy<Stack<N>> {
    /// The address just above the stack, where SP starts.
    pub fn top(&self) -> u64 {
        self.get() as u64 + N as u64
    }
}
