//! What a transaction has looked at.
//!
//! Most look at few accounts and slots, which are found sooner without a tree.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

/// Values by key, in the order in which they came, at indices that stay. Most look-ups are for what the one before was for:
/// those compare one key.
pub(super) struct Table<K, V> {
    items: Vec<(K, V)>,
    /// Where all of them are, when they are more than [`FEW`].
    index: BTreeMap<K, usize>,
    /// What was found or added last.
    last: usize,
}

/// Values that are looked through one by one.
const FEW: usize = 8;

impl<K: Ord + Copy, V> Table<K, V> {
    pub fn new() -> Self {
        Self { items: Vec::new(), index: BTreeMap::new(), last: 0 }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Where the value of `key` is.
    pub fn find(&mut self, key: &K) -> Option<usize> {
        if self.items.get(self.last).is_some_and(|(last, _)| last == key) {
            return Some(self.last);
        }
        self.last = match self.items.len() {
            0..=FEW => self.items.iter().position(|(other, _)| other == key)?,
            _ => *self.index.get(key)?,
        };
        Some(self.last)
    }

    /// Adds the value of a key that has none: where it is.
    pub fn add(&mut self, key: K, value: V) -> usize {
        self.last = self.items.len();
        self.items.push((key, value));
        match self.items.len() {
            0..=FEW => {}
            // The first one that is too many.
            len if len == FEW + 1 => self.index.extend(self.items.iter().enumerate().map(|(at, (key, _))| (*key, at))),
            _ => {
                self.index.insert(key, self.last);
            }
        }
        self.last
    }

    /// All of them, in the order in which they came.
    pub fn into_items(self) -> impl Iterator<Item = (K, V)> {
        self.items.into_iter()
    }
}

impl<K, V> Index<usize> for Table<K, V> {
    type Output = V;

    fn index(&self, at: usize) -> &V {
        &self.items[at].1
    }
}

impl<K, V> IndexMut<usize> for Table<K, V> {
    fn index_mut(&mut self, at: usize) -> &mut V {
        &mut self.items[at].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are() {
        let mut table = Table::new();
        assert_eq!(table.find(&0), None);
        for key in (0..100).rev() {
            assert_eq!(table.find(&key), None);
            assert_eq!(table.add(key, 2 * key), 99 - key);
        }
        for key in [0, 0, 99, 98, 0, 50, 50] {
            let at = table.find(&key).unwrap();
            assert_eq!((at, table[at]), (99 - key, 2 * key));
        }
        table[0] = 7;
        assert_eq!((table.find(&100), table.len()), (None, 100));
        assert_eq!(table.into_items().take(2).collect::<Vec<_>>(), [(99, 7), (98, 196)]);
    }
}
